import type { WebhookEvent } from '../protocol/webhook.ts';
import type { Clock } from './clock.ts';
import type { Edge } from './edge.ts';
import {
  type DeadLetter,
  type DeadLetterBounds,
  eventOf,
  type Outbox,
  type OutboxEntry,
  type WebhookState,
} from './outbox.ts';
import { wantOf } from './webhook-wants.ts';

/** All there is, in memory. */
const PARTITION = 0;
/** A missed event of a channel is told of once in this time, in milliseconds. */
export const MISS_ONCE_MS = 3000;
/** What a node told of its webhooks is forgotten after this time, in milliseconds. */
export const STATE_MS = 60_000;

export interface MemoryOutboxOptions {
  /** How long `channel_vacated`, `member_removed` and `user_offline` are held back, in milliseconds. */
  readonly graceMs: number;
  /** Bits of `WANTS` for a channel of an app; for '' those of its users. */
  readonly wants: (appId: string, channel: string) => number;
}

interface HeldBack {
  readonly appId: string;
  readonly event: WebhookEvent;
  /** By the clock's `elapsedMs`. */
  readonly dueMs: number;
}

/** The outbox of a single node, or of the workers of a machine. What is left in it ends with the process. */
export class MemoryOutbox implements Outbox {
  readonly #clock: Clock;
  readonly #options: MemoryOutboxOptions;
  /** By number, in order. */
  readonly #entries = new Map<number, OutboxEntry>();
  /** By what comes back, in the order in which they are due. */
  readonly #heldBack = new Map<string, HeldBack>();
  /** Until when a miss of a channel is not told again, by the clock's `elapsedMs`. */
  readonly #misses = new Map<string, number>();
  /** App and webhook → id → letter, oldest first. */
  readonly #letters = new Map<string, Map<string, DeadLetter>>();
  readonly #states = new Map<string, { readonly state: WebhookState; readonly untilMs: number }>();
  #cancelDue: (() => void) | undefined;
  #wake: (() => void) | undefined;
  #isWoken = false;
  /** Ids begin with the time, so that none is given again after a restart. */
  readonly #began: string;
  #number = 0;

  constructor(clock: Clock, options: MemoryOutboxOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#began = clock.now().toString(36);
  }

