import { constants, fstatSync, openSync, type Stats, writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** What waits for a reader that takes nothing, in bytes. */
const MAX_WAITING_BYTES = 262_144;
/** How often a file or reader that took nothing is tried again, in milliseconds. */
const RETRY_MS = 100;
/** How long the end of the process waits for a reader that is slow, in milliseconds. */
const LAST_WORDS_MS = 500;
const NEWLINE = 10;

/** A time in which not everything could be written. */
export interface Outage {
  /** Code of the error that it began with: `EPIPE`, `ENOSPC`, … */
  readonly reason: string;
  readonly lostLines: number;
}

/**
 * Writes lines to a descriptor, at once and in order, and never throws or waits: neither a reader that goes away or stops reading nor a full disk may
 * stop the program. What can't be written is kept up to a bound, then dropped and counted.
 */
export class Output {
  /** Called when an outage is over that lost lines, or that was not just a slow reader. */
  onResume = (_outage: Outage): void => {};
  readonly #descriptor: number;
  /** Keeps the descriptor from waiting, where a stream of Node's has to be made for that. */
  #stream: Socket | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Code of the error that the present outage began with. */
  #reason: string | undefined;
  #lostLines = 0;

  constructor(descriptor: number) {
    this.#descriptor = this.#withoutWaiting(descriptor);
  }

  /** @param lines - whole lines */
  write(lines: string): void {
    const bytes = Buffer.from(lines);
    if (this.#reason !== undefined && this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.#lostLines += linesIn(bytes);
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#reason === undefined) this.#flush();
  }

  /** To be called last in the process: waits a moment for a slow reader. */
  end(): void {
    const deadline = performance.now() + LAST_WORDS_MS;
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    while (this.#tryWaiting() === 'EAGAIN' && performance.now() < deadline) Atomics.wait(sleeper, 0, 0, 10);
  }

  #flush(): void {
    const failure = this.#tryWaiting();
    if (failure !== undefined) {
      this.#reason ??= failure;
      setTimeout(() => this.#flush(), RETRY_MS).unref();
      return;
    }
    const reason = this.#reason;
    if (reason === undefined) return;
    const lostLines = this.#lostLines;
    this.#reason = undefined;
    this.#lostLines = 0;
    if (lostLines > 0 || reason !== 'EAGAIN') this.onResume({ reason, lostLines });
  }

  /** Writes what waits, as far as it is taken, and tells the code of the error that stopped it. */
  #tryWaiting(): string | undefined {
    try {
      for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
        const written = writeSync(this.#descriptor, next);
        this.#waitingBytes -= written;
        if (written === next.length) this.#waiting.shift();
        else this.#waiting[0] = next.subarray(written);
      }
      return undefined;
    } catch (error) {
      return codeOf(error);
    }
  }

  /**
   * A descriptor of the same file that answers EAGAIN in place of waiting. It is opened anew where that is possible, as whoever shares the given one
   * (the shell of a terminal, other programs of a pipeline) may not know what to do with that.
   */
  #withoutWaiting(descriptor: number): number {
    const stats = statsOf(descriptor);
    if (!stats || stats.isFile() || process.platform === 'win32') return descriptor;
    try {
      const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
      if (process.platform === 'linux') return openSync(`/proc/self/fd/${descriptor}`, flags);
    } catch {
      // A socket can't be opened, and the pipe of another user neither.
    }
    if (stats.isSocket() || stats.isFIFO()) {
      this.#stream = new Socket({ fd: descriptor, readable: false, writable: true });
      this.#stream.on('error', () => {}).unref();
    }
    return descriptor;
  }
}

function statsOf(descriptor: number): Stats | undefined {
  try {
    return fstatSync(descriptor);
  } catch {
    return undefined;
  }
}

function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
