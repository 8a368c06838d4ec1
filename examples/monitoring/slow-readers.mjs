const DEFAULT_STALL_MS = 10_000;
const LOOKS_PER_STALL = 10;
const MAX_WAITING_BYTES = 1_048_576;

/**
 * Drops readers that take nothing: what is sent to them would pile up in this process. A reader whose network still holds something is
 * slow for ten seconds at most, or until a megabyte waits.
 */
export class SlowReaders {
  /** Of each: what was sent to it, what it had taken when that last grew, and when that was. */
  #readers = new Map();
  #stallMs;
  #timer;
  #now;

  /** @param {{ stallMs?: number, now?: () => number, looks?: boolean }} options */
  constructor({ stallMs = DEFAULT_STALL_MS, now = () => performance.now() } = {}) {
    this.#stallMs = stallMs;
    this.#now = now;
    this.#timer = setInterval(() => this.look(), stallMs / LOOKS_PER_STALL).unref();
  }

  /** @param {import('ws').WebSocket} reader */
  watch(reader) {
    this.#readers.set(reader, { sentBytes: 0, takenBytes: 0, atMs: this.#now() });
    reader.once('close', () => this.#readers.delete(reader));
  }

  noteSent(reader, bytes) {
    const seen = this.#readers.get(reader);
    if (seen) seen.sentBytes += bytes;
  }

  look() {
    const nowMs = this.#now();
    for (const [reader, seen] of this.#readers) {
      const waitingBytes = reader.bufferedAmount;
      const takenBytes = seen.sentBytes - waitingBytes;
      if (waitingBytes === 0 || takenBytes > seen.takenBytes) {
        seen.takenBytes = takenBytes;
        seen.atMs = nowMs;
      }
      if (nowMs - seen.atMs >= this.#stallMs || waitingBytes > MAX_WAITING_BYTES) reader.terminate();
    }
  }

  stop() {
    clearInterval(this.#timer);
  }
}