  /** Takes an edge, at once. */
  readonly onEdge = (edge: Edge): void => {
    const { appId } = edge;
    const channel = 'channel' in edge ? edge.channel : '';
    const isWanted = (this.#options.wants(appId, channel) & wantOf(edge)) !== 0;
    if (!isWanted && this.#heldBack.size === 0) return;
    const about = JSON.stringify('userId' in edge ? [appId, channel, edge.userId] : [appId, channel]);
    switch (edge.kind) {
      case 'subscription_count':
        if (isWanted) this.append(appId, eventOf(edge));
        break;
      case 'channel_vacated':
      case 'member_removed':
      case 'user_offline':
        if (isWanted) this.#holdBack(about, appId, eventOf(edge));
        break;
      default:
        // What ended a moment ago begins again: neither is told.
        if (!this.#heldBack.delete(about) && isWanted) this.append(appId, eventOf(edge));
    }
  };

  append(appId: string, event: WebhookEvent, replayed?: OutboxEntry['replayed']): void {
    this.#number += 1;
    const id = `${this.#began}-${this.#number}`;
    this.#entries.set(this.#number, { id, timeMs: this.#clock.now(), appId, event, told: [], replayed });
    this.#wakeSoon();
  }

  appendMiss(appId: string, channel: string): void {
    const now = this.#clock.elapsedMs();
    for (const [key, untilMs] of this.#misses) {
      if (untilMs > now) break;
      this.#misses.delete(key);
    }
    const key = JSON.stringify([appId, channel]);
    if (this.#misses.has(key)) return;
    this.#misses.set(key, now + MISS_ONCE_MS);
    this.append(appId, { name: 'cache_miss', channel });
  }

  work(wake: () => void): void {
    this.#wake = wake;
    if (this.#entries.size > 0) this.#wakeSoon();
  }

  claim(): readonly number[] {
    return [PARTITION];
  }

  release(): void {
    this.#wake = undefined;
  }

  conclude(): number {
    for (const [key, { appId, event }] of this.#heldBack) {
      this.#heldBack.delete(key);
      this.append(appId, event);
    }
    return this.#entries.size;
  }

  read(_partition: number, afterId: string, max: number): readonly OutboxEntry[] {
    const found: OutboxEntry[] = [];
    const [first = this.#number + 1] = this.#entries.keys();
    for (let number = Math.max(first, numberOf(afterId) + 1); number <= this.#number; number += 1) {
      const entry = this.#entries.get(number);
      if (entry && found.push(entry) === max) break;
    }
    return found;
  }

  noteTold(_partition: number, id: string, webhookId: string): void {
    const number = numberOf(id);
    const entry = this.#entries.get(number);
    if (entry) this.#entries.set(number, { ...entry, told: [...entry.told, webhookId] });
  }

  remove(_partition: number, ids: readonly string[]): void {
    for (const id of ids) this.#entries.delete(numberOf(id));
  }

  bury(letters: readonly DeadLetter[], { max, maxAgeMs }: DeadLetterBounds): void {
    for (const letter of letters) {
      const key = JSON.stringify([letter.appId, letter.webhookId]);
      const kept = this.#letters.get(key) ?? new Map<string, DeadLetter>();
      this.#letters.set(key, kept.set(letter.id, letter));
      for (const [id, { buriedMs }] of kept) {
        if (kept.size <= max && buriedMs > this.#clock.now() - maxAgeMs) break;
        kept.delete(id);
      }
    }
  }

  deadLetters(appId: string, webhookId: string): readonly DeadLetter[] {
    return [...(this.#letters.get(JSON.stringify([appId, webhookId]))?.values() ?? [])];
  }

  deadLetterCounts(appId: string): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const kept of this.#letters.values()) {
      for (const { appId: owner, webhookId } of kept.values()) {
        if (owner === appId) counts.set(webhookId, kept.size);
        break;
      }
    }
    return counts;
  }

  exhume(appId: string, webhookId: string, ids?: readonly string[]): readonly DeadLetter[] {
    const kept = this.#letters.get(JSON.stringify([appId, webhookId]));
    const found = (ids ?? [...(kept?.keys() ?? [])]).flatMap((id) => kept?.get(id) ?? []);
    for (const { id } of found) kept?.delete(id);
    return found;
  }

  report(states: readonly WebhookState[]): void {
    const untilMs = this.#clock.elapsedMs() + STATE_MS;
    for (const state of states) this.#states.set(JSON.stringify([state.appId, state.webhookId]), { state, untilMs });
  }

  states(appId: string): readonly WebhookState[] {
    for (const [key, { untilMs }] of this.#states) if (untilMs <= this.#clock.elapsedMs()) this.#states.delete(key);
    return Array.from(this.#states.values(), ({ state }) => state).filter((state) => state.appId === appId);
  }

  /** How many entries are left, and how many facts are held back. */
  get size(): number {
    return this.#entries.size + this.#heldBack.size;
  }

  close(): void {
    this.#cancelDue?.();
    this.#wake = undefined;
  }

  #holdBack(about: string, appId: string, event: WebhookEvent): void {
    const dueMs = this.#clock.elapsedMs() + this.#options.graceMs;
    this.#heldBack.set(about, { appId, event, dueMs });
    this.#cancelDue ??= this.#clock.schedule(() => this.#appendDue(), this.#options.graceMs);
  }

  #appendDue(): void {
    this.#cancelDue = undefined;
    const now = this.#clock.elapsedMs();
    for (const [key, { appId, event, dueMs }] of this.#heldBack) {
      if (dueMs > now) {
        this.#cancelDue = this.#clock.schedule(() => this.#appendDue(), dueMs - now);
        return;
      }
      this.#heldBack.delete(key);
      this.append(appId, event);
    }
  }

  /** Once for all that happens in this turn. */
  #wakeSoon(): void {
    if (!this.#wake || this.#isWoken) return;
    this.#isWoken = true;
    this.#clock.nextTurn(() => {
      this.#isWoken = false;
      this.#wake?.();
    });
  }
}

/** The number at the end of an id; 0 for ''. */
function numberOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('-') + 1));
}
