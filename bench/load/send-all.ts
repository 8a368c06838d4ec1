import type { HttpConnection } from './http-connection.ts';

/**
 * Sends requests in turn, one at a time on each connection.
 *
 * @returns how many were answered, once none is under way any more
 */
export function sendAll(
  connections: readonly HttpConnection[],
  requests: readonly Buffer[],
  durationMs: number,
): Promise<number> {
  const endsMs = performance.now() + durationMs;
  let answered = 0;
  let busy = connections.length;
  return new Promise((resolve) => {
    const send = (connection: HttpConnection, index: number): void => {
      connection.request(requests[index % requests.length] ?? EMPTY, () => {
        answered += 1;
        if (performance.now() < endsMs) {
          send(connection, index + connections.length);
          return;
        }
        busy -= 1;
        if (busy === 0) resolve(answered);
      });
    };
    connections.forEach(send);
  });
}

const EMPTY = Buffer.alloc(0);
