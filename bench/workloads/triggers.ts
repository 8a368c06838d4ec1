import { HttpConnection } from '../load/http-connection.ts';
import { sendAll } from '../load/send-all.ts';
import { payload, signedTrigger } from '../load/signed-trigger.ts';
import { loads, measureWindow, perCpuSecond, perSecond } from '../load/window.ts';
import type { Workload } from './workload.ts';

const CONNECTIONS = 64;
/** Requests that are signed beforehand, no two alike, and then sent in turn. */
const REQUESTS = 20_000;

/** What a backend can say while nobody listens: the price of the HTTP API alone. */
export const triggers: Workload = {
  name: 'triggers',
  title: 'Signed triggers, nobody listening',
  description:
    `Triggers of 200 bytes over ${CONNECTIONS} keep-alive connections, one request at a time on each. The floor checks MD5 and ` +
    'HMAC as the protocol demands, parses the body, encodes one frame and publishes it natively.',
  figures: [
    { id: 'perCpuSecond', title: 'triggers', unit: 'per CPU-second', better: 'more', target: 0.7 },
    { id: 'perSecond', title: 'triggers', unit: 'per second', better: 'more' },
  ],
  floorFlags: ['--verify'],
  async measure(target, scale, onFailure) {
    const requests = Array.from({ length: REQUESTS }, (_, index) =>
      signedTrigger(target.port, `sensor-${index % 100}`, payload(index)),
    );
    const connections: HttpConnection[] = [];
    for (let count = 0; count < CONNECTIONS; count += 1) {
      connections.push(await HttpConnection.open(target.port, onFailure));
    }
    const run = (durationMs: number): Promise<number> => sendAll(connections, requests, durationMs);
    await run(scale.warmUpMs);
    const window = await measureWindow(target.pid, () => run(scale.windowMs));
    return { perCpuSecond: perCpuSecond(window), perSecond: perSecond(window), ...loads(window) };
  },
};
