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
  return slotOf(hashTag(key));
}

/** The slot of a text without a hash tag, which may come in several parts. */
export function slotOf(...parts: readonly string[]): number {
  let crc = 0;
  for (const part of parts) crc = addText(crc, part);
  return crc % SLOTS;
}

function addText(crc: number, text: string): number {
  let sum = crc;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127) return addBytes(crc, Buffer.from(text));
    sum = add(sum, code);
  }
  return sum;
}

function addBytes(crc: number, bytes: Iterable<number>): number {
  let sum = crc;
  for (const byte of bytes) sum = add(sum, byte);
  return sum;
}

function add(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] as number);
}

function hashTag(key: string): string {
  const start = key.indexOf('{');
  const end = start < 0 ? -1 : key.indexOf('}', start + 1);
  return end > start + 1 ? key.slice(start + 1, end) : key;
}
