import type { Feed, FeedFormat } from '../../channels/feed.ts';
import { channelKindOf } from '../../protocol/channel-name.ts';
import { FeedEvent, keptEventId } from './feed-frames.ts';

/** A reader that native topics can't reach. */
export interface FeedReader {
  readonly format: FeedFormat;
  /** Takes a record. It need not be on its way before `flush`. */
  put(record: Uint8Array): void;
  flush(): void;
}

interface Readers {
  /** WebSockets, which have a native topic for each format. */
  readonly sockets: Record<FeedFormat, number>;
  readonly streams: Set<FeedReader>;
  /** Somebody wants to know later whether the last event of the channel is news. */
  asksForLast: boolean;
}

/** Hands the events of channels on to the readers of feeds, each written once per format. */
export class FeedFanOut {
  readonly #byTopic = new Map<string, Readers>();
  readonly #publish: (topic: string, text: string) => void;
  readonly #startedAt = Date.now().toString(36);
  /** Whose streams have records that are not on their way. */
  readonly #unwritten = new Set<Readers>();
  #lastNumber = 0;

  /** @param publish - sends a text to the WebSockets in a native topic */
  constructor(publish: (topic: string, text: string) => void) {
    this.#publish = publish;
  }

  /**
   * Called for every frame of every topic: costs nothing where nobody reads a feed.
   *
   * @param position - of a frame that is kept as the channel's last event
   */
  publish(topic: string, frame: string, position: number | undefined): void {
    if (this.#byTopic.size === 0) return;
    const readers = this.#byTopic.get(topic);
    const event = readers && FeedEvent.from(frame, this.#idFor(readers, frame, position));
    if (!event) return;
    const { sockets, streams } = readers;
    if (sockets.data > 0) this.#publish(feedTopic(topic, 'data'), event.text('data'));
    if (sockets.event > 0) this.#publish(feedTopic(topic, 'event'), event.text('event'));
    if (streams.size === 0) return;
    for (const stream of streams) stream.put(event.record(stream.format));
    // Many events may come in one turn of the event loop: a stream gets them as one.
    if (this.#unwritten.size === 0) process.nextTick(() => this.#flush());
    this.#unwritten.add(readers);
  }

  addSocket(topic: string, format: FeedFormat): void {
    this.#readersOf(topic).sockets[format] += 1;
  }

  removeSocket(topic: string, format: FeedFormat): void {
    this.#readersOf(topic).sockets[format] -= 1;
    this.#forgetIfUnused(topic);
  }

  addStream(topic: string, stream: FeedReader, { channel, last }: Feed): void {
    const readers = this.#readersOf(topic);
    readers.streams.add(stream);
    readers.asksForLast ||= last || channelKindOf(channel).isCache;
  }

  removeStream(topic: string, stream: FeedReader): void {
    this.#readersOf(topic).streams.delete(stream);
    this.#forgetIfUnused(topic);
  }

  /** EventSource names the id that it got last when it comes back: where that matters, events that are not kept have none. */
  #idFor({ streams, asksForLast }: Readers, frame: string, position: number | undefined): string | undefined {
    if (streams.size === 0) return undefined;
    if (position !== undefined) return keptEventId(frame, position);
    if (asksForLast) return undefined;
    this.#lastNumber += 1;
    return `${this.#startedAt}.${this.#lastNumber}`;
  }

  #flush(): void {
    const all = [...this.#unwritten];
    this.#unwritten.clear();
    // A reader that is gone leaves meanwhile.
    for (const { streams } of all) for (const stream of streams) stream.flush();
  }

  #readersOf(topic: string): Readers {
    const known = this.#byTopic.get(topic);
    if (known) return known;
    const readers: Readers = { sockets: { data: 0, event: 0 }, streams: new Set(), asksForLast: false };
    this.#byTopic.set(topic, readers);
    return readers;
  }

  #forgetIfUnused(topic: string): void {
    const { sockets, streams } = this.#readersOf(topic);
    if (sockets.data + sockets.event + streams.size === 0) this.#byTopic.delete(topic);
  }
}

/** The native topic of the readers of one format. */
export function feedTopic(topic: string, format: FeedFormat): string {
  return `feed/${format}/${topic}`;
}
