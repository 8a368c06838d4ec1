import { clientFrame } from '../load/client-frame.ts';
import { openSubscribers } from '../load/open-subscribers.ts';
import { payload } from '../load/signed-request.ts';
import { checkReceived, Waves } from '../load/waves.ts';
import { loads, measureWindow, perCpuSecond, perSecond } from '../load/window.ts';
import type { Workload } from './workload.ts';

const CHANNEL = 'private-room';
const MEMBERS = 100;
const AT_ONCE = 4;

/** Cursors, typing, telemetry between clients: no backend is asked. */
export const clientEvents: Workload = {
  name: 'client-events',
  title: 'Client events in a room of 100',
  description:
    `${MEMBERS} clients in a private channel; ${AT_ONCE} of them, each time others, send a client event of 200 bytes, which the ${MEMBERS - 1} others ` +
    'get; the next follow when they have it. The floor parses the frame, encodes it and publishes it natively to all but the sender.',
  figures: [
    { id: 'perCpuSecond', title: 'deliveries', unit: 'per CPU-second', better: 'more' },
    { id: 'perSecond', title: 'deliveries', unit: 'per second', better: 'more' },
  ],
  floorFlags: ['--verify'],
  async measure(target, scale, onFailure) {
    const frameOf = (index: number): Buffer =>
      clientFrame(JSON.stringify({ event: 'client-moved', channel: CHANNEL, data: payload(index) }));
    const waves = new Waves(MEMBERS - 1, (index, done) => {
      members[index % MEMBERS]?.send(frameOf(index));
      done();
    });
    const members = await openSubscribers(target, {
      count: MEMBERS,
      atOnce: 50,
      channelOf: () => CHANNEL,
      onFailure,
      onFrames: (frames) => waves.delivered(frames),
    });
    await waves.run(AT_ONCE, scale.warmUpMs);
    const window = await measureWindow(
      target.pid,
      async () => (await waves.run(AT_ONCE, scale.windowMs)) * (MEMBERS - 1),
    );
    // Everybody has all but what they sent.
    const { sent } = waves;
    members.forEach((member, index) => {
      checkReceived([member], sent - Math.ceil((sent - index) / MEMBERS));
    });
    return { perCpuSecond: perCpuSecond(window), perSecond: perSecond(window), ...loads(window) };
  },
};
