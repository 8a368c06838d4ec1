import { HttpConnection } from '../load/http-connection.ts';
import { OpenLoop } from '../load/open-loop.ts';
import { openSubscribers } from '../load/open-subscribers.ts';
import { payload, signedTrigger } from '../load/signed-request.ts';
import { Turns } from '../load/turns.ts';
import { checkReceived } from '../load/waves.ts';
import { cpuMicroseconds, loads, measureWindow } from '../load/window.ts';
import type { Workload } from './workload.ts';

const CHANNEL = 'room';
const PER_SECOND = 100;
const CONNECTIONS = 16;
/** One in so many is timed. */
const TIMED_SHARE = 16;
const TURNS = 20;

/** How late an event is at a steady pace. */
export const fanOutLatency: Workload = {
  name: 'fan-out-latency',
  title: 'Latency of a fan-out at 100 events per second',
  description:
    `${PER_SECOND} triggers of 200 bytes each second, whatever becomes of those before (open loop), to one public channel with 1,000 ` +
    'subscribers. Latency counts from when the event was due until the subscriber has it, so that whoever stalls is charged for all who ' +
    `waited. It is taken at every ${TIMED_SHARE}th subscriber, which read all the time; the others read once in ${TURNS} events, between two events, ` +
    'so that it is the server which is measured. In the end everybody must have all events. The floor is that of the fan-out.',
  figures: [
    { id: 'p50', title: 'latency, median', unit: 'ms', better: 'less' },
    { id: 'p95', title: 'latency, 95th percentile', unit: 'ms', better: 'less' },
    { id: 'p99', title: 'latency, 99th percentile', unit: 'ms', better: 'less', target: { share: 1.2 } },
    { id: 'p999', title: 'latency, 99.9th percentile', unit: 'ms', better: 'less' },
    { id: 'cpu', title: 'server', unit: 'CPU-µs per delivery', better: 'less' },
  ],
  async measure(target, scale, onFailure) {
    const subscribers = await openSubscribers(target, {
      count: scale.fanOutSubscribers,
      atOnce: 50,
      channelOf: () => CHANNEL,
      onFailure,
      onFrames: (frames, subscriber) => loop.delivered(frames, subscriber),
    });
    const turns = new Turns(
      subscribers.filter((_, index) => index % TIMED_SHARE !== 0),
      TURNS,
    );
    let turn = 0;
    const loop = new OpenLoop({
      connections: await HttpConnection.openAll(target, CONNECTIONS, onFailure),
      requestOf: (event) => signedTrigger(target, [CHANNEL], payload(event)),
      channels: 1,
      spins: true,
      onTick: (due) => {
        // Halfway between two events the server is through with the one before.
        if (due < turn + 0.5) return;
        turn += 1;
        turns.next();
      },
    });
    for (const subscriber of subscribers.filter((_, index) => index % TIMED_SHARE === 0)) loop.time(subscriber, 0);
    const warmUp = await loop.run(PER_SECOND, scale.warmUpMs);
    turn = 0;
    const { latencies, events, window } = await measured();
    const sent = warmUp.events + events;
    await turns.catchUp(sent);
    checkReceived(subscribers, sent);
    return { ...latencies, cpu: cpuMicroseconds(window), ...loads(window) };

    async function measured() {
      let ran = { events: 0, latencies: warmUp.latencies };
      const window = await measureWindow(target.pid, async () => {
        ran = await loop.run(PER_SECOND, scale.windowMs * 2);
        return ran.events * subscribers.length;
      });
      return { ...ran, window };
    }
  },
};
