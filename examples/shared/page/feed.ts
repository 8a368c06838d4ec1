/* A plain feed in a page: `readFeed(url, { message, state })`. It reconnects by itself. */
import type { ConnectionState } from './connection.ts';

const RETRY_MS = [1000, 8000] as const;

export interface FeedEvents<T> {
  message(message: T): void;
  /** @param reason - of the broker, when it refuses */
  state(state: ConnectionState, reason: string): void;
}

/** Reads a plain feed with the browser's WebSocket: each message is JSON. Comes back by itself, unless it is refused. */
export function readFeed<T>(url: string, events: FeedEvents<T>): void {
  let pauseMs: number = RETRY_MS[0];
  const connect = (): void => {
    const socket = new WebSocket(url);
    socket.addEventListener('open', () => {
      pauseMs = RETRY_MS[0];
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
      setTimeout(connect, pauseMs);
      pauseMs = Math.min(pauseMs * 2, RETRY_MS[1]);
    });
  };
  events.state('connecting', '');
  connect();
}
