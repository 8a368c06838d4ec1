import type { Scale, Target } from '../workloads/workload.ts';
import { HttpConnection } from './http-connection.ts';
import { type Latencies, OpenLoop } from './open-loop.ts';
import { openSubscribers } from './open-subscribers.ts';
import { payload, signedTrigger } from './signed-request.ts';
import { Turns } from './turns.ts';
import { checkReceived } from './waves.ts';
import { measureWindow, type Window } from './window.ts';

const CHANNEL = 'room';
const CONNECTIONS = 16;
/** One in so many is timed. */
const TIMED_SHARE = 16;
const TURNS = 20;

/** Of events at a steady pace. */
export interface Steady {
  readonly latencies: Latencies;
  /** Counts deliveries. */
  readonly window: Window;
}

/** How it is measured, for the reader of the report. */
export const STEADY =
  'Latency counts from when the event was due until the subscriber has it, so that whoever stalls is charged for all who waited. ' +
  `It is taken at every ${TIMED_SHARE}th subscriber, which read all the time; the others read once in ${TURNS} events, between two events, ` +
  'so that it is the server which is measured. In the end everybody must have all events.';

/**
 * Opens one public channel with many subscribers.
 *
 * @returns measures so many triggers of 200 bytes per second, whatever becomes of those before (open loop)
 */
export async function openSteadyFanOut(
  target: Target,
  scale: Scale,
  onFailure: (error: Error) => void,
): Promise<(perSecond: number) => Promise<Steady>> {
  let turn = 0;
  let sent = 0;
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
  for (const subscriber of subscribers.filter((_, index) => index % TIMED_SHARE === 0)) loop.time(subscriber, 0);

  async function run(perSecond: number, durationMs: number): Promise<{ events: number; latencies: Latencies }> {
    turn = 0;
    const ran = await loop.run(perSecond, durationMs);
    sent += ran.events;
    return ran;
  }

  return async (perSecond) => {
    let { latencies } = await run(perSecond, scale.warmUpMs);
    const window = await measureWindow(target.pid, async () => {
      const ran = await run(perSecond, scale.windowMs * 2);
      latencies = ran.latencies;
      return ran.events * subscribers.length;
    });
    await turns.catchUp(sent);
    checkReceived(subscribers, sent);
    return { latencies, window };
  };
}
