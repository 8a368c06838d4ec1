/* A plain feed in a page: `readFeed(url, { message, state })`. It reconnects by itself. */
import type { ConnectionState } from './connection.ts';

/** The first attempts follow each other quickly: a broker that restarts is back after a moment. Then the pauses grow. */
const QUICK_ATTEMPTS = 4;
const RETRY_MS = [1000, 8000] as const;

export interface FeedEvents<T> {
  message(message: T): void;
  /** @param reason - of the broker, when it refuses */
  state(state: ConnectionState, reason: string): void;
}

/** Reads a plain feed with the browser's WebSocket: each message is JSON. Comes back by itself, unless it is refused. */
export function readFeed<T>(url: string, events: FeedEvents<T>): void {
  let attempts = 0;
  const connect = (): void => {
    const socket = new WebSocket(url);
    socket.addEventListener('open', () => {
      attempts = 0;
      events.state('connected', '');
    });
    socket.addEventListener('message', ({ data }) => events.message(JSON.parse(String(data)) as T));
    socket.addEventListener('close', ({ code, reason }) => {
      // 4000 to 4099: it would be refused again.
      if (code >= 4000 && code < 4100) {
        events.state('refused', reason);
        return;
      }
      events.state('unavailable', '');
      setTimeout(connect, Math.min(RETRY_MS[0] * 2 ** Math.max(0, attempts - QUICK_ATTEMPTS), RETRY_MS[1]));
      attempts += 1;
    });
  };
  events.state('connecting', '');
  connect();
}
