import type { MaybePromise } from '../../channels/maybe-promise.ts';
import type { ChannelScripts } from './channel-scripts.ts';
import { GatheredWrites } from './gathered-writes.ts';
import type { RedisKeys } from './keys.ts';
import { RedisUnavailable } from './redis-commands.ts';
import type { RedisLink } from './redis-link.ts';
import { encodeChannelId, parseChannelId } from './wire.ts';

interface OwnConnections {
  count: number;
  /** Questions whether there may be one more that are not answered: Redis may have counted those already. */
  asking: number;
  /** The app has a quota, so that each connection that goes must show at once. */
  hasQuota: boolean;
  /** Id of this node under which whoever cleans up after it finds the app. */
  notedAs: string | undefined;
}

/**
 * Connections of apps, in Redis. Where an app may have only so many, each one is counted by a script, exactly over all nodes; for
 * the others this node's own number is written, gathered for a moment, so that it costs the connections nothing.
 */
export class ConnectionCounts {
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #scripts: ChannelScripts;
  readonly #nodeId: () => string;
  readonly #own = new Map<string, OwnConnections>();
  /** Apps whose number in Redis is not this node's. */
  readonly #writes: GatheredWrites;

  constructor(link: RedisLink, keys: RedisKeys, scripts: ChannelScripts, nodeId: () => string) {
    this.#link = link;
    this.#keys = keys;
    this.#scripts = scripts;
    this.#nodeId = nodeId;
    this.#writes = new GatheredWrites({
      isUp: () => link.isUp,
      write: (appId) => this.#write(appId),
      ownerOf: (appId) => appId,
    });
  }

  /** While Redis is down, connections are accepted regardless of the quota, and counted when it is back. */
  add(appId: string, max: number): MaybePromise<boolean> {
    const own = this.#ownOf(appId);
    own.hasQuota = max >= 0;
    if (own.hasQuota) return this.#addWithin(appId, own, max);
    own.count += 1;
    this.#writes.mark(appId);
    return true;
  }

  remove(appId: string): void {
    const own = this.#own.get(appId);
    if (!own || own.count === 0) return;
    own.count -= 1;
    if (!own.hasQuota || this.#writes.has(appId)) {
      this.#writes.mark(appId);
      return;
    }
    this.#link.commands
      .do((client) => client.hincrby(this.#keys.connections(appId), this.#nodeId(), -1))
      .catch(() => this.#writes.mark(appId));
  }

  /** This node's own number. */
  get(appId: string): number {
    return this.#own.get(appId)?.count ?? 0;
  }

  /** The sum over this node and others. */
  async sum(appId: string, others: readonly string[]): Promise<number> {
    const counts = await this.#link.commands.do((client) => client.hgetall(this.#keys.connections(appId)));
    return others.reduce((total, nodeId) => total + Number(counts[nodeId] ?? 0), this.get(appId));
  }

  /** Rewrites everything, after Redis or this node's entries in it were lost. */
  rewrite(): Promise<void> {
    for (const [appId, own] of this.#own) {
      own.notedAs = undefined;
      this.#writes.note(appId);
    }
    return this.flush();
  }

  /** Takes out what was counted under a former id of this node after others had cleaned up, and with it the note of its apps. */
  async forget(formerId: string): Promise<void> {
    await this.#link.commands.do((client) =>
      Promise.all([...this.#own.keys()].map((appId) => client.hdel(this.#keys.connections(appId), formerId))),
    );
  }

  /** Writes what has changed. */
  flush(): Promise<void> {
    return this.#writes.flush();
  }

  stop(): void {
    this.#writes.stop();
  }

  async #addWithin(appId: string, own: OwnConnections, max: number): Promise<boolean> {
    own.asking += 1;
    try {
      const isAdded = await this.#ask(appId, own, max);
      if (isAdded) own.count += 1;
      return isAdded;
    } finally {
      own.asking -= 1;
      if (this.#writes.has(appId)) this.#writes.mark(appId);
    }
  }

  async #ask(appId: string, own: OwnConnections, max: number): Promise<boolean> {
    try {
      if (this.#link.isUp) {
        await this.#note(appId, own);
        // What came before the app had a quota counts, too. Commands are carried out in the order in which they are sent.
        if (own.asking === 1) void this.#writeNumber(appId, own);
        return await this.#scripts.addConnection(this.#nodeId(), appId, max);
      }
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
    }
    this.#writes.note(appId);
    return true;
  }

  #ownOf(appId: string): OwnConnections {
    let own = this.#own.get(appId);
    if (!own) {
      own = { count: 0, asking: 0, hasQuota: false, notedAs: undefined };
      this.#own.set(appId, own);
    }
    return own;
  }

  async #write(appId: string): Promise<void> {
    const own = this.#ownOf(appId);
    try {
      await this.#note(appId, own);
    } catch (error) {
      if (error instanceof RedisUnavailable) return;
      throw error;
    }
    // The answer to a question brings it up again.
    if (own.asking === 0) await this.#writeNumber(appId, own);
  }

  /** Sent at once. What can't be written stays marked, and everything is written again when Redis is back. */
  async #writeNumber(appId: string, { count }: OwnConnections): Promise<void> {
    if (!this.#writes.take(appId)) return;
    const key = this.#keys.connections(appId);
    try {
      await this.#link.commands.do((client) =>
        count > 0 ? client.hset(key, this.#nodeId(), count) : client.hdel(key, this.#nodeId()),
      );
    } catch {
      this.#writes.note(appId);
    }
  }

  async #note(appId: string, own: OwnConnections): Promise<void> {
    const nodeId = this.#nodeId();
    if (own.notedAs === nodeId) return;
    await this.#link.commands.do((client) => client.sadd(this.#keys.nodeApps(nodeId), appId));
    own.notedAs = nodeId;
  }
}

