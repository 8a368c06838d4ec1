import type { Clock } from '../../channels/clock.ts';
import type { Node } from '../../channels/node.ts';
import type { Observer } from '../../channels/observer.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { maskSecrets } from '../config/mask.ts';
import type { WatchedWebhook, WebhookAttempt } from '../webhooks/target.ts';
import type { NodeReport, Rates } from './contract.ts';
import { type FactBody, factObserver, MAX_DATA_LENGTH, MAX_NAMES } from './live-facts.ts';
import { type FactFilter, type FactHead, FactMatcher } from './live-filter.ts';

/** Between two batches of a node, in milliseconds. */
const BATCH_MS = 250;
/** Between two reports of a node, in batches. */
const REPORT_EVERY = 4;
/** What a batch may hold: more is counted. */
const MAX_FACTS = 200;
const MAX_CHARACTERS = 65_536;
/** How long a node tells somebody who does not ask again, in milliseconds. */
const WATCH_MS = 12_000;
/** Of one node. More people don't look at once. */
const MAX_WATCHES = 64;

/** What a node tells whoever watches. */
export interface LiveNotice {
  readonly watch: string;
  /** Each as JSON. */
  readonly facts: readonly string[];
  readonly skipped: number;
  /** Not with each batch. */
  readonly report?: NodeReport;
}

export interface LiveLogParts {
  readonly node: Node;
  /** @param rates - since the report before */
  readonly report: (apps: readonly string[] | undefined, rates: Rates | null) => NodeReport;
}

/**
 * What happens on this node, for those who watch now. As long as nobody does, no observer of it is there; then there is one that knows which types are
 * wanted. A batch takes the first facts that match, and counts the others: nothing that clients do makes it larger.
 */
export class LiveLog {
  readonly #parts: LiveLogParts;
  readonly #watches = new Map<string, Watch>();
  #leave = (): void => {};
  #cancelTick = (): void => {};

  constructor(parts: LiveLogParts) {
    this.#parts = parts;
  }

