import type { Feed, FeedFormat } from '../../channels/feed.ts';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import { type Answer, KEEP_ALIVE, statusLine, text } from '../http/answer.ts';
import type { Headers } from '../http/cors.ts';
import type { OpenRequests } from '../http/open-requests.ts';
import type { RefusalBudget } from '../http/refusal-budget.ts';
import type { HttpResponse } from '../uws.ts';
import type { FeedFanOut, FeedReader } from './feed-fan-out.ts';
import { COMMENT, encodeComment, type FeedEvent } from './feed-frames.ts';
import type { FeedSink } from './feed-transport.ts';

export interface StreamOptions {
  /** What may wait for the reader before it is cut off. */
  readonly maxBufferedBytes: number;
  /** Of every answer. */
  readonly headers: Headers;
  /** The request was HEAD. */
  readonly isHead?: boolean;
  /** Tells whether an answer is the last of its connection. */
  readonly requests?: Pick<OpenRequests, 'closesConnections'>;
  /** The connection may not be kept after the answer. */
  readonly isLast?: boolean;
}

/** What is handed to uWebSockets.js at once, unless one record is larger. What the system does not take of it stays there. */
const PIECE_BYTES = 65_536;

/** When a browser comes back after the stream ended, in milliseconds; told at the start. */
const RETRY = 'retry: 2000\n\n';

const STREAM_HEADERS: Headers = [
  ['Content-Type', 'text/event-stream; charset=utf-8'],
  ['Cache-Control', 'no-cache, no-transform'],
  // nginx would gather what is written into large pieces.
  ['X-Accel-Buffering', 'no'],
  // Whoever comes back may get to another node. (Told to close at the end, uWebSockets.js would write this into the body.)
  ['Connection', 'close'],
];

/**
 * A feed read as Server-Sent Events: a response that goes on.
 *
 * What uWebSockets.js can't hand to the system stays here, not there: its own buffer has no limit, and does not tell its size.
 */
export class FeedStream implements FeedSink, FeedReader {
  /** Of the feed, once it is known. */
  format: FeedFormat = 'data';
  /** Called once, when nothing can be written any more, by whoever's doing. */
  onOver = (): void => {};
  /** Called once as well: the connection is not the stream's any more. */
  onEnd = (): void => {};
  /** The reader was cut off because it does not read. */
  isSlow = false;
  /** The system had taken nothing for so long that uWebSockets.js gave the reader up. */
  hasStalled = false;
  readonly #options: StreamOptions;
  #res: HttpResponse | undefined;
  #hasBegun = false;
  /** The system takes no more at the moment. */
  #isBlocked = false;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(res: HttpResponse, options: StreamOptions) {
    this.#options = options;
    this.#res = res;
    res.onAborted(() => {
      this.hasStalled = this.#isBlocked && !this.isSlow;
      this.#take();
    });
    res.onWritable(() => {
      this.#goOn();
      return true;
    });
  }

  get isOpen(): boolean {
    return this.#res !== undefined;
  }

  /** The reader is let in. */
  begin(): void {
    const res = this.#res;
    if (!res || this.#hasBegun) return;
    this.#hasBegun = true;
    res.cork(() => {
      this.#writeHead(res, '200 OK', STREAM_HEADERS);
      res.write(RETRY);
      this.flush();
    });
  }

  /** Closes the connection of a reader that asks for too much at once. */
  isTooMany(refusals: RefusalBudget): boolean {
    if (!this.#res || !refusals.isSpent(this.#res)) return false;
    this.#take()?.close();
    return true;
  }

  /** Answers a reader that is not let in. */
  refuse({ status, headers = {}, contentType, body }: Answer): void {
    const res = this.#take();
    res?.cork(() => {
      this.#writeHead(res, statusLine(status), [...Object.entries(headers), ['Content-Type', contentType]]);
      const isLast = this.#options.requests?.closesConnections === true || this.#options.isLast === true;
      if (!isLast) res.writeHeader('Keep-Alive', KEEP_ALIVE);
      if (this.#options.isHead) {
        res.endWithoutBody(Buffer.byteLength(body), isLast);
      } else {
        res.end(body, isLast);
      }
    });
  }

  /** Has a reader that can't be let in now come back later: after any status but 200 EventSource gives up for good. */
  postpone(reason: string): void {
    const res = this.#take();
    res?.cork(() => {
      this.#writeHead(res, '200 OK', STREAM_HEADERS);
      res.end(RETRY + encodeComment(reason));
    });
  }

  sendEvent(event: FeedEvent, { format }: Feed): void {
    this.put(event.record(format));
    this.flush();
  }

  put(record: Uint8Array): void {
    if (!this.#res || this.isSlow) return;
    this.#waiting.push(record);
    this.#waitingBytes += record.byteLength;
    this.#checkSize();
  }

  flush(): void {
    const res = this.#res;
    if (!res || !this.#hasBegun || this.#isBlocked || this.#waiting.length === 0) return;
    res.cork(() => {
      let start = 0;
      while (start < this.#waiting.length && !this.#isBlocked) {
        const end = pieceEnd(this.#waiting, start);
        const [record, ...others] = this.#waiting.slice(start, end);
        if (!record) break;
        const piece = others.length === 0 ? record : Buffer.concat([record, ...others]);
        this.#waitingBytes -= piece.byteLength;
        this.#isBlocked = !res.write(piece);
        start = end;
      }
      this.#waiting.splice(0, start);
    });
    this.#checkSize();
  }

  /** A reader has nothing to say on a stream. */
  echo(): void {}

  close(code: number, reason: string): void {
    if (!this.#hasBegun) {
      if (code >= CLOSE_CODES.overCapacity || code < CLOSE_CODES.tlsRequired) this.postpone(reason);
      else this.refuse(text(reason, 403));
      return;
    }
    this.flush();
    const res = this.#take();
    res?.cork(() => res.end(encodeComment(reason)));
  }

  cutOff(): void {
    this.#take()?.close();
  }

  get bufferedBytes(): number {
    return this.#waitingBytes;
  }

  /** A comment: proxies close what is silent. */
  ping(): void {
    this.put(COMMENT);
    this.flush();
  }

  join(fanOut: FeedFanOut, topic: string, feed: Feed): void {
    fanOut.addStream(topic, this, feed);
  }

  leave(fanOut: FeedFanOut, topic: string): void {
    fanOut.removeStream(topic, this);
  }

  /**
   * The system takes some more. Only what is written moves on what uWebSockets.js still has, and shows whether that is all gone:
   * it must be so little that a reader who is slow for long does not fill that buffer.
   */
  #goOn(): void {
    const res = this.#res;
    if (!res || !this.#hasBegun) return;
    res.cork(() => {
      this.#isBlocked = !res.write(COMMENT);
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

  #writeHead(res: HttpResponse, status: string, headers: Headers): void {
    res.writeStatus(status);
    for (const [name, value] of [...this.#options.headers, ...headers]) res.writeHeader(name, value);
  }

  /** From then on the response must not be touched by anybody else. */
  #take(): HttpResponse | undefined {
    const res = this.#res;
    this.#res = undefined;
    this.#waiting = [];
    if (!res) return undefined;
    this.onEnd();
    this.onOver();
    return res;
  }
}

/** Where a piece ends that begins with a record. */
function pieceEnd(records: readonly Uint8Array[], start: number): number {
  let end = start;
  for (let bytes = 0; end < records.length; end += 1) {
    bytes += records[end]?.byteLength ?? 0;
    if (bytes > PIECE_BYTES && end > start) break;
  }
  return end;
}
