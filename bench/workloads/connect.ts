import { openSubscribers } from '../load/open-subscribers.ts';
import { settledCpu } from '../load/process-stats.ts';
import { loads, measureWindow, perCpuSecond, perSecond } from '../load/window.ts';
import type { Target, Workload } from './workload.ts';

const AT_ONCE = 64;
const CHANNELS = 100;
const MEMBERS = 10;
const WARM_UP_SHARE = 0.25;

/** Where clients of each kind of channel go. */
const KINDS = {
  public: (index: number) => `room-${index % CHANNELS}`,
  private: (index: number) => `private-room-${index % CHANNELS}`,
  presence: (index: number) => `presence-room-${Math.floor(index / MEMBERS)}`,
} as const;

/** What a restart or a network that comes back costs: everybody connects and subscribes. */
export const connectAndSubscribe: Workload = {
  name: 'connect',
  title: 'Connect and subscribe',
  description:
    `Clients connect, ${AT_ONCE} at a time, and subscribe to one of ${CHANNELS} public or private channels, or to a presence channel with ${MEMBERS} members; ` +
    'all of them stay. The floor sends the handshake frame, parses the subscription, checks the signature of a private or presence channel, subscribes ' +
    'natively and confirms; for presence it keeps the members of each channel, shows them to the newcomer and the newcomer to them.',
  figures: [
    {
      id: 'public',
      title: 'connections, public channels',
      unit: 'per CPU-second',
      better: 'more',
      target: { share: 0.75 },
    },
    { id: 'private', title: 'connections, private channels', unit: 'per CPU-second', better: 'more' },
    { id: 'presence', title: 'connections, presence channels', unit: 'per CPU-second', better: 'more' },
    { id: 'perSecond', title: 'connections, public channels', unit: 'per second', better: 'more' },
  ],
  floorFlags: ['--verify'],
  async measure(target, scale, onFailure) {
    const measure = async (kind: keyof typeof KINDS, count: number) => {
      await openAndDrop(target, kind, Math.ceil(count * WARM_UP_SHARE), onFailure);
      return openAndDrop(target, kind, count, onFailure);
    };
    const open = await measure('public', scale.connects);
    const signed = await measure('private', scale.connects / 2);
    const present = await measure('presence', scale.connects / 2);
    return {
      public: perCpuSecond(open),
      perSecond: perSecond(open),
      private: perCpuSecond(signed),
      presence: perCpuSecond(present),
      ...loads(open),
      ...loads(signed, 'private_'),
      ...loads(present, 'presence_'),
    };
  },
};

/** Measures how they come, not how they go. */
async function openAndDrop(target: Target, kind: keyof typeof KINDS, count: number, onFailure: (error: Error) => void) {
  let subscribers: Awaited<ReturnType<typeof openSubscribers>> = [];
  const window = await measureWindow(target.pid, async () => {
    subscribers = await openSubscribers(target, { count, atOnce: AT_ONCE, channelOf: KINDS[kind], onFailure });
    return count;
  });
  for (const subscriber of subscribers) subscriber.drop();
  await settledCpu(target.pid);
  return window;
}
