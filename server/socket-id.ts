import { randomFillSync } from 'node:crypto';

/** Random numbers are drawn for this many ids at once: one call of the generator costs more than its bytes. */
const BATCH = 256;

/** Makes ids `<integer>.<integer>` of 2 × 48 random bits: unique over all nodes, and not to be guessed. */
export function createSocketIdSource(): () => string {
  const pool = Buffer.alloc(BATCH * 12);
  let offset = pool.length;
  return () => {
    if (offset === pool.length) {
      randomFillSync(pool);
      offset = 0;
    }
    // In one piece: a text put together by + or a template is kept as its parts, which is three times as much.
    const id = [pool.readUIntBE(offset, 6), pool.readUIntBE(offset + 6, 6)].join('.');
    offset += 12;
    return id;
  };
}
