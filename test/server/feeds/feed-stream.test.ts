import { expect, test } from 'vitest';
import type { FeedEvent } from '../../../server/feeds/feed-frames.ts';
import { FeedStream } from '../../../server/feeds/feed-stream.ts';
import { FakeResponse } from '../../support/fake-response.ts';

function open() {
  const fake = new FakeResponse();
  let ends = 0;
  const stream = new FeedStream(fake.response, { maxBufferedBytes: 1000, headers: [] }, () => {
    ends += 1;
  });
  return { fake, stream, ends: () => ends };
}

const eventOf = (text: string): FeedEvent => ({ record: () => Buffer.from(text) }) as unknown as FeedEvent;

test('what waits is written before the end', () => {
  const { fake, stream } = open();
  stream.begin();
  fake.written.length = 0;
  stream.put(eventOf('1'), 'data');
  stream.close(4200, 'two\nlines');
  expect(fake.written).toEqual(['1', ': two lines\n\nEND']);
});

test.for([
  [4200, 'retry: 2000\n\n: later\n\nEND'],
  [4100, 'retry: 2000\n\n: later\n\nEND'],
  [1001, 'retry: 2000\n\n: later\n\nEND'],
  [4009, 'laterEND'],
] as const)('a reader that is closed with %i before it was let in gets an answer, once', ([code, answer]) => {
  const { fake, stream, ends } = open();
  stream.close(code, 'later');
  stream.close(code, 'again');
  stream.begin();
  stream.ping();
  stream.put(eventOf('1'), 'data');
  stream.flush();
  expect(fake.written).toEqual([answer]);
  expect(ends()).toBe(1);
});
