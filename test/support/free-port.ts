import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections: one of those could have it by the time that it is listened on again. */
const [FIRST, LAST] = [10_240, 32_000];
/** Each process of the tests has ports of its own: two that asked at once could be given the same. */
const SHARES = 16;
const SHARE = Math.floor((LAST - FIRST) / SHARES);
const first = FIRST + (Number(process.env.VITEST_POOL_ID ?? 0) % SHARES) * SHARE;
/** One after the other, so that none comes again soon. Another run may be under way on this machine. */
let next = Math.floor(Math.random() * SHARE);

/** A port of loopback on which nobody listens at the moment: for programs that can't tell which one they got, or follow one another on it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + next;
    next = (next + 1) % SHARE;
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
