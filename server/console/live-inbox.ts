import type { Node } from '../../channels/node.ts';
import { isJsonObject, type JsonObject } from '../../protocol/json.ts';
import type { NodeReport } from './contract.ts';
import type { FactFilter } from './live-filter.ts';
import type { LiveLog } from './live-log.ts';

/** What somebody looks at. The same id, as long as they do. */
export interface LiveRequest {
  readonly id: string;
  readonly filter: FactFilter;
}

/** What was told since somebody looked last. */
export interface LiveSeen {
  /** Each as JSON, in the order in which they came. */
  readonly facts: readonly string[];
  /** Facts that are not shown, as there were too many. */
  readonly skipped: number;
  /** The last one of each node. */
  readonly reports: readonly NodeReport[];
}

/** How often the nodes are asked again, in milliseconds. */
const RENEW_MS = 5000;
/** How long somebody who does not look any more is remembered, in milliseconds. */
const FORGET_MS = 12_000;
/** A node that says nothing for that long is silent, in milliseconds. */
const SILENT_MS = 3500;
/** And for that long is forgotten, in milliseconds. */
const GONE_MS = 60_000;
/** What waits between two looks. */
const MAX_FACTS = 2000;
const MAX_CHARACTERS = 1_048_576;
/** Of one of those who look. More nodes there are not. */
const MAX_NODES = 1000;

interface Look {
  readonly request: LiveRequest;
  facts: string[];
  characters: number;
  skipped: number;
  readonly reports: Map<string, { readonly report: NodeReport; readonly heardMs: number }>;
  renewMs: number;
  untilMs: number;
}

/** Gathers what all nodes tell those who look through this one. */
export class LiveInbox {
  readonly #node: Node;
  readonly #log: LiveLog;
  readonly #looks = new Map<string, Look>();

  constructor(node: Node, log: LiveLog) {
    this.#node = node;
    this.#log = log;
  }

  /**
   * What was told since the last call, after which the nodes go on telling for some seconds.
   *
   * @throws {SyntaxError} a filter that is none
   */
  look(request: LiveRequest): LiveSeen {
    const nowMs = this.#node.clock.elapsedMs();
    this.#forgetOthers(nowMs);
    let look = this.#looks.get(request.id);
    if (!look) {
      look = { request, facts: [], characters: 0, skipped: 0, reports: new Map(), renewMs: 0, untilMs: 0 };
      this.#looks.set(request.id, look);
    }
    look.untilMs = nowMs + FORGET_MS;
    if (look.renewMs <= nowMs) this.#ask(look, nowMs);
    const { facts, skipped } = look;
    look.facts = [];
    look.characters = 0;
    look.skipped = 0;
    return { facts, skipped, reports: reportsOf(look, nowMs) };
  }

  /** Nobody looks at that any more. */
  end(id: string): void {
    if (!this.#looks.delete(id)) return;
    this.#log.unwatch(id);
    this.#node.questions.tellAll({ kind: 'unwatch', watch: id });
  }

  /** Takes what a node tells. It may be anything. */
  take(live: unknown, from: string): void {
    if (!isJsonObject(live)) return;
    const look = this.#looks.get(String(live.watch));
    if (!look || !Array.isArray(live.facts)) return;
    for (const fact of live.facts) {
      if (typeof fact !== 'string') continue;
      if (look.facts.length >= MAX_FACTS || look.characters >= MAX_CHARACTERS) {
        look.skipped += 1;
        continue;
      }
      look.facts.push(fact);
      look.characters += fact.length;
    }
    if (typeof live.skipped === 'number') look.skipped += live.skipped;
    if (!isReport(live.report) || (look.reports.size >= MAX_NODES && !look.reports.has(from))) return;
    look.reports.set(from, { report: live.report, heardMs: this.#node.clock.elapsedMs() });
  }

  /** Also nodes that came meanwhile. */
  #ask(look: Look, nowMs: number): void {
    const { questions } = this.#node;
    const { id, filter } = look.request;
    look.renewMs = nowMs + RENEW_MS;
    this.#log.watch(id, questions.nodeId, filter);
    const listening = questions.listen();
    const ask = (): void =>
      questions.tellAll({ kind: 'watch', watch: id, filter } satisfies JsonObject & { kind: string });
    if (listening instanceof Promise) this.#node.settle(listening.then(ask), 'asking the other nodes');
    else ask();
  }

  #forgetOthers(nowMs: number): void {
    for (const [id, { untilMs }] of this.#looks) if (untilMs < nowMs) this.#looks.delete(id);
  }
}

function reportsOf({ reports }: Look, nowMs: number): NodeReport[] {
  for (const [id, { report, heardMs }] of reports) {
    const isGone = nowMs - heardMs > (report.state === 'stopping' ? SILENT_MS : GONE_MS);
    if (isGone) reports.delete(id);
  }
  return [...reports.values()].map(({ report, heardMs }) =>
    nowMs - heardMs > SILENT_MS
      ? { ...report, state: 'silent', reason: 'It has said nothing for a while', figures: null }
      : report,
  );
}

export function isReport(value: unknown): value is NodeReport {
  return isJsonObject(value) && typeof value.id === 'string' && typeof value.state === 'string';
}
