import type { AppNames, Put } from './collection.ts';

/** Of each app, of what a table of the program may name: more can only be a mistake, which must not cost memory. */
const MAX_NAMED = 200;
const OTHER = 'other';

/** Counts of things that have names. */
export class NamedCounts {
  readonly #counts = new Map<string, number>();

  count(name: string): void {
    const known = this.#counts.get(name);
    if (known !== undefined) this.#counts.set(name, known + 1);
    else if (this.#counts.size < MAX_NAMED) this.#counts.set(name, 1);
    else this.#counts.set(OTHER, (this.#counts.get(OTHER) ?? 0) + 1);
  }

  [Symbol.iterator](): Iterator<[name: string, count: number]> {
    return this.#counts[Symbol.iterator]();
  }
}

/** What has a limit per second. */
export const LIMITS = ['backend_events', 'read_requests', 'client_events'] as const;

/** What an app was refused. */
export type RefusedKind = 'connection' | 'subscription' | 'message' | 'request';

/** Requests to one route with one status. */
interface AnswerCount {
  readonly route: string;
  readonly status: number;
  count: number;
}

/** What has happened in one app on this node. Plain numbers: some of them change with every event. */
export class AppCounters {
  opened = 0;
  subscribed = 0;
  cacheMisses = 0;
  messagesIn = 0;
  bytesIn = 0;
  messagesOut = 0;
  bytesOut = 0;
  deliveries = 0;
  httpBytesIn = 0;
  httpBytesOut = 0;
  publishedByBackend = 0;
  publishedByClients = 0;
  readonly closed = new NamedCounts();
  readonly cutOff = new NamedCounts();
  readonly slow = new NamedCounts();
  readonly rateLimited = new NamedCounts();
  readonly #refusals = new Map<RefusedKind, NamedCounts>();
  readonly #requests: AnswerCount[] = [];
  /** Of the request before: a backend posts to one route all day. */
  #lastAnswer: AnswerCount | undefined;

  refused(of: RefusedKind, error: string): void {
    let counts = this.#refusals.get(of);
    if (!counts) {
      counts = new NamedCounts();
      this.#refusals.set(of, counts);
    }
    counts.count(error);
  }

  /** @param route - its path as the table of routes has it */
  answered(route: string, status: number): void {
    if (this.#lastAnswer?.route !== route || this.#lastAnswer.status !== status) {
      this.#lastAnswer = this.#answerCount(route, status);
    }
    this.#lastAnswer.count += 1;
  }

  put(put: Put, app: string): void {
    // The first of a kind must be a rise of a number that was there before, or alerts don't see it.
    put('kulkul_connections', [app], 0);
    put('kulkul_slow_consumers_total', [app, 'subscriber-too-slow'], 0);
    for (const of of LIMITS) put('kulkul_rate_limited_total', [app, of], 0);
    put('kulkul_connections_opened_total', [app], this.opened);
    put('kulkul_subscriptions_opened_total', [app], this.subscribed);
    if (this.cacheMisses > 0) put('kulkul_cache_misses_total', [app], this.cacheMisses);
    put('kulkul_messages_received_total', [app], this.messagesIn);
    put('kulkul_messages_sent_total', [app], this.messagesOut);
    put('kulkul_deliveries_total', [app], this.deliveries);
    put('kulkul_received_bytes_total', [app, 'websocket'], this.bytesIn);
    put('kulkul_received_bytes_total', [app, 'http'], this.httpBytesIn);
    put('kulkul_sent_bytes_total', [app, 'websocket'], this.bytesOut);
    put('kulkul_sent_bytes_total', [app, 'http'], this.httpBytesOut);
    put('kulkul_events_published_total', [app, 'backend'], this.publishedByBackend);
    put('kulkul_events_published_total', [app, 'client'], this.publishedByClients);
    for (const [code, count] of this.closed) put('kulkul_connections_closed_total', [app, code], count);
    for (const [cause, count] of this.cutOff) put('kulkul_connections_cut_off_total', [app, cause], count);
    for (const [cause, count] of this.slow) put('kulkul_slow_consumers_total', [app, cause], count);
    for (const [of, count] of this.rateLimited) put('kulkul_rate_limited_total', [app, of], count);
    for (const [of, counts] of this.#refusals) {
      for (const [error, count] of counts) put('kulkul_refusals_total', [app, of, error], count);
    }
    for (const { route, status, count } of this.#requests) {
      put('kulkul_http_requests_total', [app, route, String(status)], count);
    }
  }

  #answerCount(route: string, status: number): AnswerCount {
    let found = this.#requests.find((one) => one.route === route && one.status === status);
    if (!found) {
      found = { route, status, count: 0 };
      this.#requests.push(found);
    }
    return found;
  }
}

/** The counters of all apps; those that have no name of their own share one. */
export class AllAppCounters {
  readonly #names: AppNames;
  readonly #byName = new Map<string, AppCounters>();

  constructor(names: AppNames) {
    this.#names = names;
  }

  /** @param appId - '' where no app is known */
  of(appId: string): AppCounters {
    return this.#byName.get(appId) ?? this.#named(this.#names.of(appId));
  }

  put(put: Put): void {
    for (const [name, counters] of this.#byName) counters.put(put, name);
  }

  #named(name: string): AppCounters {
    let counters = this.#byName.get(name);
    if (!counters) {
      counters = new AppCounters();
      this.#byName.set(name, counters);
    }
    return counters;
  }
}
