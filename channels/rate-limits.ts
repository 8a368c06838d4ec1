import { RateLimiter } from 'limiter';
import type { App } from './app.ts';

/** At most so many per second; the allowance is whole again a second after the window's first. */
export class RateLimit {
  readonly #perSecond: number;
  #limiter: RateLimiter | undefined;

  /** @param perSecond - -1 for no limit, 0 to refuse everything */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  get perSecond(): number {
    return this.#perSecond;
  }

  /**
   * Takes `count` from the allowance, all or nothing.
   *
   * @returns 0 when taken, else milliseconds until it could be; Infinity when it never can
   */
  take(count: number): number {
    if (this.#perSecond < 0) return 0;
    if (count > this.#perSecond) return Number.POSITIVE_INFINITY;
    this.#limiter ??= new RateLimiter({ tokensPerInterval: this.#perSecond, interval: 'second' });
    return this.#limiter.tryRemoveTokens(count) ? 0 : Math.max(1, this.#limiter.getWaitTime(count));
  }
}

/** The allowances that all connections and requests of an app share. */
export interface AppRateLimits {
  readonly backendEvents: RateLimit;
  readonly clientEvents: RateLimit;
  readonly readRequests: RateLimit;
}

export class RateLimits {
  readonly #apps = new Map<string, AppRateLimits>();

  of(app: App): AppRateLimits {
    let limits = this.#apps.get(app.id);
    if (!limits) {
      limits = {
        backendEvents: new RateLimit(app.limits.maxBackendEventsPerSecond),
        clientEvents: new RateLimit(app.limits.maxAppClientEventsPerSecond),
        readRequests: new RateLimit(app.limits.maxReadRequestsPerSecond),
      };
      this.#apps.set(app.id, limits);
    }
    return limits;
  }
}

/** "in 320 ms" or why waiting does not help. */
export function retryAdvice(waitMs: number): string {
  return Number.isFinite(waitMs) ? `try again in ${Math.ceil(waitMs)} ms` : 'it can never pass: send fewer at once';
}
