const SLOTS = 16_384;
/** x^16 + x^12 + x^5 + 1. */
const POLYNOMIAL = 0x1021;

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
  return crc & 0xffff;
});

/**
 * The slot of a key or topic in a Redis Cluster: CRC16 of its hash tag, if it has one, else of all of it.
 *
 * @see Redis Cluster specification, "Key distribution model" and "Hash tags"
 */
export function keySlot(key: string): number {
  const text = hashTag(key);
  let crc = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127) return slotOfBytes(Buffer.from(text));
    crc = add(crc, code);
  }
  return crc % SLOTS;
}

function slotOfBytes(bytes: Iterable<number>): number {
  let crc = 0;
  for (const byte of bytes) crc = add(crc, byte);
  return crc % SLOTS;
}

function add(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] ?? 0);
}

function hashTag(key: string): string {
  const start = key.indexOf('{');
  const end = start < 0 ? -1 : key.indexOf('}', start + 1);
  return end > start + 1 ? key.slice(start + 1, end) : key;
}
