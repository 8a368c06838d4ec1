import { HttpConnection } from '../load/http-connection.ts';
import { sendAll } from '../load/send-all.ts';
import { payload, signedBatch, signedTrigger } from '../load/signed-request.ts';
import { loads, measureWindow, perCpuSecond, perSecond } from '../load/window.ts';
import type { Target, Workload } from './workload.ts';

const CONNECTIONS = 64;
const LARGE_BYTES = 10_000;
const BATCH = 10;

/** What a backend can say while nobody listens: the price of the HTTP API alone. */
export const triggers: Workload = {
  name: 'triggers',
  title: 'Signed triggers, nobody listening',
  description:
    `Triggers over ${CONNECTIONS} keep-alive connections, one request at a time on each: of 200 bytes, of 10 kB, and ${BATCH} of 200 bytes in a batch. ` +
    'The floor checks MD5 and HMAC as the protocol demands, parses the body, encodes one frame per event and publishes it natively.',
  figures: [
    { id: 'perCpuSecond', title: 'triggers, 200 bytes', unit: 'per CPU-second', better: 'more' },
    { id: 'perSecond', title: 'triggers, 200 bytes', unit: 'per second', better: 'more', target: { share: 0.85 } },
    { id: 'large', title: 'triggers, 10 kB', unit: 'per CPU-second', better: 'more' },
    { id: 'batched', title: `events in batches of ${BATCH}`, unit: 'per CPU-second', better: 'more' },
  ],
  floorFlags: ['--verify'],
  async measure(target, scale, onFailure) {
    const connections = await HttpConnection.openAll(target, CONNECTIONS, onFailure);
    const measure = async (requests: readonly Buffer[], eventsEach = 1) => {
      await sendAll(connections, requests, scale.warmUpMs);
      return measureWindow(target.pid, async () => (await sendAll(connections, requests, scale.windowMs)) * eventsEach);
    };
    const small = await measure(requests(20_000, (index) => signedTrigger(target, [channelOf(index)], payload(index))));
    const large = await measure(
      requests(1000, (index) => signedTrigger(target, [channelOf(index)], payload(index, LARGE_BYTES))),
    );
    const batches = await measure(
      requests(4000, (index) => batch(target, index)),
      BATCH,
    );
    return {
      perCpuSecond: perCpuSecond(small),
      perSecond: perSecond(small),
      large: perCpuSecond(large),
      batched: perCpuSecond(batches),
      ...loads(small),
      ...loads(large, 'large_'),
      ...loads(batches, 'batched_'),
    };
  },
};

/** Signed beforehand, no two alike, and then sent in turn. */
function requests(count: number, requestOf: (index: number) => Buffer): Buffer[] {
  return Array.from({ length: count }, (_, index) => requestOf(index));
}

function batch(target: Target, index: number): Buffer {
  const channels = Array.from({ length: BATCH }, (_, position) => channelOf(index + position));
  return signedBatch(target, channels, payload(index));
}

const channelOf = (index: number): string => `sensor-${index % 100}`;
