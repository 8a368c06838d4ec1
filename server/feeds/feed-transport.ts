import type { Feed, FeedFormat, Reader } from '../../channels/feed.ts';
import type { Pace } from '../../channels/liveness.ts';
import type { Writer } from '../topic-writers.ts';
import type { FeedFanOut } from './feed-fan-out.ts';
import { FeedEvent, keptEventId } from './feed-frames.ts';

/** Where the messages of a feed go: a WebSocket, or a response that does not end. */
export interface FeedSink {
  readonly isOpen: boolean;
  /** Takes an event, in the form of this sink. It need not be on its way before `flush`. */
  put(event: FeedEvent, format: FeedFormat): void;
  flush(): void;
  /** Sends the reader the welcome of the feed. */
  greet(text: string): void;
  /** Sends back what the reader said. */
  echo(text: string): void;
  close(code: number, reason: string): void;
  cutOff(): void;
  readonly bufferedBytes: number;
  ping(payload?: string): void;
  /** Takes part in the fan-out of a topic from now on. */
  join(fanOut: FeedFanOut, topic: string, reader: FeedTransport): void;
  leave(fanOut: FeedFanOut, topic: string, reader: FeedTransport): void;
}

/** The transport of a connection that reads one channel and knows no protocol: of all frames, events only come through. */
export class FeedTransport implements Writer<FeedEvent>, Reader {
  readonly feed: Feed;
  readonly pace: Pace;
  readonly #sink: FeedSink;
  readonly #fanOut: FeedFanOut;
  readonly #lastEventId: string | undefined;

  /** @param lastEventId - of the event that the reader has already */
  constructor(feed: Feed, pace: Pace, sink: FeedSink, fanOut: FeedFanOut, lastEventId?: string) {
    this.feed = feed;
    this.pace = pace;
    this.#sink = sink;
    this.#fanOut = fanOut;
    this.#lastEventId = lastEventId;
  }

  get isOpen(): boolean {
    return this.#sink.isOpen;
  }

  /** The last event of the channel, or words of the protocol, which has no position. */
  send(frame: string, position?: number): void {
    if (position === undefined) return;
    const id = keptEventId(frame, position);
    const event = id === this.#lastEventId ? undefined : FeedEvent.from(frame, id);
    if (!event) return;
    this.put(event);
    this.flush();
  }

  put(event: FeedEvent): void {
    this.#sink.put(event, this.feed.format);
  }

  flush(): void {
    this.#sink.flush();
  }

  greet(text: string): void {
    this.#sink.greet(text);
  }

  echo(text: string): void {
    this.#sink.echo(text);
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
    this.#sink.join(this.#fanOut, topic, this);
  }

  unsubscribe(topic: string): void {
    this.#sink.leave(this.#fanOut, topic, this);
  }
}
