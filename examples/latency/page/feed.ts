import type { ConnectionState } from '../../shared/page/connection.ts';

export interface FeedEvents {
  state(state: ConnectionState | 'off', text?: string): void;
  /** After so many milliseconds. */
  connected(tookMs: number): void;
  message(text: string): void;
}

/** A way to read a channel. `open` and `close` may be called again and again. */
export interface Feed {
  open(): void;
  close(): void;
  /** Sends a text, which the broker sends back; false where there is no way to send, or none just now. */
  send(text: string): boolean;
}

const RETRY_MS = 1000;

export class WebSocketFeed implements Feed {
  readonly #url: string;
  readonly #events: FeedEvents;
  #socket: WebSocket | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, events: FeedEvents) {
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

/** EventSource tries again by itself, unless the broker has answered that it will not. */
export class EventSourceFeed implements Feed {
  readonly #url: string;
  readonly #event: string;
  readonly #events: FeedEvents;
  #source: EventSource | undefined;

  constructor(url: string, event: string, events: FeedEvents) {
    this.#url = url;
    this.#event = event;
    this.#events = events;
  }

  open(): void {
    this.close();
    this.#events.state('connecting');
    const startedAt = performance.now();
    const source = new EventSource(this.#url);
    this.#source = source;
    let isFirst = true;
    source.addEventListener('open', () => {
      if (isFirst) this.#events.connected(performance.now() - startedAt);
      isFirst = false;
      this.#events.state('connected');
    });
    source.addEventListener('error', () => {
      const isOver = source.readyState === EventSource.CLOSED;
      this.#events.state(isOver ? 'refused' : 'unavailable');
    });
    source.addEventListener(this.#event, ({ data }) => this.#events.message(String(data)));
  }

  close(): void {
    this.#source?.close();
    this.#source = undefined;
    this.#events.state('off');
  }

  send(): boolean {
    return false;
  }
}
