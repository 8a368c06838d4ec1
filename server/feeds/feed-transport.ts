import type { Transport } from '../../channels/connection.ts';
import type { Feed } from '../../channels/feed.ts';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import { isJsonObject, parseJson } from '../../protocol/json.ts';
import type { FeedFanOut } from './feed-fan-out.ts';
import { FeedEvent, keptEventId } from './feed-frames.ts';

/** Where the messages of a feed go: a WebSocket, or a response that does not end. */
export interface FeedSink {
  /** Sends an event in the form of this sink. */
  sendEvent(event: FeedEvent, feed: Feed): void;
  close(code: number, reason: string): void;
  cutOff(): void;
  readonly bufferedBytes: number;
  ping(payload?: string): void;
  /** Takes part in the fan-out of a topic from now on. */
  join(fanOut: FeedFanOut, topic: string, feed: Feed): void;
  leave(fanOut: FeedFanOut, topic: string, feed: Feed): void;
}

/** The transport of a connection that reads one channel and knows no protocol: of all frames, events only come through. */
export class FeedTransport implements Transport {
  readonly feed: Feed;
  readonly #sink: FeedSink;
  readonly #fanOut: FeedFanOut;
  readonly #lastEventId: string | undefined;

  /** @param lastEventId - of the event that the reader has already */
  constructor(feed: Feed, sink: FeedSink, fanOut: FeedFanOut, lastEventId?: string) {
    this.feed = feed;
    this.#sink = sink;
    this.#fanOut = fanOut;
    this.#lastEventId = lastEventId;
  }

  /** The last event of the channel, or words of the protocol. One of those means the end: there is nothing else to read here. */
  send(frame: string, position?: number): void {
    if (position !== undefined) {
      this.#sendLast(frame, keptEventId(frame, position));
    } else if (frame.startsWith(SUBSCRIPTION_ERROR)) {
      this.#sink.close(CLOSE_CODES.unauthorized, reasonIn(frame));
    }
  }

  close(code: number, reason: string): void {
    this.#sink.close(code, reason);
  }

  cutOff(): void {
    this.#sink.cutOff();
  }

  get bufferedBytes(): number {
    return this.#sink.bufferedBytes;
  }

  ping(payload?: string): void {
    this.#sink.ping(payload);
  }

  subscribe(topic: string): void {
    this.#sink.join(this.#fanOut, topic, this.feed);
  }

  unsubscribe(topic: string): void {
    this.#sink.leave(this.#fanOut, topic, this.feed);
  }

  #sendLast(frame: string, id: string): void {
    const event = id === this.#lastEventId ? undefined : FeedEvent.from(frame, id);
    if (event) this.#sink.sendEvent(event, this.feed);
  }
}

const SUBSCRIPTION_ERROR = '{"event":"pusher:subscription_error"';

function reasonIn(frame: string): string {
  const message = parseJson(frame);
  const data = isJsonObject(message) && typeof message.data === 'string' ? parseJson(message.data) : undefined;
  return isJsonObject(data) && typeof data.error === 'string' ? data.error : 'Not allowed any more';
}
