import { FeedReader } from '../load/feed-reader.ts';
import { HttpConnection } from '../load/http-connection.ts';
import { signedTrigger } from '../load/signed-request.ts';
import { FEED_CHANNEL } from '../servers/bench-app.ts';
import { type Activity, repeat, type Surroundings } from './activity.ts';

/** Each is gone before the server asks it for a sign of life, which it would not give. */
const READERS = 40;
const CHANGE_EVERY_MS = 1000;
const PUBLISH_EVERY_MS = 100;

/** Readers of a feed, half of them by WebSocket and half as Server-Sent Events, who come and go. */
export function startFeedReaders({ address, onProblem }: Surroundings): Activity {
  const counts = { feedReaders: 0, feedMessages: 0 };
  const readers: FeedReader[] = [];
  const onFailure = ({ message }: Error): void => onProblem(`a feed: ${message}`);
  const changing = repeat(CHANGE_EVERY_MS, async (turn) => {
    const way = turn % 2 === 0 ? 'WebSocket' : 'stream';
    const onMessages = (messages: number): void => {
      counts.feedMessages += messages;
    };
    readers.push(await FeedReader.open(address, way, onFailure, onMessages));
    counts.feedReaders += 1;
    if (readers.length > READERS) readers.shift()?.drop();
  });
  const http = HttpConnection.open(address, onFailure);
  const publishing = repeat(PUBLISH_EVERY_MS, async (turn) => {
    const connection = await http;
    const request = signedTrigger(address, [FEED_CHANNEL], `{"turn":${turn}}`);
    await new Promise<void>((resolve) => connection.request(request, resolve));
  });
  return {
    counts,
    async stop() {
      await publishing.stop();
      await changing.stop();
      (await http).drop();
      for (const reader of readers) reader.drop();
      if (counts.feedMessages === 0) onProblem('no feed got a message');
    },
  };
}
