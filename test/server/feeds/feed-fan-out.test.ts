import { expect, test } from 'vitest';
import type { Feed } from '../../../channels/feed.ts';
import type { Session } from '../../../channels/session.ts';
import { type FeedReader, feedTopic } from '../../../server/feeds/feed-fan-out.ts';
import type { TemplatedApp } from '../../../server/uws.ts';
import { NativeFanOut } from '../../../server/ws/native-fan-out.ts';
import { WebSocketTransport } from '../../../server/ws/web-socket-transport.ts';

const FRAME = '{"event":"e","channel":"news","data":"{\\"a\\":1}"}';
const FEED: Feed = { path: '/f', channel: 'news', format: 'data', last: false, echo: false };

/** A fan-out over two apps of uWebSockets.js, as while a certificate is being replaced, and what they are told to publish. */
function createFanOut() {
  const fanOut = new NativeFanOut(undefined);
  const published: string[] = [];
  for (const name of ['old', 'new']) {
    fanOut.add({
      publish: (...args: string[]) => published.push([name, ...args].join(' ')),
    } as unknown as TemplatedApp);
  }
  return { fanOut, published };
}

test('a publish costs one native publish for each format that somebody reads, whatever their number', () => {
  const { fanOut, published } = createFanOut();
  for (let count = 0; count < 500; count += 1) {
    fanOut.feeds.addSocket('t', 'data');
    fanOut.feeds.addSocket('t', 'event');
  }
  fanOut.publish('t', FRAME, undefined);
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
    fanOut.publish('t', `{"event":"client-e","channel":"news","data":${data}}`, undefined);
    expect(published.at(-1)).toBe(`new ${feedTopic('t', 'data')} ${data}`);
  },
);

test('a publish that no feed reads costs nothing more, also after readers have gone', () => {
  const { fanOut, published } = createFanOut();
  fanOut.feeds.addSocket('other', 'data');
  fanOut.feeds.addSocket('t', 'event');
  fanOut.feeds.removeSocket('t', 'event');
  fanOut.publish('t', FRAME, undefined);
  expect(published).toEqual([`old t ${FRAME}`, `new t ${FRAME}`]);
});

test('all streams get the same record, made once', () => {
  const { fanOut } = createFanOut();
  const records: Uint8Array[] = [];
  const stream = (): FeedReader => ({ format: 'data', put: (record) => records.push(record), flush: () => {} });
  for (let count = 0; count < 3; count += 1) fanOut.feeds.addStream('t', stream(), FEED);
  fanOut.publish('t', FRAME, undefined);
  expect(records).toHaveLength(3);
  expect(new Set(records).size).toBe(1);
});

// As long as more comes in, uWebSockets.js does not notice that it has closed its side of a connection that is over the limit.
test('a client that lost an answer is cut off, though nothing is published', async () => {
  const { fanOut } = createFanOut();
  let isClosed = false;
  const socket = { close: () => (isClosed = true) } as unknown as ConstructorParameters<typeof WebSocketTransport>[0];
  fanOut.noteSlow(new WebSocketTransport(socket, {} as Session, { app: {} as TemplatedApp, log: undefined }));
  expect(isClosed).toBe(false);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  expect(isClosed).toBe(true);
});
