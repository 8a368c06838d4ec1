import type { AppRateLimits, RateLimits } from '../../channels/rate-limits.ts';
import type { RedisKeys } from './keys.ts';
import { RedisUnavailable } from './redis-commands.ts';
import type { RedisLink } from './redis-link.ts';

const INTERVAL_MS = 250;

/**
 * Keeps the rate limits of apps over all nodes. Redis holds what is left of each allowance; a node regularly reports what
 * it accepted, and continues with what is left then. No message waits for that, and an unused app costs nothing.
 *
 * While Redis is down, each node applies the whole limit on its own.
 */
export class RateExchange {
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #limits: RateLimits;
  /** Apps whose allowances were not whole when last heard of. */
  readonly #used = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | undefined;

  constructor(link: RedisLink, keys: RedisKeys, limits: RateLimits) {
    this.#link = link;
    this.#keys = keys;
    this.#limits = limits;
  }

  /** @param failed - told of what is not Redis being away */
  start(failed: (error: unknown, during: string) => void): void {
    this.#timer = setInterval(() => {
      this.exchange().catch((error: unknown) => failed(error, 'sharing rate limits'));
    }, INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Tells what passed since the last time. Concurrent calls are one. */
  exchange(): Promise<void> {
    this.#underWay ??= this.#exchange().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  async #exchange(): Promise<void> {
    const uses = new Map(this.#limits.collect().map((use) => [use.appId, use]));
    for (const appId of uses.keys()) this.#used.add(appId);
    await Promise.all(
      [...this.#used].map(async (appId) => {
        const limits = this.#limits.find(appId);
        const use = uses.get(appId) ?? { backendEvents: 0, clientEvents: 0, readRequests: 0 };
        const used = [use.backendEvents, use.clientEvents, use.readRequests] as const;
        const isWhole = !limits || (await this.#share(appId, limits, used));
        if (isWhole) this.#used.delete(appId);
      }),
    );
  }

  /** @returns whether nothing of the allowances is missing, so that there is nothing to hear of */
  async #share(appId: string, limits: AppRateLimits, used: readonly [number, number, number]): Promise<boolean> {
    // What can't be reported now is dropped: it would be charged to the app long after it happened.
    if (!this.#link.isUp) return true;
    const shared = [limits.backendEvents, limits.clientEvents, limits.readRequests] as const;
    const args = shared.flatMap(({ perSecond }, index) => [perSecond, used[index] ?? 0]);
    try {
      const left = (await this.#link.commands.run('shareRates', [this.#keys.rates(appId)], args)) as string[];
      shared.forEach((limit, index) => {
        limit.takeOver(Number(left[index]));
      });
      return shared.every(({ perSecond }, index) => perSecond <= 0 || Number(left[index]) >= perSecond);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      return true;
    }
  }
}
