import type { ConnectionState } from '../../shared/page/connection.ts';

export interface TransportEvents {
  state(state: ConnectionState | 'off', text?: string): void;
  /** After so many milliseconds. */
  connected(tookMs: number): void;
  message(text: string): void;
}

/** A way to read the feed. `open` and `close` may be called again and again. */
export interface Transport {
  open(): void;
  close(): void;
}

const RETRY_MS = 1000;

export class WebSocketTransport implements Transport {
  readonly #url: string;
  readonly #events: TransportEvents;
  #socket: WebSocket | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, events: TransportEvents) {
    this.#url = url;
    this.#events = events;
  }

  open(): void {
    this.close();
    this.#events.state('connecting');
    this.#connect();
  }

  close(): void {
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    this.#events.state('off');
  }

  /** Sends a text, which the broker sends back. @returns false where that is not possible just now */
  send(text: string): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  #connect(): void {
    const startedAt = performance.now();
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.addEventListener('open', () => {
      if (this.#socket !== socket) return;
      this.#events.connected(performance.now() - startedAt);
      this.#events.state('connected');
    });
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket === socket) this.#events.message(String(data));
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.#socket !== socket) return;
      // 4000 to 4099: it would be refused again.
      if (code >= 4000 && code < 4100) {
        this.#events.state('refused', `Refused: ${reason}`);
        return;
      }
      this.#events.state('unavailable');
      this.#retry = setTimeout(() => this.#connect(), RETRY_MS);
    });
  }
}

/**
 * EventSource tries again by itself when a stream ends, and gives up for good after any answer but a stream, such as that of a proxy whose broker is away.
 * Then it is begun anew here, unless the answer is that it was refused.
 */
export class EventSourceTransport implements Transport {
  readonly #url: string;
  readonly #events: TransportEvents;
  #source: EventSource | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, events: TransportEvents) {
    this.#url = url;
    this.#events = events;
  }

  open(): void {
    this.close();
    this.#events.state('connecting');
    this.#connect();
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = undefined;
    this.#events.state('off');
  }

  #connect(): void {
    const startedAt = performance.now();
    const source = new EventSource(this.#url);
    this.#source = source;
    let isFirst = true;
    source.addEventListener('open', () => {
      if (isFirst) this.#events.connected(performance.now() - startedAt);
      isFirst = false;
      this.#events.state('connected');
    });
    source.addEventListener('message', ({ data }) => this.#events.message(String(data)));
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) void this.#askWhy(source);
      else this.#events.state('unavailable');
    });
  }

  /** EventSource does not tell the status of an answer. */
  async #askWhy(source: EventSource): Promise<void> {
    const answer = await fetch(this.#url, { headers: { Accept: 'text/event-stream' } }).catch(() => undefined);
    void answer?.body?.cancel();
    if (this.#source !== source) return;
    if (answer && answer.status >= 400 && answer.status < 500) {
      this.#events.state('refused');
      return;
    }
    this.#events.state('unavailable');
    this.#retry = setTimeout(() => this.#connect(), RETRY_MS);
  }
}
