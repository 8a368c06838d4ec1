import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findInstalledPackage } from '../../../server/native/load-binary.ts';
import { mendBinary, UnknownBinaryError } from '../../../server/native/mend-binary.ts';
import { SHA256 } from '../../../server/native/published-binaries.ts';

const LINUX = Object.keys(SHA256).filter((name) => name.startsWith('uws_linux_'));
const ADVICE = 'This server does not support HTTP/1.0';

function published(name: string): Buffer {
  return readFileSync(join(findInstalledPackage()?.folder ?? '', name));
}

/** Places at which two buffers differ. */
function differences(a: Buffer, b: Buffer): number[] {
  const places: number[] = [];
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) places.push(at);
  return places;
}

describe.each(LINUX)('%s', (name) => {
  const binary = published(name);
  const mended = mendBinary(binary);

  test('asks for nothing of glibc 2.38 any more', () => {
    expect(mendBinary(mended).equals(mended)).toBe(true);
  });

  test('is the same but for the names, their version and the advice of the answer 505', () => {
    expect(mended).toHaveLength(binary.length);
    const adviceAt = binary.lastIndexOf('<h1>', binary.indexOf(ADVICE));
    const changed = differences(binary, mended);
    const elsewhere = changed.filter((at) => at < adviceAt || at >= adviceAt + 112);
    // Three names (two on arm64), one byte or two each; hash and place of one version, up to four bytes each.
    expect(elsewhere.length).toBeLessThanOrEqual(14);
    expect(mended.includes(ADVICE)).toBe(false);
    expect(mended.includes('PROXY protocol')).toBe(true);
  });
});

describe('a binary that looks different is refused:', () => {
  const binary = published('uws_linux_x64_115.node');

  test.each([
    ['no library at all', Buffer.from('not found')],
    ['an empty file', Buffer.alloc(0)],
    ['one for another system', published('uws_darwin_arm64_115.node')],
    ['half of one', binary.subarray(0, binary.length / 2)],
    ['one for another machine', patched(binary, 18, 40)],
    ['one for machines of 32 bits', patched(binary, 4, 1)],
  ])('%s', (_what, file) => {
    expect(() => mendBinary(file)).toThrow(UnknownBinaryError);
  });

  test('one that needs another function of glibc 2.38', () => {
    const other = Buffer.from(binary);
    other.write('__isoc23_strtod', other.indexOf('__isoc23_strtol'), 'latin1');
    expect(() => mendBinary(other)).toThrow('it needs __isoc23_strtod of GLIBC_2.38');
  });
});

function patched(binary: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(binary);
  copy[at] = value;
  return copy;
}
