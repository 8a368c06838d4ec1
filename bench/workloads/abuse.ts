import { ATTACKS, CROWD, SIGN_OF_LIFE, startAttack } from '../load/attack.ts';
import { HttpConnection } from '../load/http-connection.ts';
import { OpenLoop } from '../load/open-loop.ts';
import { openSubscribers } from '../load/open-subscribers.ts';
import { payload, signedTrigger } from '../load/signed-request.ts';
import type { Workload } from './workload.ts';

const CHANNEL = 'innocent';
const PER_SECOND = 10;
const OTHERS = 99;

/** What strangers do with the public key of an app, and what its users feel of it. */
export const abuse: Workload = {
  name: 'abuse',
  title: 'A subscriber beside somebody who attacks',
  description:
    `${PER_SECOND} triggers of 200 bytes each second to one subscriber. Beside it a stranger, who knows the public key only, sends 3 MB at once of the same thing, ` +
    'is ended or ends, comes back a tenth of a second later, and so on. The figure is the longest that an event took, from when it was due until the ' +
    'subscriber had it.',
  figures: ATTACKS.map(({ id, title }) => ({
    id,
    title: `longest wait beside ${title}`,
    unit: 'ms',
    better: 'less',
    target: { value: 100 },
  })),
  deployments: 'alone',
  isExtra: true,
  async measure(target, scale, onFailure) {
    const loop = new OpenLoop({
      connections: await HttpConnection.openAll(target, 4, onFailure),
      requestOf: (event) => signedTrigger(target, [CHANNEL], payload(event)),
      channels: 1,
      spins: true,
    });
    const [innocent] = await openSubscribers(target, {
      count: 1,
      atOnce: 1,
      channelOf: () => CHANNEL,
      onFailure,
      onFrames: (frames, subscriber) => loop.delivered(frames, subscriber),
    });
    const others = await openSubscribers(target, { count: OTHERS, atOnce: 9, channelOf: () => CROWD, onFailure });
    if (innocent) loop.time(innocent, 0);
    await loop.run(PER_SECOND, scale.warmUpMs);
    const longest: Record<string, number> = {};
    for (const attack of ATTACKS) {
      for (const subscriber of [...others, ...(innocent ? [innocent] : [])]) subscriber.send(SIGN_OF_LIFE);
      const end = startAttack(target, attack);
      const { latencies } = await loop.run(PER_SECOND, scale.windowMs * 2);
      await end();
      longest[attack.id] = latencies.max;
    }
    return longest;
  },
};
