import { describe, expect, test } from 'vitest';
import { encodeTraceparent, parseTraceparent } from '../../../server/trace/traceparent.ts';

const [TRACE, SPAN] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];

describe('traceparent', () => {
  test.each([0, 1, 255])('is read and written, with flags %i', (flags) => {
    const text = encodeTraceparent({ traceId: TRACE, spanId: SPAN, flags });
    expect(text).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);
    expect(parseTraceparent(text)).toEqual({ traceId: TRACE, spanId: SPAN, flags });
  });

  test('of a later version may have more behind its flags', () => {
    expect(parseTraceparent(`01-${TRACE}-${SPAN}-01-more`)).toEqual({ traceId: TRACE, spanId: SPAN, flags: 1 });
  });

  test.each([
    ['', 'nothing'],
    ['nonsense', 'other text'],
    [`00-${TRACE}-${SPAN}`, 'no flags'],
    [`00-${TRACE}-${SPAN}-01-more`, 'more than its version has'],
    [`ff-${TRACE}-${SPAN}-01`, 'a version that can not be'],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`, 'capital letters'],
    [`00-${'0'.repeat(32)}-${SPAN}-01`, 'no trace'],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, 'no step'],
    [`00-${TRACE}-${SPAN}-0g`, 'no number'],
  ])('%s is none: %s', (text) => {
    expect(parseTraceparent(text)).toBe(undefined);
  });
});