  /**
   * Tells a node what happens here, until it has not asked again for a while.
   *
   * @throws {SyntaxError} a filter that is none
   */
  watch(id: string, asker: string, filter: FactFilter): void {
    const { clock } = this.#parts.node;
    const before = this.#watches.get(id);
    if (!before && this.#watches.size >= MAX_WATCHES) return;
    const matcher = new FactMatcher(filter);
    const untilMs = clock.elapsedMs() + WATCH_MS;
    if (before && before.asker === asker && before.text === JSON.stringify(filter)) {
      before.untilMs = untilMs;
      return;
    }
    this.#watches.set(id, new Watch({ id, asker, filter, matcher, untilMs, clock }));
    this.#observe();
  }

  /** Ends a watch before its time. */
  unwatch(id: string): void {
    if (this.#watches.delete(id)) this.#observe();
  }

  /** Notes what no observer tells. */
  readonly happened = (head: FactHead, body: () => FactBody): void => {
    for (const watch of this.#watches.values()) watch.note(head, body, this.#parts.node);
  };

  /** Notes a request to a webhook. */
  attempted({ appId, webhook }: WatchedWebhook, attempt: WebhookAttempt): void {
    if (this.#watches.size === 0) return;
    const { outcome, seconds, events, attempt: number, status, error } = attempt;
    const names = [...new Set(events.map(({ name }) => name))];
    const channels = [...new Set(events.map(({ channel }) => channel))].slice(0, MAX_NAMES);
    this.happened({ type: 'webhook', app: appId, events: names, channels }, () => ({
      webhook: webhook.id,
      isAccepted: outcome === 'accepted',
      attempt: number,
      durationMs: Math.round(seconds * 1000),
      data: JSON.stringify(events).slice(0, MAX_DATA_LENGTH),
      ...(status !== undefined && { code: status }),
      ...(error !== undefined && { reason: maskSecrets(error) }),
    }));
  }

  stop(): void {
    this.#watches.clear();
    this.#observe();
  }

  #observe(): void {
    const { node } = this.#parts;
    this.#leave();
    this.#cancelTick();
    this.#leave = () => {};
    this.#cancelTick = () => {};
    const watches = [...this.#watches.values()];
    if (watches.length === 0) return;
    const facts = factObserver((type) => watches.some(({ matcher }) => matcher.wantsType(type)), this.happened);
    const ends = [node.watch(facts), node.watch(counter(watches))];
    this.#leave = () => {
      for (const end of ends) end();
    };
    this.#tick();
  }

  #tick(): void {
    const { node } = this.#parts;
    this.#cancelTick = node.clock.schedule(() => {
      for (const watch of this.#watches.values()) {
        if (watch.untilMs <= node.clock.elapsedMs()) this.#watches.delete(watch.id);
        else watch.send(node, this.#parts.report);
      }
      if (this.#watches.size > 0) this.#tick();
      else this.#observe();
    }, BATCH_MS);
  }
}

interface WatchFacts {
  readonly id: string;
  /** Node that is told. */
  readonly asker: string;
  readonly filter: FactFilter;
  readonly matcher: FactMatcher;
  readonly clock: Clock;
  untilMs: number;
}

/** What one of those who watch is told next. */
class Watch {
  readonly id: string;
  readonly asker: string;
  readonly matcher: FactMatcher;
  readonly text: string;
  untilMs: number;
  readonly counts = { received: 0, published: 0, delivered: 0 };
  readonly #filter: FactFilter;
  readonly #clock: Clock;
  #facts: string[] = [];
  #characters = 0;
  #skipped = 0;
  #batches = 0;
  #countedMs: number;

  constructor({ id, asker, filter, matcher, untilMs, clock }: WatchFacts) {
    this.id = id;
    this.asker = asker;
    this.matcher = matcher;
    this.untilMs = untilMs;
    this.text = JSON.stringify(filter);
    this.#filter = filter;
    this.#clock = clock;
    this.#countedMs = clock.elapsedMs();
  }

  note(head: FactHead, body: () => FactBody, { questions }: Node): void {
    if (!this.matcher.matches(head)) return;
    // Not even written: it is not known whether the text is in it.
    if (this.#facts.length >= MAX_FACTS || this.#characters >= MAX_CHARACTERS) {
      this.#skipped += 1;
      return;
    }
    const time = new Date(this.#clock.now()).toISOString();
    const fact = JSON.stringify({ ...head, time, node: questions.nodeId, ...body() });
    if (!this.matcher.matchesText(fact)) return;
    this.#facts.push(fact);
    this.#characters += fact.length;
  }

  send({ questions }: Node, report: LiveLogParts['report']): void {
    this.#batches += 1;
    const isReport = this.#batches % REPORT_EVERY === 1;
    if (!isReport && this.#facts.length === 0 && this.#skipped === 0) return;
    const notice: LiveNotice = {
      watch: this.id,
      facts: this.#facts,
      skipped: this.#skipped,
      ...(isReport && { report: report(this.#filter.apps, this.#rates()) }),
    };
    this.#facts = [];
    this.#characters = 0;
    this.#skipped = 0;
    questions.tell(this.asker, { live: notice } satisfies JsonObject);
  }

  #rates(): Rates | null {
    const nowMs = this.#clock.elapsedMs();
    const seconds = (nowMs - this.#countedMs) / 1000;
    const { received, published, delivered } = this.counts;
    Object.assign(this.counts, { received: 0, published: 0, delivered: 0 });
    this.#countedMs = nowMs;
    // The first report comes at once.
    if (this.#batches === 1 || seconds <= 0) return null;
    return { received: received / seconds, published: published / seconds, delivered: delivered / seconds };
  }
}

/** Counts what the figures show. */
function counter(watches: readonly Watch[]): Observer {
  const count = (appId: string, what: keyof Rates, number: number): void => {
    for (const { matcher, counts } of watches) if (matcher.seesApp(appId)) counts[what] += number;
  };
  return {
    received: ({ connection }) => count(connection.app.id, 'received', 1),
    published: ({ app, channelNames }) => count(app.id, 'published', channelNames.length),
    clientEvent: ({ connection }) => count(connection.app.id, 'published', 1),
    delivered: ({ channel, receivers }) => count(channel.app.id, 'delivered', receivers),
  };
}
