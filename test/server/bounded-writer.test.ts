import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { BoundedWriter } from '../../server/bounded-writer.ts';
import { FakeResponse } from '../support/fake-response.ts';

const MAX_BUFFERED_BYTES = 1000;
const FILLER = '-';

function begin() {
  const fake = new FakeResponse();
  let ends = 0;
  const onOver = (): void => {
    ends += 1;
  };
  const writer = new BoundedWriter(fake.response, {
    maxBufferedBytes: MAX_BUFFERED_BYTES,
    filler: Buffer.from(FILLER),
    onOver,
  });
  writer.begin(() => {});
  const put = (text: string): void => {
    writer.put(Buffer.from(text));
    writer.flush();
  };
  return { fake, writer, put, ends: () => ends };
}

test('what is put before the response begins is written behind its head', () => {
  const fake = new FakeResponse();
  const options = { maxBufferedBytes: MAX_BUFFERED_BYTES, filler: Buffer.from(FILLER), onOver: () => {} };
  const writer = new BoundedWriter(fake.response, options);
  writer.put(Buffer.from('1'));
  writer.flush();
  expect(fake.written).toEqual([]);
  expect(writer.bufferedBytes).toBe(1);
  writer.begin((res) => res.write('head'));
  writer.begin((res) => res.write('head again'));
  expect(fake.written).toEqual(['head', '1']);
  expect(writer.bufferedBytes).toBe(0);
});

test('what comes during a jam waits here, and goes on in order when there is room', () => {
  const { fake, put } = begin();
  fake.room = 1;
  for (const text of ['1', '2', '3', '4']) put(text);
  expect(fake.written).toEqual(['1', '2']);
  fake.room = 0;
  fake.writable();
  expect(fake.written).toEqual(['1', '2', FILLER]);
  put('5');
  fake.room = 10;
  fake.writable();
  expect(fake.written).toEqual(['1', '2', FILLER, FILLER, '345']);
  put('6');
  expect(fake.written.at(-1)).toBe('6');
});

test('a client is cut off when more waits than may, and a little room now and then does not help it', async () => {
  const { fake, writer, put, ends } = begin();
  fake.room = 0;
  put('first');
  for (let count = 0; !writer.isSlow && count < 1000; count += 1) {
    put('x'.repeat(100));
    // Not all of what uWebSockets.js has is gone each time.
    fake.writable();
  }
  expect(writer.isSlow).toBe(true);
  // It was not given more than it had but to find that out.
  expect(fake.written.filter((text) => text !== FILLER)).toEqual(['first']);
  expect(fake.written.length).toBeLessThan(20);
  expect(ends()).toBe(0);
  put('never');
  await setImmediate();
  expect(ends()).toBe(1);
  expect(writer.isOpen).toBe(false);
  expect(fake.written).not.toContain('never');
});

test('a burst over the limit is no reason to cut off a client that keeps up', () => {
  const { fake, writer } = begin();
  for (let count = 0; count < 30; count += 1) writer.put(Buffer.alloc(100, 'x'));
  writer.flush();
  expect(fake.written.join('')).toHaveLength(3000);
  expect(writer.isSlow).toBe(false);
});

test('it ends once, whoever ends it, and is not touched afterwards', () => {
  for (const end of [
    ({ fake }: ReturnType<typeof begin>) => fake.aborted(),
    ({ writer }: ReturnType<typeof begin>) => writer.end('later'),
    ({ writer }: ReturnType<typeof begin>) => writer.cutOff(),
  ]) {
    const begun = begin();
    end(begun);
    const { fake, writer, put, ends } = begun;
    const written = [...fake.written];
    writer.end('again');
    writer.cutOff();
    put('x');
    expect(fake.written).toEqual(written);
    expect(ends()).toBe(1);
  }
});

test('a client that is gone in a jam is told from one that left by itself', () => {
  const jammed = begin();
  jammed.fake.room = 0;
  jammed.put('1');
  jammed.fake.aborted();
  expect(jammed.writer.hasStalled).toBe(true);
  const left = begin();
  left.put('1');
  left.fake.aborted();
  expect(left.writer.hasStalled).toBe(false);
});
