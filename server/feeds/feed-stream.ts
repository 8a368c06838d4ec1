import type { FeedFormat } from '../../channels/feed.ts';
import { CLOSE_CODES } from '../../protocol/errors.ts';
import { BoundedWriter } from '../bounded-writer.ts';
import { type Answer, KEEP_ALIVE, statusLine, text } from '../http/answer.ts';
import type { Headers } from '../http/cors.ts';
import type { OpenRequests } from '../http/exchange.ts';
import type { HttpResponse } from '../uws.ts';
import type { FeedFanOut } from './feed-fan-out.ts';
import { COMMENT, encodeComment, encodeMessage, type FeedEvent } from './feed-frames.ts';
import type { FeedSink, FeedTransport } from './feed-transport.ts';

export interface StreamOptions {
  /** What may wait for the reader before it is cut off. */
  readonly maxBufferedBytes: number;
  /** Of every answer. */
  readonly headers: Headers;
  /** Tells whether an answer is the last of its connection. */
  readonly requests?: Pick<OpenRequests, 'closesConnections'>;
  /** The connection may not be kept after the answer. */
  readonly isLast?: boolean;
}

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

/** A feed read as Server-Sent Events: a response that goes on. */
export class FeedStream implements FeedSink {
  readonly #options: StreamOptions;
  readonly #writer: BoundedWriter;

  /** @param onOver - called once, when nothing can be written any more, by whoever's doing */
  constructor(res: HttpResponse, options: StreamOptions, onOver: () => void) {
    this.#options = options;
    const { maxBufferedBytes } = options;
    this.#writer = new BoundedWriter(res, { maxBufferedBytes, filler: COMMENT, onOver });
  }

  get isOpen(): boolean {
    return this.#writer.isOpen;
  }

  get isSlow(): boolean {
    return this.#writer.isSlow;
  }

  get hasStalled(): boolean {
    return this.#writer.hasStalled;
  }

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  /** The reader is let in. */
  begin(): void {
    this.#writer.begin((res) => {
      this.#writeHead(res, '200 OK', STREAM_HEADERS);
      res.write(RETRY);
    });
  }

  /** Answers a reader that is not let in. */
  refuse({ status, headers = {}, contentType, body }: Answer): void {
    const res = this.#writer.take();
    res?.cork(() => {
      this.#writeHead(res, statusLine(status), [...Object.entries(headers), ['Content-Type', contentType]]);
      const isLast = this.#options.requests?.closesConnections === true || this.#options.isLast === true;
      if (!isLast) res.writeHeader('Keep-Alive', KEEP_ALIVE);
      res.end(body, isLast);
    });
  }

  /** Has a reader that can't be let in now come back later: after any status but 200 EventSource gives up for good. */
  postpone(reason: string): void {
    const res = this.#writer.take();
    res?.cork(() => {
      this.#writeHead(res, '200 OK', STREAM_HEADERS);
      res.end(RETRY + encodeComment(reason));
    });
  }

  put(event: FeedEvent, format: FeedFormat): void {
    this.#writer.put(event.record(format));
  }

  flush(): void {
    this.#writer.flush();
  }

  greet(text: string): void {
    this.#writer.put(encodeMessage(text));
    this.#writer.flush();
  }

  /** A reader has nothing to say on a stream. */
  echo(): void {}

  close(code: number, reason: string): void {
    if (this.#writer.hasBegun) this.#writer.end(encodeComment(reason));
    else if (code >= CLOSE_CODES.overCapacity || code < CLOSE_CODES.tlsRequired) this.postpone(reason);
    else this.refuse(text(reason, 403));
  }

  cutOff(): void {
    this.#writer.cutOff();
  }

  /** A comment: proxies close what is silent. */
  ping(): void {
    this.#writer.put(COMMENT);
    this.#writer.flush();
  }

  join(fanOut: FeedFanOut, topic: string, reader: FeedTransport): void {
    fanOut.addStream(topic, reader);
  }

  leave(fanOut: FeedFanOut, topic: string, reader: FeedTransport): void {
    fanOut.removeStream(topic, reader);
  }

  #writeHead(res: HttpResponse, status: string, headers: Headers): void {
    res.writeStatus(status);
    for (const [name, value] of [...this.#options.headers, ...headers]) res.writeHeader(name, value);
  }
}
