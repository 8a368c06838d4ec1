import type { App, AppLimits } from './app.ts';
import type { Clock } from './clock.ts';

type Stopwatch = Pick<Clock, 'elapsedMs'>;

const WINDOW_MS = 1000;

/**
 * A number per second: a hard limit within a second of the first one, and an evenly refilled allowance that also covers what passes on
 * other nodes, too.
 */
export class RateLimit {
  readonly perSecond: number;
  readonly #clock: Stopwatch;
  #bucket: TokenBucket | undefined;
  #windowMs = Number.NEGATIVE_INFINITY;
  #takenInWindow = 0;
  #taken = 0;

  /** @param perSecond - -1 for no limit, 0 to refuse everything */
  constructor(perSecond: number, clock: Stopwatch) {
    this.perSecond = perSecond;
    this.#clock = clock;
  }

  /**
   * Takes `count` from the allowance, all or nothing.
   *
   * @returns 0 when taken, else milliseconds until it could be; Infinity when it never can
   */
  take(count: number): number {
    if (this.perSecond < 0) return 0;
    if (count > this.perSecond) return Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.elapsedMs();
    if (nowMs - this.#windowMs >= WINDOW_MS) {
      this.#windowMs = nowMs;
      this.#takenInWindow = 0;
    }
    const bucket = this.#allowance(nowMs);
    const windowWait = this.#takenInWindow + count > this.perSecond ? this.#windowMs + WINDOW_MS - nowMs : 0;
    const wait = Math.max(windowWait, bucket.waitFor(count, nowMs));
    if (wait > 0) return Math.max(1, wait);
    bucket.take(count, nowMs);
    this.#takenInWindow += count;
    this.#taken += count;
    return 0;
  }

  /** What was taken here since the last call. */
  collect(): number {
    const taken = this.#taken;
    this.#taken = 0;
    return taken;
  }

  /** Deducts what another node already accepted, even if the allowance becomes negative. */
  takeElsewhere(count: number): void {
    if (this.perSecond <= 0) return;
    const nowMs = this.#clock.elapsedMs();
    this.#allowance(nowMs).take(count, nowMs);
  }

  /** Takes over what is left of an allowance that is kept elsewhere, and knows what was collected; below nothing when too much passed. */
  takeOver(left: number): void {
    if (this.perSecond <= 0) return;
    const nowMs = this.#clock.elapsedMs();
    // What passed since is not in it.
    this.#allowance(nowMs).set(left - this.#taken, nowMs);
  }

  #allowance(nowMs: number): TokenBucket {
    this.#bucket ??= new TokenBucket(this.perSecond, this.perSecond, nowMs);
    return this.#bucket;
  }
}

/** The allowances that all connections and requests of an app share. */
export interface AppRateLimits {
  readonly backendEvents: RateLimit;
  readonly clientEvents: RateLimit;
  readonly readRequests: RateLimit;
}

interface KeptLimits extends AppRateLimits {
  /** What they were made of. */
  readonly source: AppLimits;
}

/** What a node accepted in an app. */
export interface RateUse {
  readonly appId: string;
  readonly backendEvents: number;
  readonly clientEvents: number;
  readonly readRequests: number;
}

/**
 * The limits of all apps on one node. Several nodes keep a common limit by telling each other, or a common account, every so often
 * what they let pass: nobody waits for an answer, and a node that gets all the traffic can use all of the limit. In return a burst that comes
 * to all nodes at once may pass on each of them before they hear of each other; the excess is deducted from the time
 * after it, so that over several seconds the limit holds.
 */
export class RateLimits {
  readonly #clock: Stopwatch;
  readonly #apps = new Map<string, KeptLimits>();

  constructor(clock: Stopwatch) {
    this.#clock = clock;
  }

  /** An app whose limits changed keeps what is left of those that stayed the same. */
  of(app: App): AppRateLimits {
    const known = this.#apps.get(app.id);
    if (known?.source === app.limits) return known;
    const next: KeptLimits = {
      source: app.limits,
      backendEvents: this.#keptOr(known?.backendEvents, app.limits.maxBackendEventsPerSecond),
      clientEvents: this.#keptOr(known?.clientEvents, app.limits.maxAppClientEventsPerSecond),
      readRequests: this.#keptOr(known?.readRequests, app.limits.maxReadRequestsPerSecond),
    };
    this.#apps.set(app.id, next);
    return next;
  }

  /** The app is gone. */
  forget(appId: string): void {
    this.#apps.delete(appId);
  }

  /** Those of an app that was here before. */
  find(appId: string): AppRateLimits | undefined {
    return this.#apps.get(appId);
  }

  /** What passed here since the last call, in apps that have a limit. */
  collect(): readonly RateUse[] {
    const uses: RateUse[] = [];
    for (const [appId, limits] of this.#apps) {
      const backendEvents = limits.backendEvents.collect();
      const clientEvents = limits.clientEvents.collect();
      const readRequests = limits.readRequests.collect();
      if (backendEvents + clientEvents + readRequests > 0) {
        uses.push({ appId, backendEvents, clientEvents, readRequests });
      }
    }
    return uses;
  }

  /** Deducts what passed on another node from the allowance here. */
  takeElsewhere(app: App, { backendEvents, clientEvents, readRequests }: RateUse): void {
    const limits = this.of(app);
    limits.backendEvents.takeElsewhere(backendEvents);
    limits.clientEvents.takeElsewhere(clientEvents);
    limits.readRequests.takeElsewhere(readRequests);
  }

  #keptOr(known: RateLimit | undefined, perSecond: number): RateLimit {
    return known?.perSecond === perSecond ? known : new RateLimit(perSecond, this.#clock);
  }
}

/** "in 320 ms" or why waiting does not help. */
export function retryAdvice(waitMs: number): string {
  return Number.isFinite(waitMs)
    ? `try again in ${Math.ceil(waitMs)} ms`
    : 'it can never pass: send fewer at once, or raise the limit';
}

/** An allowance that is refilled evenly, up to a limit. Times are milliseconds of one monotonic clock. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perMs: number;
  #content: number;
  #filledMs: number;

  /** Full at the beginning. */
  constructor(capacity: number, perSecond: number, nowMs: number) {
    this.#capacity = capacity;
    this.#perMs = perSecond / 1000;
    this.#content = capacity;
    this.#filledMs = nowMs;
  }

  /** Milliseconds until there is so much; 0 when there is. */
  waitFor(count: number, nowMs: number): number {
    this.#fill(nowMs);
    return this.#content >= count ? 0 : (count - this.#content) / this.#perMs;
  }

  /** Takes so much, even if less than nothing is left. */
  take(count: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#content -= count;
  }

  set(content: number, nowMs: number): void {
    this.#content = Math.min(this.#capacity, content);
    this.#filledMs = nowMs;
  }

  #fill(nowMs: number): void {
    this.#content = Math.min(this.#capacity, this.#content + (nowMs - this.#filledMs) * this.#perMs);
    this.#filledMs = nowMs;
  }
}
