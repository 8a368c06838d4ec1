import type { App } from '../../channels/app.ts';
import type { Clock } from '../../channels/clock.ts';
import { after, type MaybePromise, orElse } from '../../channels/maybe-promise.ts';
import { CLAIM_MS, type DeadLetter, type Outbox, type OutboxEntry, type WebhookState } from '../../channels/outbox.ts';
import { isForWebhook, type Webhook } from '../../protocol/webhook.ts';
import type { AppDirectory } from '../apps/app-directory.ts';
import type { SampledLog } from '../log.ts';
import { type Job, jobOf } from './lane.ts';
import type { WebhookOptions } from './options.ts';
import { Partition } from './partition.ts';
import type { Sender } from './sender.ts';
import { type FoundWebhook, Target, type WebhookWatch } from './target.ts';

const TICK_MS = 1000;
const READ_MAX = 100;
const BURY_MAX = 100;
/** While stopping. */
const LOOK_MS = 20;
/** In place of an app. */
const UNAVAILABLE = Symbol('unavailable');

/** Undefined: there is none. */
type FoundApp = App | undefined | typeof UNAVAILABLE;
/** States are forgotten after a minute unless they are told again. */
const REPORT_ALL_TICKS = 20;
/** Nothing waited for a webhook for so long: its counts are forgotten. */
const IDLE_TICKS = 600;

export interface DispatcherParts {
  readonly outbox: Outbox;
  readonly apps: Pick<AppDirectory, 'byId'>;
  readonly sender: Sender;
  readonly options: WebhookOptions;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly log: SampledLog;
  readonly watch?: WebhookWatch | undefined;
}

/** An entry that was read. */
interface Taken {
  readonly partition: Partition;
  readonly entry: OutboxEntry;
  /** The one before it in its partition. */
  readonly previousId: string;
}

interface KnownTarget {
  readonly target: Target;
  readonly webhookId: string;
  /**
   * Where to go on reading once there is room: a webhook that accepts events, but not as fast as they come, has them left in the outbox.
   */
  readonly behind: Map<Partition, string>;
  isCatchingUp: boolean;
  idleTicks: number;
}

