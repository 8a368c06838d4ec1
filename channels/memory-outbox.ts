import type { WebhookEvent } from '../protocol/webhook.ts';
import type { Clock } from './clock.ts';
import type { Edge } from './edge.ts';
import {
  type DeadLetter,
  type DeadLetterBounds,
  eventOf,
  MISS_ONCE_MS,
  type Outbox,
  type OutboxEntry,
  STATE_MS,
  type WebhookState,
} from './outbox.ts';
import { type About, endOf, OpenFacts, type OutboxJournal, type OutboxRecord } from './outbox-journal.ts';
import { wantOf } from './webhook-wants.ts';

/** All there is, in memory. */
const PARTITION = 0;

export interface MemoryOutboxOptions {
  /** How long `channel_vacated`, `member_removed` and `user_offline` are held back, in milliseconds. */
  readonly graceMs: number;
  /** Bits of `WANTS` for a channel of an app; for '' those of its users. */
  readonly wants: (appId: string, channel: string) => number;
  /** Left out: what is in the outbox ends with the process. */
  readonly journal?: OutboxJournal | undefined;
}

interface HeldBack {
  readonly about: About;
  /** By the clock's `elapsedMs`. */
  readonly dueMs: number;
}

/** The outbox of a single node, or of the workers of a machine. Without a journal, what is left in it ends with the process. */
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
  #isHandedOver = false;
  readonly #journal: OutboxJournal | undefined;
  /** Only where there is a journal, as the next process must find out which of them have ended. */
  readonly #open: OpenFacts | undefined;
  /** What went on when the process before ended, until clients can come back. */
  readonly #before = new Map<string, About>();
  /** Ids begin with the time, so that none is given again after a restart. */
  readonly #began: string;
  #number = 0;

  constructor(clock: Clock, options: MemoryOutboxOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#began = clock.now().toString(36);
    const { journal } = options;
    if (!journal) return;
    this.#open = new OpenFacts();
    for (const record of journal.read()) this.#restore(record);
    this.#journal = journal;
    journal.begin(() => this.#records());
    for (const about of this.#open.inOrderOfEnds()) this.#before.set(JSON.stringify(about), about);
  }

  /** Takes an edge, at once. */
  readonly onEdge = (edge: Edge): void => {
    const { appId } = edge;
    const channel = 'channel' in edge ? edge.channel : '';
    const isWanted = (this.#options.wants(appId, channel) & wantOf(edge)) !== 0;
    if (!isWanted && !this.#open && this.#heldBack.size === 0) return;
    const about: About = 'userId' in edge ? [appId, channel, edge.userId] : [appId, channel];
    switch (edge.kind) {
      case 'subscription_count':
        if (isWanted) this.append(appId, eventOf(edge));
        break;
      case 'channel_vacated':
      case 'member_removed':
      case 'user_offline':
        if (this.#isHandedOver) break;
        if (isWanted) this.#holdBack(about);
        else if (this.#open?.close(about)) this.#journal?.write(['closed', ...about]);
        break;
      default:
        // What ended a moment ago begins again: neither is told.
        if (!this.#comesBack(about) && isWanted) this.append(appId, eventOf(edge));
    }
  };

  /** Another process takes over the clients: for whoever leaves here from now on, things go on there. */
  handOver(): void {
    this.#isHandedOver = true;
  }

  append(appId: string, event: WebhookEvent, replayed?: OutboxEntry['replayed']): void {
    this.#number += 1;
    const id = `${this.#began}-${this.#number}`;
    const entry: OutboxEntry = { id, timeMs: this.#clock.now(), appId, event, told: [], replayed };
    this.#entries.set(this.#number, entry);
    if (!replayed) this.#open?.note(appId, event);
    this.#journal?.write(['entry', entry]);
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
    for (const about of this.#before.values()) this.#holdBack(about);
    this.#before.clear();
    if (this.#entries.size > 0) this.#wakeSoon();
  }

  claim(): readonly number[] {
    return [PARTITION];
  }

  release(): void {
    this.#wake = undefined;
  }

  conclude(): number {
    if (this.#journal) return this.#journal.isKept ? 0 : this.#entries.size;
    for (const [key, { about }] of this.#heldBack) {
      this.#heldBack.delete(key);
      this.append(about[0], endOf(about));
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
    if (!entry) return;
    this.#entries.set(number, { ...entry, told: [...entry.told, webhookId] });
    this.#journal?.write(['told', id, webhookId]);
  }

  remove(_partition: number, ids: readonly string[]): void {
    for (const id of ids) this.#entries.delete(numberOf(id));
    this.#journal?.write(['removed', ...ids]);
  }

  bury(letters: readonly DeadLetter[], { max, maxAgeMs }: DeadLetterBounds): void {
    for (const letter of letters) {
      const { appId, webhookId } = letter;
      const kept = this.#keep(letter);
      this.#journal?.write(['letter', letter]);
      const gone: string[] = [];
      for (const [id, { buriedMs }] of kept) {
        if (kept.size <= max && buriedMs > this.#clock.now() - maxAgeMs) break;
        kept.delete(id);
        gone.push(id);
      }
      if (gone.length > 0) this.#journal?.write(['exhumed', appId, webhookId, ...gone]);
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
    if (found.length > 0) this.#journal?.write(['exhumed', appId, webhookId, ...found.map(({ id }) => id)]);
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
    return this.#entries.size + this.#heldBack.size + this.#before.size;
  }

  close(): void {
    this.#cancelDue?.();
    this.#wake = undefined;
    this.#journal?.close();
  }

  #comesBack(about: About): boolean {
    const key = JSON.stringify(about);
    return this.#heldBack.delete(key) || this.#before.delete(key);
  }

  #holdBack(about: About): void {
    if (this.#open?.open(about)) this.#journal?.write(['open', ...about]);
    const dueMs = this.#clock.elapsedMs() + this.#options.graceMs;
    this.#heldBack.set(JSON.stringify(about), { about, dueMs });
    this.#cancelDue ??= this.#clock.schedule(() => this.#appendDue(), this.#options.graceMs);
  }

  #appendDue(): void {
    this.#cancelDue = undefined;
    const now = this.#clock.elapsedMs();
    for (const [key, { about, dueMs }] of this.#heldBack) {
      if (dueMs > now) {
        this.#cancelDue = this.#clock.schedule(() => this.#appendDue(), dueMs - now);
        return;
      }
      this.#heldBack.delete(key);
      this.append(about[0], endOf(about));
    }
  }

  #keep(letter: DeadLetter): Map<string, DeadLetter> {
    const key = JSON.stringify([letter.appId, letter.webhookId]);
    const kept = this.#letters.get(key) ?? new Map<string, DeadLetter>();
    this.#letters.set(key, kept.set(letter.id, letter));
    return kept;
  }

  #restore(record: OutboxRecord): void {
    switch (record[0]) {
      case 'entry': {
        const [, entry] = record;
        this.#number = numberOf(entry.id);
        this.#entries.set(this.#number, entry);
        if (!entry.replayed) this.#open?.note(entry.appId, entry.event);
        break;
      }
      case 'told':
        this.noteTold(PARTITION, record[1], record[2]);
        break;
      case 'removed':
        this.remove(PARTITION, record.slice(1));
        break;
      case 'open':
      case 'closed': {
        const [kind, ...about] = record;
        this.#open?.[kind === 'open' ? 'open' : 'close'](about);
        break;
      }
      case 'letter':
        this.#keep(record[1]);
        break;
      case 'exhumed': {
        const [, appId, webhookId, ...ids] = record;
        this.exhume(appId, webhookId, ids);
      }
    }
  }

  /** All there is. */
  *#records(): Generator<OutboxRecord> {
    const said = new OpenFacts();
    for (const entry of this.#entries.values()) {
      if (!entry.replayed) said.note(entry.appId, entry.event);
      yield ['entry', entry];
    }
    // Entries that wait may say of a fact what is over.
    for (const about of said.inOrderOfEnds()) if (!this.#open?.has(about)) yield ['closed', ...about];
    for (const kept of this.#letters.values()) for (const letter of kept.values()) yield ['letter', letter];
    for (const about of this.#open?.inOrderOfBeginnings() ?? []) yield ['open', ...about];
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
