/** A WebSocket that comes back by itself: half a second after it was lost, then every second. */
const RETRY_MS = [500, 1000] as const;
/** The application takes a connection before it has asked the broker: it counts when it lasts, or brings something. */
const LASTS_MS = 500;

export interface FeedListener {
  message(text: string): void;
  connected(): void;
  /** Told once, until it is connected again. */
  lost(reason: string): void;
}

export class Feed {
  readonly #url: string;
  readonly #listener: FeedListener;
  #isConnected = false;
  #isLost = false;

  constructor(url: string, listener: FeedListener) {
    this.#url = url;
    this.#listener = listener;
    this.#connect();
  }

  #connect(): void {
    const socket = new WebSocket(this.#url);
    let lasting: number | undefined;
    const connected = (): void => {
      clearTimeout(lasting);
      if (this.#isConnected) return;
      this.#isConnected = true;
      this.#isLost = false;
      this.#listener.connected();
    };
    socket.addEventListener('open', () => {
      lasting = setTimeout(connected, LASTS_MS);
    });
    socket.addEventListener('message', ({ data }) => {
      connected();
      this.#listener.message(String(data));
    });
    socket.addEventListener('close', ({ code, reason }) => {
      clearTimeout(lasting);
      const [first, next] = RETRY_MS;
      setTimeout(() => this.#connect(), this.#isConnected ? first : next);
      this.#isConnected = false;
      if (this.#isLost) return;
      this.#isLost = true;
      this.#listener.lost(reason || `code ${code}`);
    });
  }
}