/** Takes entries out of the outbox, and tells the webhooks of their apps. */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #partitions = new Map<number, Partition>();
  readonly #targets = new Map<string, KnownTarget>();
  /** What waits for an app that can't be found at the moment, by app. */
  readonly #unfound = new Map<string, Taken[]>();
  #unfoundCount = 0;
  #unburied: (readonly [Job, DeadLetter])[] = [];
  #isBurying = false;
  /** Events that nobody is to have any more, by app, since the last tick. */
  readonly #dropped = new Map<string, number>();
  /** Until when the claim holds, by the clock's `elapsedMs`. */
  #claimedUntilMs = Number.NEGATIVE_INFINITY;
  #isClaiming = false;
  #cancelTick: (() => void) | undefined;
  #ticks = 0;
  #state: 'idle' | 'working' | 'stopped' = 'idle';

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** Works from now on. A second call changes nothing, nor one after `stop`. */
  start(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'working';
    this.#parts.outbox.work(() => this.#readAll());
    this.#tick();
  }

  /**
   * Delivers what would end with this process, as long as there is time, and what is under way; then leaves the rest to other nodes.
   *
   * @returns how many events end with this process
   */
  async stop(timeMs: number): Promise<number> {
    const wasWorking = this.#state === 'working';
    if (!wasWorking) {
      this.#state = 'stopped';
      return 0;
    }
    const { clock, outbox } = this.#parts;
    const untilMs = clock.elapsedMs() + timeMs;
    const left = (): MaybePromise<number> => orElse(() => outbox.conclude(), this.#failed);
    await this.#until(() => after(left(), (count) => count === 0), untilMs);
    this.kill();
    await this.#until(() => [...this.#targets.values()].every(({ target }) => target.running === 0), untilMs);
    await Promise.all([...this.#partitions.values()].map((partition) => partition.flush()));
    await this.#report();
    const leftHere = this.#partitions.size > 0 ? await left() : 0;
    await orElse<unknown>(() => outbox.release(), this.#failed);
    return leftHere;
  }

  /** Of the webhooks that this node tells something now. */
  states(): readonly WebhookState[] {
    return [...this.#targets.values()].map(({ target }) => target.state());
  }

  /** Sends nothing more. */
  kill(): void {
    this.#state = 'stopped';
    this.#cancelTick?.();
    for (const { target } of this.#targets.values()) target.stop();
  }

  async #until(isDone: () => MaybePromise<boolean>, untilMs: number): Promise<void> {
    const { clock } = this.#parts;
    while (!(await isDone()) && clock.elapsedMs() < untilMs) {
      await new Promise<void>((resolve) => clock.schedule(resolve, LOOK_MS));
    }
  }

  #tick(): void {
    this.#cancelTick = this.#parts.clock.schedule(() => this.#tick(), TICK_MS);
    this.#ticks += 1;
    for (const [appId, events] of this.#dropped) {
      this.#parts.log.warn(
        { app: appId, events, cause: appId },
        'events for webhooks dropped: their app is gone or disabled, or the webhook is',
      );
    }
    this.#dropped.clear();
    void this.#work();
  }

  async #work(): Promise<void> {
    await this.#claim();
    for (const appId of this.#unfound.keys()) this.#findAgain(appId);
    for (const partition of this.#partitions.values()) void partition.flush();
    void this.#bury();
    this.#readAll();
    for (const known of this.#targets.values()) if (known.behind.size > 0) void this.#catchUp(known);
    void this.#report();
    this.#forgetIdle();
  }

  async #claim(): Promise<void> {
    if (this.#isClaiming) return;
    this.#isClaiming = true;
    const { outbox, clock } = this.#parts;
    const askedMs = clock.elapsedMs();
    try {
      const claimed = new Set(await outbox.claim());
      // Another node may have had all of them meanwhile.
      const hasLapsed = askedMs >= this.#claimedUntilMs;
      this.#lose((number) => hasLapsed || !claimed.has(number));
      this.#claimedUntilMs = askedMs + CLAIM_MS;
      for (const number of claimed) {
        if (this.#partitions.has(number)) continue;
        this.#partitions.set(number, new Partition(number, { outbox, clock, failed: this.#failed }));
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#isClaiming = false;
    }
  }

  #lose(isLost: (number: number) => boolean): void {
    let some = false;
    for (const [number, partition] of this.#partitions) {
      if (!isLost(number)) continue;
      partition.isLost = true;
      this.#partitions.delete(number);
      some = true;
    }
    if (!some) return;
    for (const { target, behind } of this.#targets.values()) {
      for (const partition of behind.keys()) if (partition.isLost) behind.delete(partition);
      target.forgetLost();
    }
    this.#unburied = this.#unburied.filter(([{ partition }]) => !partition.isLost);
  }

  /** Whether what this node read is still its own to work on. */
  get #mayWork(): boolean {
    return this.#state === 'working' && this.#parts.clock.elapsedMs() < this.#claimedUntilMs;
  }

  #readAll(): void {
    for (const partition of this.#partitions.values()) {
      partition.hasMore = true;
      void this.#read(partition);
    }
  }

  async #read(partition: Partition): Promise<void> {
    if (partition.isReading) return;
    partition.isReading = true;
    const { outbox, clock, options } = this.#parts;
    try {
      while (partition.hasMore && !partition.isLost && this.#mayWork && this.#unfoundCount < options.maxQueued) {
        partition.hasMore = false;
        const entries = await outbox.read(partition.number, partition.lastId, READ_MAX);
        if (partition.isLost) return;
        for (const entry of entries) {
          const previousId = partition.lastId;
          partition.lastId = entry.id;
          this.#take({ partition, entry, previousId });
        }
        if (entries.length < READ_MAX) continue;
        partition.hasMore = true;
        // Clients have their turn in between.
        await new Promise<void>((resolve) => clock.nextTurn(resolve));
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      partition.isReading = false;
    }
  }

  #take(taken: Taken): void {
    const { appId } = taken.entry;
    const waiting = this.#unfound.get(appId);
    if (waiting) {
      waiting.push(taken);
      this.#unfoundCount += 1;
      return;
    }
    const found = this.#find(appId);
    if (found === UNAVAILABLE || found instanceof Promise) {
      this.#unfound.set(appId, [taken]);
      this.#unfoundCount += 1;
      if (found instanceof Promise) void this.#awaitApp(appId, found);
    } else this.#route(taken, found);
  }

  #find(appId: string): MaybePromise<FoundApp> {
    return orElse<FoundApp>(
      () => this.#parts.apps.byId(appId),
      (error) => {
        this.#parts.log.warn(
          { err: error, app: appId, cause: 'app' },
          'events for webhooks wait: their app can not be read',
        );
        return UNAVAILABLE;
      },
    );
  }

  #findAgain(appId: string): void {
    void this.#awaitApp(appId, this.#find(appId));
  }

  async #awaitApp(appId: string, finding: MaybePromise<FoundApp>): Promise<void> {
    const app = await finding;
    const waiting = this.#unfound.get(appId);
    if (app === UNAVAILABLE || !waiting) return;
    this.#unfound.delete(appId);
    this.#unfoundCount -= waiting.length;
    for (const taken of waiting) if (!taken.partition.isLost) this.#route(taken, app);
    this.#readAll();
  }

  /** Has each webhook told that wants to know. */
  #route(taken: Taken, app: App | undefined): void {
    const { partition, entry } = taken;
    const webhooks = app?.enabled ? app.webhooks.filter((webhook) => isFor(webhook, entry)) : [];
    if (!app?.enabled || (entry.replayed && webhooks.length === 0)) this.#countDropped(entry.appId, 1);
    partition.expect(
      entry.id,
      webhooks.map(({ id }) => id),
    );
    for (const webhook of webhooks) {
      const { target, behind } = this.#known(entry.appId, webhook);
      if (behind.has(partition)) continue;
      if (target.hasRoom || target.isFailing) target.add(jobOf(partition, entry));
      else behind.set(partition, taken.previousId);
    }
  }

  /** Reads again what a webhook had no room for, in order. */
  async #catchUp(known: KnownTarget): Promise<void> {
    const { target, behind, webhookId } = known;
    if (known.isCatchingUp) return;
    known.isCatchingUp = true;
    try {
      for (const [partition, afterId] of behind) {
        let lastId = afterId;
        for (let isBehind = true; isBehind && !partition.isLost; ) {
          const readId = partition.lastId;
          const entries = await this.#parts.outbox.read(partition.number, lastId, READ_MAX);
          for (const entry of partition.isLost ? [] : entries) {
            if (!target.hasRoom && !target.isFailing) return;
            lastId = entry.id;
            behind.set(partition, lastId);
            if (partition.isExpected(entry.id, webhookId)) target.add(jobOf(partition, entry));
          }
          // What was read of the partition meanwhile was left for here.
          isBehind = entries.length === READ_MAX || readId !== partition.lastId;
        }
        behind.delete(partition);
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      known.isCatchingUp = false;
    }
  }

  #known(appId: string, webhook: Webhook): KnownTarget {
    const key = JSON.stringify([appId, webhook.id]);
    const known = this.#targets.get(key);
    if (known) return known;
    const { apps, ...parts } = this.#parts;
    const settle = (jobs: readonly Job[]): void => {
      for (const { partition, entryId } of jobs) partition.settle(entryId, webhook.id);
      if (made.behind.size > 0 && target.waiting < parts.options.maxQueued / 2) void this.#catchUp(made);
    };
    const target = new Target({
      ...parts,
      appId,
      webhook,
      mayWork: () => this.#mayWork,
      find: () => after(apps.byId(appId), (app) => foundWebhook(app, webhook.id)),
      settle,
      bury: (letters) => {
        this.#unburied.push(...letters);
        void this.#bury();
      },
      drop: (jobs) => {
        this.#countDropped(appId, jobs.length);
        settle(jobs);
      },
    });
    const made: KnownTarget = { target, webhookId: webhook.id, behind: new Map(), isCatchingUp: false, idleTicks: 0 };
    this.#targets.set(key, made);
    return made;
  }

  #countDropped(appId: string, events: number): void {
    if (events > 0) this.#dropped.set(appId, (this.#dropped.get(appId) ?? 0) + events);
  }

  /** What can't be kept as a dead letter now stays an entry, and is tried again. */
  async #bury(): Promise<void> {
    if (this.#isBurying) return;
    this.#isBurying = true;
    const { outbox, options } = this.#parts;
    try {
      while (this.#unburied.length > 0) {
        const burying = this.#unburied.slice(0, BURY_MAX);
        await outbox.bury(
          burying.map(([, letter]) => letter),
          options.deadLetters,
        );
        const buried = new Set(burying);
        this.#unburied = this.#unburied.filter((letter) => !buried.has(letter));
        for (const [{ partition, entryId }, { webhookId }] of burying) partition.settle(entryId, webhookId);
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#isBurying = false;
    }
  }

  async #report(): Promise<void> {
    const isAll = this.#ticks % REPORT_ALL_TICKS === 0;
    const told = [...this.#targets.values()].filter(({ target }) => isAll || target.isChanged);
    if (told.length === 0) return;
    for (const { target } of told) target.isChanged = false;
    await orElse<unknown>(() => this.#parts.outbox.report(told.map(({ target }) => target.state())), this.#failed);
  }

  #forgetIdle(): void {
    for (const [key, known] of this.#targets) {
      known.idleTicks = known.target.waiting > 0 || known.target.isChanged ? 0 : known.idleTicks + 1;
      if (known.idleTicks > IDLE_TICKS) this.#targets.delete(key);
    }
  }

  readonly #failed = (error: unknown): number => {
    this.#parts.log.warn(
      { err: error, cause: 'outbox' },
      'the outbox of webhooks can not be reached: what is in it waits',
    );
    return Number.NaN;
  };
}

/** Whether a webhook is still to have an entry. */
function isFor(webhook: Webhook, { event, told, replayed }: OutboxEntry): boolean {
  if (replayed) return webhook.id === replayed.webhookId;
  return !told.includes(webhook.id) && isForWebhook(webhook, event.name, event.channel);
}

function foundWebhook(app: App | undefined, webhookId: string): FoundWebhook | undefined {
  const webhook = app?.enabled ? app.webhooks.find(({ id }) => id === webhookId) : undefined;
  return app && webhook && { app, webhook };
}
