import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FeedStream } from '../../../server/feeds/feed-stream.ts';
import type { HttpResponse } from '../../../server/uws.ts';

const MAX_BUFFERED_BYTES = 1000;

/** A response of uWebSockets.js that takes as much as the test says. */
class FakeResponse {
  /** How many writes the system takes; what is written beyond stays with uWebSockets.js. */
  room = Number.POSITIVE_INFINITY;
  readonly written: string[] = [];
  aborted = (): void => {};
  writable = (): void => {};

  readonly response = {
    cork: (work: () => void) => work(),
    writeStatus: () => {},
    writeHeader: () => {},
    write: (text: string | Uint8Array) => {
      this.written.push(Buffer.from(text).toString());
      this.room -= 1;
      return this.room >= 0;
    },
    end: (text: string) => void this.written.push(`${text}END`),
    close: () => this.aborted(),
    onAborted: (run: () => void) => {
      this.aborted = run;
    },
    onWritable: (run: () => void) => {
      this.writable = run;
    },
  } as unknown as HttpResponse;
}

function begin() {
  const fake = new FakeResponse();
  const stream = new FeedStream(fake.response, { maxBufferedBytes: MAX_BUFFERED_BYTES, headers: [] });
  let ends = 0;
  stream.onOver = () => {
    ends += 1;
  };
  stream.begin();
  fake.written.length = 0;
  const put = (text: string): void => {
    stream.put(Buffer.from(text));
    stream.flush();
  };
  return { fake, stream, put, ends: () => ends };
}

test('what comes during a jam waits here, and goes on in order when there is room', () => {
  const { fake, put } = begin();
  fake.room = 1;
  for (const text of ['1', '2', '3', '4']) put(text);
  expect(fake.written).toEqual(['1', '2']);
  fake.room = 0;
  fake.writable();
  expect(fake.written).toEqual(['1', '2', ':\n\n']);
  put('5');
  fake.room = 10;
  fake.writable();
  expect(fake.written).toEqual(['1', '2', ':\n\n', ':\n\n', '345']);
  put('6');
  expect(fake.written.at(-1)).toBe('6');
});

test('a reader is cut off when more waits than may, and a little room now and then does not help it', async () => {
  const { fake, stream, put, ends } = begin();
  fake.room = 0;
  put('first');
  for (let count = 0; !stream.isSlow && count < 1000; count += 1) {
    put('x'.repeat(100));
    // Not all of what uWebSockets.js has is gone each time.
    fake.writable();
  }
  expect(stream.isSlow).toBe(true);
  // It was not given more than it had but to find that out.
  expect(fake.written.filter((text) => text !== ':\n\n')).toEqual(['first']);
  expect(fake.written.length).toBeLessThan(20);
  expect(ends()).toBe(0);
  put('never');
  await setImmediate();
  expect(ends()).toBe(1);
  expect(stream.isOpen).toBe(false);
  expect(fake.written).not.toContain('never');
});

test('a burst over the limit is no reason to cut off a reader that keeps up', () => {
  const { fake, stream } = begin();
  for (let count = 0; count < 30; count += 1) stream.put(Buffer.alloc(100, 'x'));
  stream.flush();
  expect(fake.written.join('')).toHaveLength(3000);
  expect(stream.isSlow).toBe(false);
});

test('it ends once, whoever ends it, and is not touched afterwards', () => {
  for (const end of [
    ({ fake }: ReturnType<typeof begin>) => fake.aborted(),
    ({ stream }: ReturnType<typeof begin>) => stream.close(4200, 'later\nline'),
  ]) {
    const begun = begin();
    end(begun);
    const { fake, stream, put, ends } = begun;
    const written = [...fake.written];
    stream.close(4200, 'again');
    stream.ping();
    put('x');
    expect(fake.written).toEqual(written);
    expect(ends()).toBe(1);
  }
});

test('what waits is written before the end', () => {
  const { fake, stream } = begin();
  stream.put(Buffer.from('1'));
  stream.close(4200, 'two\nlines');
  expect(fake.written).toEqual(['1', ': two lines\n\nEND']);
});

test('a reader that is gone in a jam is told from one that left by itself', () => {
  const jammed = begin();
  jammed.fake.room = 0;
  jammed.put('1');
  jammed.fake.aborted();
  expect(jammed.stream.hasStalled).toBe(true);
  const left = begin();
  left.put('1');
  left.fake.aborted();
  expect(left.stream.hasStalled).toBe(false);
});
