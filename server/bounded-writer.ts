import type { HttpResponse } from './uws.ts';

/** What is handed to uWebSockets.js at once, unless one chunk is larger. What the system does not take of it stays there. */
const PIECE_BYTES = 65_536;

export interface BoundedWriterOptions {
  /** What may wait for the client before it is cut off. */
  readonly maxBufferedBytes: number;
  /** Written to find out whether the system takes more again: something that the client passes over. */
  readonly filler: Uint8Array;
  /** Called once, when nothing can be written any more, by whoever's doing. */
  readonly onOver: () => void;
}

/**
 * Writes a response that goes on, to a client that may be slow.
 *
 * What uWebSockets.js can't hand to the system stays here, not there: its own buffer has no limit, and does not tell its size.
 */
export class BoundedWriter {
  /** The client was cut off because it does not read. */
  isSlow = false;
  /** The system had taken nothing for so long that uWebSockets.js gave the client up. */
  hasStalled = false;
  readonly #options: BoundedWriterOptions;
  #res: HttpResponse | undefined;
  #hasBegun = false;
  /** The system takes no more at the moment. */
  #isBlocked = false;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(res: HttpResponse, options: BoundedWriterOptions) {
    this.#options = options;
    this.#res = res;
    res.onAborted(() => {
      this.hasStalled = this.#isBlocked && !this.isSlow;
      this.take();
    });
    res.onWritable(() => {
      this.#goOn();
      return true;
    });
  }

  get isOpen(): boolean {
    return this.#res !== undefined;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  get bufferedBytes(): number {
    return this.#waitingBytes;
  }

  /** Begins the response; what was put waits until then. @param writeHead - status, headers and the first text */
  begin(writeHead: (res: HttpResponse) => void): void {
    const res = this.#res;
    if (!res || this.#hasBegun) return;
    this.#hasBegun = true;
    res.cork(() => {
      writeHead(res);
      this.flush();
    });
  }

  /** Adds to what is written with the next `flush`. */
  put(chunk: Uint8Array): void {
    if (!this.#res || this.isSlow) return;
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.byteLength;
    this.#checkSize();
  }

  flush(): void {
    const res = this.#res;
    if (!res || !this.#hasBegun || this.#isBlocked || this.#waiting.length === 0) return;
    res.cork(() => {
      let start = 0;
      while (start < this.#waiting.length && !this.#isBlocked) {
        const end = pieceEnd(this.#waiting, start);
        const [chunk, ...others] = this.#waiting.slice(start, end);
        if (!chunk) break;
        const piece = others.length === 0 ? chunk : Buffer.concat([chunk, ...others]);
        this.#waitingBytes -= piece.byteLength;
        this.#isBlocked = !res.write(piece);
        start = end;
      }
      this.#waiting.splice(0, start);
    });
    this.#checkSize();
  }

  /** Writes what waits and a last text, and ends the response. */
  end(last: string): void {
    this.flush();
    const res = this.take();
    res?.cork(() => res.end(last));
  }

  /** Ends without a word. */
  cutOff(): void {
    this.take()?.close();
  }

  /** Gives the response away: from then on it must not be touched by anybody else. */
  take(): HttpResponse | undefined {
    const res = this.#res;
    this.#res = undefined;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (res) this.#options.onOver();
    return res;
  }

  /**
   * The system takes some more. Only what is written moves on what uWebSockets.js still has, and shows whether that is all gone:
   * it must be so little that a client that is slow for long does not fill that buffer.
   */
  #goOn(): void {
    const res = this.#res;
    if (!res || !this.#hasBegun) return;
    res.cork(() => {
      this.#isBlocked = !res.write(this.#options.filler);
      this.flush();
    });
  }

  #checkSize(): void {
    const res = this.#res;
    if (!this.#isBlocked || this.isSlow || this.#waitingBytes <= this.#options.maxBufferedBytes) return;
    this.isSlow = true;
    this.#waiting = [];
    // The use case that publishes can't bear the end of a connection in its midst.
    process.nextTick(() => res !== undefined && this.#res === res && res.close());
  }
}

/** Where a piece ends that begins with a chunk. */
function pieceEnd(chunks: readonly Uint8Array[], start: number): number {
  let end = start;
  for (let bytes = 0; end < chunks.length; end += 1) {
    bytes += chunks[end]?.byteLength ?? 0;
    if (bytes > PIECE_BYTES && end > start) break;
  }
  return end;
}
