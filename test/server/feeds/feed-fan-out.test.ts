import { expect, test } from 'vitest';
import type { Feed } from '../../../channels/feed.ts';
import type { Session } from '../../../channels/session.ts';
import { encodeMemberAdded, encodeSubscriptionCount } from '../../../protocol/server-message.ts';
import { TopicFanOut } from '../../../server/fan-out.ts';
import { feedTopic } from '../../../server/feeds/feed-fan-out.ts';
import { type FeedSink, FeedTransport } from '../../../server/feeds/feed-transport.ts';
import { NativeTopics } from '../../../server/ws/native-topics.ts';
import { WebSocketTransport } from '../../../server/ws/web-socket-transport.ts';

const FRAME = '{"event":"e","channel":"news","data":"{\\"a\\":1}"}';
const FEED: Feed = { path: '/f', channel: 'news', format: 'data', last: false, echo: false };

/** A fan-out over two apps of uWebSockets.js, as while a certificate is being replaced, and what they are told to publish. */
function createFanOut() {
  const fanOut = new TopicFanOut();
  const published: string[] = [];
  for (const name of ['old', 'new']) {
    const publish = (...args: unknown[]): boolean => published.push([name, ...args].join(' ')) > 0;
    fanOut.add(new NativeTopics({ publish }));
  }
  return { fanOut, published };
}

test('a publish costs one native publish for each format that somebody reads, whatever their number', () => {
  const { fanOut, published } = createFanOut();
  for (let count = 0; count < 500; count += 1) {
    fanOut.feeds.addSocket('t', 'data');
    fanOut.feeds.addSocket('t', 'event');
  }
  fanOut.publish('t', { frame: FRAME }, undefined);
  const event = '{"event":"e","channel":"news","data":{"a":1}}';
  expect(published).toEqual([
    `old t ${FRAME}`,
    `new t ${FRAME}`,
    `old ${feedTopic('t', 'data')} {"a":1}`,
    `new ${feedTopic('t', 'data')} {"a":1}`,
    `old ${feedTopic('t', 'event')} ${event}`,
    `new ${feedTopic('t', 'event')} ${event}`,
  ]);
});

test.for(['{"id":1234567890123456789,"p":10.0}', '[1e400]', '{"a":1,"a":2}', '12345678901234567890', 'null'])(
  'data of a client event that is no text is passed on as it was written: %s',
  (data) => {
    const { fanOut, published } = createFanOut();
    fanOut.feeds.addSocket('t', 'data');
    fanOut.publish('t', { frame: `{"event":"client-e","channel":"news","data":${data}}` }, undefined);
    expect(published.at(-1)).toBe(`new ${feedTopic('t', 'data')} ${data}`);
  },
);

test('a publish that no feed reads costs nothing more, also after readers have gone', () => {
  const { fanOut, published } = createFanOut();
  fanOut.feeds.addSocket('other', 'data');
  fanOut.feeds.addSocket('t', 'event');
  fanOut.feeds.removeSocket('t', 'event');
  fanOut.publish('t', { frame: FRAME }, undefined);
  expect(published).toEqual([`old t ${FRAME}`, `new t ${FRAME}`]);
});

/** A reader without native topics, and the records that it takes. */
function reader(records: Uint8Array[], feeds: TopicFanOut['feeds']): FeedTransport {
  const sink = { put: (event, format) => records.push(event.record(format)), flush: () => {} } as Partial<FeedSink>;
  return new FeedTransport(FEED, { silenceSeconds: 30, answersPings: false }, sink as FeedSink, feeds);
}

test('all streams get the same record, made once', () => {
  const { fanOut } = createFanOut();
  const records: Uint8Array[] = [];
  for (let count = 0; count < 3; count += 1) fanOut.feeds.addStream('t', reader(records, fanOut.feeds));
  fanOut.publish('t', { frame: FRAME }, undefined);
  expect(records).toHaveLength(3);
  expect(new Set(records).size).toBe(1);
});

test('readers get no word of members who come and go, nor of how many subscribe', () => {
  const { fanOut } = createFanOut();
  const records: Uint8Array[] = [];
  fanOut.feeds.addStream('t', reader(records, fanOut.feeds));
  const member = { userId: '1', userIdJson: '"1"', userInfoJson: undefined };
  fanOut.publish('t', { frame: encodeMemberAdded('news', member), member: { change: 'added', member } }, undefined);
  fanOut.publish('t', { frame: encodeSubscriptionCount('news', 3) }, undefined);
  expect(records).toEqual([]);
});

// As long as more comes in, uWebSockets.js does not notice that it has closed its side of a connection that is over the limit.
test('a client that lost an answer is cut off, though nothing is published', async () => {
  let isClosed = false;
  const socket = { close: () => (isClosed = true) } as unknown as ConstructorParameters<typeof WebSocketTransport>[0];
  const topics = new NativeTopics({ publish: () => true });
  new WebSocketTransport(socket, {} as Session, topics).noteSlow();
  expect(isClosed).toBe(false);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  expect(isClosed).toBe(true);
});
