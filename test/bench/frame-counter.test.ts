import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameCounter } from '../../bench/load/frame-counter.ts';

const TEXT = 0x81;
const PING = 0x89;

/** As a server sends it. */
function frame(first: number, payloadBytes: number): Buffer {
  const payload = Buffer.alloc(payloadBytes, TEXT);
  if (payloadBytes < 126) return Buffer.concat([Buffer.from([first, payloadBytes]), payload]);
  if (payloadBytes < 65_536) {
    return Buffer.concat([Buffer.from([first, 126, payloadBytes >> 8, payloadBytes & 0xff]), payload]);
  }
  const header = Buffer.alloc(10);
  header[0] = first;
  header[1] = 127;
  header.writeUInt32BE(payloadBytes, 6);
  return Buffer.concat([header, payload]);
}

test('text frames are counted however the stream is cut, and control frames are not', () => {
  const sizes = fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536);
  const frames = fc.array(fc.tuple(fc.constantFrom(TEXT, PING), sizes), { maxLength: 12 });
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }), (list, cuts) => {
      const stream = Buffer.concat(list.map(([first, size]) => frame(first, size)));
      const counter = new FrameCounter();
      let counted = 0;
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const end = Math.min(stream.length, at + (cuts[turn % cuts.length] ?? 1));
        counted += counter.count(stream.subarray(at, end), end - at);
        at = end;
      }
      expect(counted).toBe(list.filter(([first]) => first === TEXT).length);
    }),
  );
});