interface OwnCount {
  readonly appId: string;
  readonly channel: string;
  count: number;
  isAnnounced: boolean;
  /** What Redis was last told, as far as it answered. */
  written: number;
  /** Writes that are not answered yet. */
  writing: number;
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
      // Everything is written again when Redis is back.
      write: (id) => this.#write(id).catch(ignoreUnavailable),
      ownerOf: (id) => parseChannelId(id).appId,
    });
  }

  set(appId: string, channel: string, count: number): void {
    const id = encodeChannelId(appId, channel);
    const own = this.#note(id, appId, channel, count);
    // The first subscription of a channel may have been written before it came.
    if (own.written !== count || count === 0 || own.writing > 0 || this.#writes.has(id)) this.#writes.mark(id);
  }

  /**
   * Counts the first subscription of a channel, if there is none, and writes that at once.
   *
   * @throws {RedisUnavailable} by rejection; it is written again when Redis is back
   */
  async begin(appId: string, channel: string): Promise<void> {
    const id = encodeChannelId(appId, channel);
    const own = this.#note(id, appId, channel, Math.max(1, this.get(appId, channel)));
    if (own.written === 0) await this.#write(id);
  }

  /** Has the sum announced with the next write. */
  announce(appId: string, channel: string): void {
    const id = encodeChannelId(appId, channel);
    const own = this.#note(id, appId, channel, this.get(appId, channel));
    own.isAnnounced = true;
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

  #note(id: string, appId: string, channel: string, count: number): OwnCount {
    let own = this.#own.get(id);
    if (own) own.count = count;
    else {
      own = { appId, channel, count, isAnnounced: false, written: 0, writing: 0 };
      this.#own.set(id, own);
    }
    return own;
  }

  /** @throws {RedisUnavailable} by rejection; it is written with whatever is written next */
  async #write(id: string): Promise<void> {
    this.#writes.take(id);
    const own = this.#own.get(id);
    if (!own) return;
    const { appId, channel, count, isAnnounced } = own;
    own.isAnnounced = false;
    own.writing += 1;
    try {
      const againMs = await this.#scripts.count(this.#nodeId(), appId, channel, count, { isAnnounced });
      own.written = count;
      if (againMs > 0) setTimeout(() => this.announce(appId, channel), againMs).unref();
      if (own.count === 0 && own.writing === 1 && !this.#writes.has(id)) this.#own.delete(id);
    } catch (error) {
      if (error instanceof RedisUnavailable) {
        own.isAnnounced ||= isAnnounced;
        this.#writes.note(id);
      }
      throw error;
    } finally {
      own.writing -= 1;
    }
  }
}

function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof RedisUnavailable)) throw error;
}
