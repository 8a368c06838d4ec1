import { openSubscribers } from '../load/open-subscribers.ts';
import { settledCpu } from '../load/process-stats.ts';
import { PublishedWaves } from '../load/published-waves.ts';
import { loads, measureWindow, perCpuSecond } from '../load/window.ts';
import type { Workload } from './workload.ts';

const BURST = 8;
const AT_ONCE = 64;
/** TLS handshakes take the load generator far longer than the server. */
const CONNECT_SHARE = 0.1;

/** The same by TLS, which Kulkul and the floor serve by themselves. */
export const tls: Workload = {
  name: 'tls',
  title: 'Fan-out and connections by TLS',
  description:
    `Fan-out to 1,000 subscribers, ${BURST} triggers at once, and connecting to public channels as above, but by TLS 1.3 with a certificate for ECDSA P-256; each ` +
    'connection begins with a whole handshake. The floor does what it does without TLS.',
  figures: [
    { id: 'deliveries', title: `deliveries, ${BURST} triggers at once`, unit: 'per CPU-second', better: 'more' },
    { id: 'connections', title: 'connections', unit: 'per CPU-second', better: 'more' },
  ],
  needs: ['tls'],
  async measure(target, scale, onFailure) {
    const connect = async (count: number) => {
      const window = await measureWindow(target.pid, async () => {
        opened = await openSubscribers(target, { count, atOnce: AT_ONCE, channelOf: () => 'lobby', onFailure });
        return count;
      });
      for (const subscriber of opened) subscriber.drop();
      await settledCpu(target.pid);
      return window;
    };
    let opened: Awaited<ReturnType<typeof openSubscribers>> = [];
    const count = Math.ceil(scale.connects * CONNECT_SHARE);
    await connect(Math.ceil(count / 2));
    const connecting = await connect(count);
    const load = await PublishedWaves.open({
      address: target,
      channels: 1,
      subscribersEach: scale.fanOutSubscribers,
      connections: BURST,
      onFailure,
    });
    await load.run(BURST, scale.warmUpMs);
    const fanOut = await measureWindow(target.pid, () => load.run(BURST, scale.windowMs));
    load.check();
    return {
      deliveries: perCpuSecond(fanOut),
      connections: perCpuSecond(connecting),
      ...loads(fanOut),
      ...loads(connecting, 'connect_'),
    };
  },
};
