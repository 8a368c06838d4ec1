import type { ChannelScripts } from './channel-scripts.ts';
import type { RedisKeys } from './keys.ts';
import { RedisUnavailable } from './redis-commands.ts';
import type { RedisLink } from './redis-link.ts';

/** Connections of apps that may have only so many over all nodes. Apps without a quota cost nothing here. */
export class Quota {
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #scripts: ChannelScripts;
  readonly #nodeId: () => string;
  /** This node's connections, by app; of those that were told to Redis. */
  readonly #own = new Map<string, number>();

  constructor(link: RedisLink, keys: RedisKeys, scripts: ChannelScripts, nodeId: () => string) {
    this.#link = link;
    this.#keys = keys;
    this.#scripts = scripts;
    this.#nodeId = nodeId;
  }

  /** Exact over all nodes while Redis is there; while it is away, connections are let in and counted when it is back. */
  async add(appId: string, max: number): Promise<boolean> {
    if (!(await this.#ask(appId, max))) return false;
    this.#own.set(appId, (this.#own.get(appId) ?? 0) + 1);
    return true;
  }

  remove(appId: string): void {
    const own = this.#own.get(appId);
    if (own === undefined) return;
    this.#own.set(appId, Math.max(0, own - 1));
    this.#link.commands
      .do((client) => client.hincrby(this.#keys.connections(appId), this.#nodeId(), -1))
      // The whole number is written when Redis is back.
      .catch(() => {});
  }

  /** Writes this node's numbers anew. */
  async rewrite(): Promise<void> {
    for (const [appId, own] of this.#own) {
      await this.#note(appId);
      await this.#link.commands.do((client) => client.hset(this.#keys.connections(appId), this.#nodeId(), own));
    }
  }

  async #ask(appId: string, max: number): Promise<boolean> {
    if (!this.#link.isUp) return true;
    try {
      if (!this.#own.has(appId)) await this.#note(appId);
      return await this.#scripts.addConnection(this.#nodeId(), appId, max);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      return true;
    }
  }

  /** So that whoever cleans up after this node finds the app. */
  async #note(appId: string): Promise<void> {
    await this.#link.commands.do((client) => client.sadd(this.#keys.nodeApps(this.#nodeId()), appId));
  }
}
