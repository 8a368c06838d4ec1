import { openSubscribers } from '../load/open-subscribers.ts';
import { checkReceived, Waves } from '../load/waves.ts';
import { loads, measureWindow, perCpuSecond, perSecond } from '../load/window.ts';
import type { Workload } from './workload.ts';

const CHANNEL = 'presence-room';
const MEMBERS = 100;
/** What one change makes: the others learn that a member left and that it is back, and it learns who is there. */
const FRAMES = 2 * (MEMBERS - 1) + 1;

/** People come and go in a full room. */
export const presence: Workload = {
  name: 'presence',
  title: 'A presence channel with 100 members that come and go',
  description:
    `${MEMBERS} members; one after another unsubscribes and subscribes again at once. The other ${MEMBERS - 1} learn both, and it gets the list of members. The next follows ` +
    'when all of them have that. The floor checks the signature, keeps the members by id, writes the list and two frames, and publishes them natively.',
  figures: [
    { id: 'perCpuSecond', title: 'members that left and came back', unit: 'per CPU-second', better: 'more' },
    { id: 'perSecond', title: 'members that left and came back', unit: 'per second', better: 'more' },
  ],
  floorFlags: ['--verify'],
  async measure(target, scale, onFailure) {
    // Those who came first were told of those who came later.
    let isComplete = false;
    const waves = new Waves(FRAMES, (index, done) => {
      const member = members[index % MEMBERS];
      member?.unsubscribe(CHANNEL);
      member?.subscribe(CHANNEL);
      done();
    });
    const members = await openSubscribers(target, {
      count: MEMBERS,
      atOnce: 1,
      channelOf: () => CHANNEL,
      onFailure,
      onFrames: (frames) => isComplete && waves.delivered(frames),
    });
    while (members.some(({ received }, index) => received < MEMBERS - 1 - index)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    isComplete = true;
    await waves.run(1, scale.warmUpMs);
    const window = await measureWindow(target.pid, () => waves.run(1, scale.windowMs));
    members.forEach((member, index) => {
      const own = Math.ceil((waves.sent - index) / MEMBERS);
      checkReceived([member], MEMBERS - 1 - index + own + 2 * (waves.sent - own));
    });
    return { perCpuSecond: perCpuSecond(window), perSecond: perSecond(window), ...loads(window) };
  },
};
