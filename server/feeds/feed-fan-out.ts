import type { Delivery, Outlet } from '../../channels/fan-out.ts';
import type { FeedFormat } from '../../channels/feed.ts';
import { channelKindOf } from '../../protocol/channel-name.ts';
import { TopicWriters } from '../topic-writers.ts';
import { FeedEvent, keptEventId } from './feed-frames.ts';
import type { FeedTransport } from './feed-transport.ts';

/** Who reads a topic. */
interface Readers {
  /** WebSockets, which have a native topic for each format. */
  readonly sockets: Record<FeedFormat, number>;
  streams: number;
  /** Somebody wants to know later whether the last event of the channel is news. */
  asksForLast: boolean;
}

/** Hands the events of channels on to the readers of feeds, each written once per format. */
export class FeedFanOut {
  readonly #byTopic = new Map<string, Readers>();
  readonly #sockets: Outlet<string>;
  readonly #streams = new TopicWriters<FeedEvent>();
  readonly #startedAt = Date.now().toString(36);
  #lastNumber = 0;

  /** @param sockets - reaches WebSockets by their topics */
  constructor(sockets: Outlet<string>) {
    this.#sockets = sockets;
  }

  /** Called for every event of every topic: costs nothing where nobody reads a feed. */
  publish(topic: string, delivery: Delivery): void {
    if (this.#byTopic.size === 0) return;
    const readers = this.#byTopic.get(topic);
    const event = readers && FeedEvent.from(delivery.frame, this.#idFor(readers, delivery));
    if (!event) return;
    const { sockets, streams } = readers;
    if (sockets.data > 0) this.#sockets.publish(feedTopic(topic, 'data'), event.text('data'), undefined);
    if (sockets.event > 0) this.#sockets.publish(feedTopic(topic, 'event'), event.text('event'), undefined);
    if (streams > 0) this.#streams.publish(topic, event, undefined);
  }

  addSocket(topic: string, format: FeedFormat): void {
    this.#readersOf(topic).sockets[format] += 1;
  }

  removeSocket(topic: string, format: FeedFormat): void {
    this.#readersOf(topic).sockets[format] -= 1;
    this.#forgetIfUnused(topic);
  }

  addStream(topic: string, stream: FeedTransport): void {
    const { channel, last } = stream.feed;
    const readers = this.#readersOf(topic);
    readers.streams += 1;
    readers.asksForLast ||= last !== false || channelKindOf(channel).isCache;
    this.#streams.add(topic, stream);
  }

  removeStream(topic: string, stream: FeedTransport): void {
    this.#streams.remove(topic, stream);
    this.#readersOf(topic).streams -= 1;
    this.#forgetIfUnused(topic);
  }

  /** EventSource names the id that it got last when it comes back: where that matters, events that are not kept have none. */
  #idFor({ streams, asksForLast }: Readers, { frame, keepSeconds, keepNamed, position }: Delivery): string | undefined {
    if (streams === 0) return undefined;
    const isKept = keepSeconds !== undefined || keepNamed !== undefined;
    if (isKept && position !== undefined) return keptEventId(frame, position);
    if (asksForLast) return undefined;
    this.#lastNumber += 1;
    return `${this.#startedAt}.${this.#lastNumber}`;
  }

  #readersOf(topic: string): Readers {
    const known = this.#byTopic.get(topic);
    if (known) return known;
    const readers: Readers = { sockets: { data: 0, event: 0 }, streams: 0, asksForLast: false };
    this.#byTopic.set(topic, readers);
    return readers;
  }

  #forgetIfUnused(topic: string): void {
    const { sockets, streams } = this.#readersOf(topic);
    if (sockets.data + sockets.event + streams === 0) this.#byTopic.delete(topic);
  }
}

/** The native topic of the readers of one format. */
export function feedTopic(topic: string, format: FeedFormat): string {
  return `feed/${format}/${topic}`;
}
