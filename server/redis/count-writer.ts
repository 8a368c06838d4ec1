import type { ChannelScripts } from './channel-scripts.ts';
import { GatheredWrites } from './gathered-writes.ts';
import { encodeChannelId, parseChannelId } from './node-facts.ts';
import { RedisUnavailable } from './redis-commands.ts';
import type { RedisLink } from './redis-link.ts';

interface OwnCount {
  readonly appId: string;
  readonly channel: string;
  count: number;
  isAnnounced: boolean;
  /** What Redis was last told, as far as it answered. */
  written: number;
}

/**
 * Writes this node's own number of subscriptions per channel. Absolute numbers, gathered for a moment: a thousand
 * subscribers that come at once cost one write, and what was lost is right again with the next.
 */
export class CountWriter {
  readonly #scripts: ChannelScripts;
  readonly #nodeId: () => string;
  /** Channels with at least one subscription on this node, and those whose 0 is not written yet. */
  readonly #own = new Map<string, OwnCount>();
  readonly #writes: GatheredWrites;

  constructor(link: RedisLink, scripts: ChannelScripts, nodeId: () => string) {
    this.#scripts = scripts;
    this.#nodeId = nodeId;
    this.#writes = new GatheredWrites({
      isUp: () => link.isUp,
      write: (id) => this.#write(id),
      ownerOf: (id) => parseChannelId(id).appId,
    });
  }

  set(appId: string, channel: string, count: number): void {
    const id = encodeChannelId(appId, channel);
    const own = this.#own.get(id);
    if (own) own.count = count;
    else this.#own.set(id, { appId, channel, count, isAnnounced: false, written: 0 });
    this.#writes.mark(id);
  }

  /** Has the sum announced with the next write. */
  announce(appId: string, channel: string): void {
    const id = encodeChannelId(appId, channel);
    const own = this.#own.get(id) ?? { appId, channel, count: 0, isAnnounced: true, written: 0 };
    own.isAnnounced = true;
    this.#own.set(id, own);
    this.#writes.mark(id);
  }

  get(appId: string, channel: string): number {
    return this.#own.get(encodeChannelId(appId, channel))?.count ?? 0;
  }

  /** What is this node's in the number that Redis has. */
  written(appId: string, channel: string): number {
    return this.#own.get(encodeChannelId(appId, channel))?.written ?? 0;
  }

  *own(): Generator<Readonly<OwnCount>> {
    yield* this.#own.values();
  }

  /** Rewrites everything, after Redis or this node's entries in it were lost. */
  rewrite(): Promise<void> {
    for (const id of this.#own.keys()) this.#writes.note(id);
    return this.flush();
  }

  /** Writes what has changed. */
  flush(): Promise<void> {
    return this.#writes.flush();
  }

  stop(): void {
    this.#writes.stop();
  }

  async #write(id: string): Promise<void> {
    this.#writes.take(id);
    const own = this.#own.get(id);
    if (!own) return;
    const { appId, channel, count, isAnnounced } = own;
    own.isAnnounced = false;
    try {
      const againMs = await this.#scripts.count(this.#nodeId(), appId, channel, count, { isAnnounced });
      own.written = count;
      if (againMs > 0) setTimeout(() => this.announce(appId, channel), againMs).unref();
      if (own.count === 0 && !this.#writes.has(id)) this.#own.delete(id);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      // Everything is written again when Redis is back.
      own.isAnnounced ||= isAnnounced;
      this.#writes.note(id);
    }
  }
}
