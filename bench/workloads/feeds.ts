import { FeedReader } from '../load/feed-reader.ts';
import { HttpConnection } from '../load/http-connection.ts';
import { payload, signedTrigger } from '../load/signed-request.ts';
import { checkReceived, Waves } from '../load/waves.ts';
import { loads, measureWindow, perCpuSecond } from '../load/window.ts';
import { FEED_CHANNEL } from '../servers/bench-app.ts';
import type { Scale, Target, Workload } from './workload.ts';

const BURST = 8;

/** Readers that speak no Pusher. */
export const feeds: Workload = {
  name: 'feeds',
  title: '1,000 readers of a feed',
  description:
    `Triggers of 200 bytes over HTTP, ${BURST} at once, to a channel that 1,000 readers get as a plain feed: by WebSocket, or as Server-Sent Events; the next follow when ` +
    'every reader got all of those before. The floor publishes the data natively to WebSockets, and writes the record to each response in a loop.',
  figures: [
    { id: 'webSocket', title: 'deliveries, WebSocket', unit: 'per CPU-second', better: 'more' },
    { id: 'stream', title: 'deliveries, Server-Sent Events', unit: 'per CPU-second', better: 'more' },
  ],
  needs: ['feeds'],
  async measure(target, scale, onFailure) {
    const webSocket = await measureFeed(target, scale, 'WebSocket', onFailure);
    const stream = await measureFeed(target, scale, 'stream', onFailure);
    return {
      webSocket: perCpuSecond(webSocket),
      stream: perCpuSecond(stream),
      ...loads(webSocket),
      ...loads(stream, 'stream_'),
    };
  },
};

async function measureFeed(
  target: Target,
  scale: Scale,
  way: 'WebSocket' | 'stream',
  onFailure: (error: Error) => void,
) {
  const count = scale.fanOutSubscribers;
  const idle = await HttpConnection.openAll(target, BURST, onFailure);
  const waves = new Waves(count, (index, done) => {
    const connection = idle.pop();
    connection?.request(signedTrigger(target, [FEED_CHANNEL], payload(index)), () => {
      idle.push(connection);
      done();
    });
  });
  const readers: FeedReader[] = [];
  for (let index = 0; index < count; index += 1) {
    readers.push(await FeedReader.open(target, way, onFailure, (messages) => waves.delivered(messages)));
  }
  await waves.run(BURST, scale.warmUpMs);
  const window = await measureWindow(target.pid, async () => (await waves.run(BURST, scale.windowMs)) * count);
  checkReceived(readers, waves.sent);
  for (const reader of readers) reader.drop();
  for (const connection of idle) connection.drop();
  return window;
}
