import type { App } from '../../channels/app.ts';
import type { Clock } from '../../channels/clock.ts';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import type { DeadLetter, WebhookState } from '../../channels/outbox.ts';
import type { Webhook, WebhookEvent } from '../../protocol/webhook.ts';
import { maskSecrets } from '../config/mask.ts';
import type { SampledLog } from '../log.ts';
import { type Job, Lane, laneKeyOf } from './lane.ts';
import type { WebhookOptions } from './options.ts';
import { webhookRequest } from './request.ts';
import type { Sender } from './sender.ts';

const MAX_BATCH = 100;
const MAX_BATCH_CHARACTERS = 256_000;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
/** So many channels in a row that failed, with no success in between, are the webhook's fault, not that of an event. */
const PAUSE_AFTER_LANES = 3;
/** Before an app is asked for again that can't be found at the moment. */
const APP_AGAIN_MS = 1000;

/** A webhook, as its app has it now. */
export interface FoundWebhook {
  readonly app: App;
  readonly webhook: Webhook;
}

/** How an attempt went. `refused`: another status than 2xx. `failed`: no answer. */
export type AttemptOutcome = 'accepted' | 'refused' | 'failed';

/** A request to a webhook, and what came of it. */
export interface WebhookAttempt {
  readonly outcome: AttemptOutcome;
  readonly seconds: number;
  readonly events: readonly WebhookEvent[];
  /** The how manieth of its first event: from 1. */
  readonly attempt: number;
  /** Of the answer, if there was one. */
  readonly status: number | undefined;
  /** Why it was not accepted. */
  readonly error: string | undefined;
}

/** Who counts, or shows, what webhooks are told. */
export interface WebhookWatch {
  attempted(webhook: WatchedWebhook, attempt: WebhookAttempt): void;
  buried(webhook: WatchedWebhook, events: number): void;
}

export interface WatchedWebhook {
  readonly appId: string;
  readonly webhook: Pick<Webhook, 'id' | 'url'>;
}

export interface TargetParts {
  readonly appId: string;
  readonly webhook: Pick<Webhook, 'id' | 'url'>;
  readonly options: WebhookOptions;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly log: SampledLog;
  readonly sender: Sender;
  readonly watch?: WebhookWatch | undefined;
  /** Whether this node may work on what it has. */
  readonly mayWork: () => boolean;
  /** Undefined: the app is gone or disabled, or has the webhook no longer. Rejects when that can't be told now. */
  find(): MaybePromise<FoundWebhook | undefined>;
  /** The webhook has these. */
  settle(jobs: readonly Job[]): void;
  bury(letters: readonly (readonly [Job, DeadLetter])[]): void;
  /** Nobody is to have these any more. */
  drop(jobs: readonly Job[]): void;
}

/**
 * What waits for one webhook, and its sending: in order in each channel, several channels at once. A channel whose event fails waits, the others
 * go on; when all fail, the webhook is tried by one request at a time, until it accepts one.
 */
export class Target {
  readonly #parts: TargetParts;
  readonly #url: string;
  readonly #lanes = new Map<string, Lane>();
  /** Those that may send now, in the order in which they became so. */
  readonly #ready = new Set<Lane>();
  /** Those that failed since anything was accepted. */
  readonly #failing = new Set<Lane>();
  #waiting = 0;
  #running = 0;
  #cancelGathering: (() => void) | undefined;
  /** Pauses since anything was accepted; 0: it is not paused. */
  #pauses = 0;
  #cancelPause: (() => void) | undefined;
  #isFull = false;
  #isStopped = false;
  readonly #counts = { attempts: 0, failures: 0, delivered: 0, buried: 0 };
  #last: Pick<WebhookState, 'lastError' | 'lastStatus' | 'lastAttemptMs'> = {};
  /** Whether its state is another than was told last. */
  isChanged = true;

  constructor(parts: TargetParts) {
    this.#parts = parts;
    this.#url = maskSecrets(parts.webhook.url);
  }

  get hasRoom(): boolean {
    return this.#waiting < this.#parts.options.maxQueued;
  }

  /** Its last request failed. */
  get isFailing(): boolean {
    return this.#failing.size > 0;
  }

  /** Events that wait here, and are under way. */
  get waiting(): number {
    return this.#waiting;
  }

  get running(): number {
    return this.#running;
  }

  /** Takes an event. Where there is no room it becomes a dead letter. */
  add(job: Job): void {
    this.isChanged = true;
    if (!this.hasRoom) {
      this.#overflow(job);
      return;
    }
    if (this.#waiting < this.#parts.options.maxQueued / 2) this.#isFull = false;
    const key = laneKeyOf(job.event);
    let lane = this.#lanes.get(key);
    if (!lane) {
      lane = new Lane(key);
      this.#lanes.set(key, lane);
    }
    lane.jobs.push(job);
    this.#waiting += 1;
    this.#makeReady(lane);
    this.#gather();
  }

  /** Forgets what is of partitions that are another node's now, but for what is under way. */
  forgetLost(): void {
    for (const lane of this.#lanes.values()) {
      if (!lane.jobs[0]?.partition.isLost) continue;
      this.#waiting -= lane.clear().length;
      lane.isLost = lane.sending > 0;
      this.#makeReady(lane);
    }
    this.isChanged = true;
  }

  /** Stops sending; what is under way goes on. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelGathering?.();
    this.#cancelPause?.();
    for (const lane of this.#lanes.values()) lane.stopWaiting();
  }

  state(): WebhookState {
    const { appId, webhook } = this.#parts;
    let oldestMs: number | undefined;
    for (const { jobs } of this.#lanes.values()) {
      const [first] = jobs;
      if (first && (oldestMs === undefined || first.timeMs < oldestMs)) oldestMs = first.timeMs;
    }
    return {
      appId,
      webhookId: webhook.id,
      url: this.#url,
      waiting: this.#waiting,
      oldestMs,
      ...this.#counts,
      ...this.#last,
    };
  }

  /** Sends what may be sent now. */
  pump(): void {
    if (this.#cancelGathering || this.#isStopped) return;
    while (this.#ready.size > 0 && this.#running < this.#limit && this.#parts.mayWork()) {
      const lanes = this.#nextLanes();
      for (const lane of lanes) this.#ready.delete(lane);
      this.#running += 1;
      this.isChanged = true;
      void this.#send(lanes);
    }
  }

  get #limit(): number {
    if (this.#pauses === 0) return this.#parts.options.concurrency;
    return this.#cancelPause ? 0 : 1;
  }

  /** Waits a moment for others that go along. */
  #gather(): void {
    const { options, clock } = this.#parts;
    if (options.batchMs === undefined || this.#ready.size >= MAX_BATCH) {
      this.#cancelGathering?.();
      this.#cancelGathering = undefined;
      this.pump();
      return;
    }
    this.#cancelGathering ??= clock.schedule(() => {
      this.#cancelGathering = undefined;
      this.pump();
    }, options.batchMs);
  }

  /** Marks in each how many of its jobs are sent. */
  #nextLanes(): readonly Lane[] {
    const isBatched = this.#parts.options.batchMs !== undefined && this.#pauses === 0;
    const lanes: Lane[] = [];
    let count = 0;
    let characters = 0;
    for (const lane of this.#ready) {
      // What failed goes alone, so that the others are not held up by it.
      if (!isBatched || lane.failures > 0) {
        if (lanes.length > 0) continue;
        lane.sending = 1;
        return [this.#pauses > 0 ? this.#probe(lane) : lane];
      }
      for (const { event } of lane.jobs) {
        characters += JSON.stringify(event).length;
        if (count > 0 && (count === MAX_BATCH || characters > MAX_BATCH_CHARACTERS)) return lanes;
        if (lane.sending === 0) lanes.push(lane);
        lane.sending += 1;
        count += 1;
      }
    }
    return lanes;
  }

  /** Of those that may be tried, one whose event did not fail itself. */
  #probe(first: Lane): Lane {
    for (const lane of this.#ready) {
      if (lane.failures > 0) continue;
      first.sending = 0;
      lane.sending = 1;
      return lane;
    }
    return first;
  }

  async #send(lanes: readonly Lane[]): Promise<void> {
    const jobs = lanes.flatMap((lane) => lane.jobs.slice(0, lane.sending));
    const { find, sender, clock } = this.#parts;
    let found: FoundWebhook | undefined;
    try {
      found = await find();
    } catch {
      this.#finish(lanes, (lane) => {
        this.#waiting -= lane.putBack();
        this.#wait(lane, APP_AGAIN_MS);
      });
      return;
    }
    if (!found) {
      this.#finish(lanes, (lane) => {
        this.#waiting -= lane.putBack();
      });
      this.#dropAll();
      return;
    }
    this.#counts.attempts += 1;
    this.#last = { ...this.#last, lastAttemptMs: clock.now() };
    for (const job of jobs) job.attempts += 1;
    const startedMs = clock.elapsedMs();
    const tellWatch = (outcome: AttemptOutcome, status?: number, error?: string): void =>
      this.#parts.watch?.attempted(this.#parts, {
        outcome,
        seconds: (clock.elapsedMs() - startedMs) / 1000,
        events: jobs.map(({ event }) => event),
        attempt: jobs[0]?.attempts ?? 1,
        status,
        error,
      });
    try {
      const { status } = await sender.send(webhookRequest(found.app, found.webhook, jobs));
      const isAccepted = status >= 200 && status <= 299;
      const problem = isAccepted ? undefined : `it answered ${status}`;
      tellWatch(isAccepted ? 'accepted' : 'refused', status, problem);
      if (problem === undefined) this.#delivered(lanes, status);
      else this.#failed(lanes, problem, status);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      tellWatch('failed', undefined, problem);
      this.#failed(lanes, problem, undefined);
    }
  }

  #delivered(lanes: readonly Lane[], status: number): void {
    this.#last = { ...this.#last, lastStatus: status };
    this.#failing.clear();
    this.#finish(lanes, (lane) => {
      lane.failures = 0;
      const before = lane.jobs.length;
      const sent = lane.takeSent();
      this.#waiting -= before - lane.jobs.length;
      this.#counts.delivered += sent.length;
      this.#parts.settle(sent);
    });
    if (this.#pauses > 0) this.#resume();
  }

  #failed(lanes: readonly Lane[], error: string, status: number | undefined): void {
    const { appId, log } = this.#parts;
    this.#counts.failures += 1;
    this.#last = { ...this.#last, lastError: error, lastStatus: status };
    const [first] = lanes;
    const fields = { app: appId, url: this.#url, error, attempt: first?.jobs[0]?.attempts, cause: this.#cause };
    log.warn(fields, 'webhook failed');
    this.#finish(lanes, (lane) => {
      this.#waiting -= lane.putBack();
      lane.failures += 1;
      this.#failing.add(lane);
      this.#buryLate(lane);
      const [next] = lane.jobs;
      if (next) this.#wait(lane, Math.min(this.#delayMs(lane.failures), Math.max(0, this.#endOf(next) - this.#nowMs)));
    });
    const areAllFailing = this.#pauses > 0 || this.#failing.size >= PAUSE_AFTER_LANES;
    if (areAllFailing && !this.#cancelPause) this.#pause();
  }

  /** After a request: what is next in these lanes, and then in all. */
  #finish(lanes: readonly Lane[], each: (lane: Lane) => void): void {
    this.#running -= 1;
    this.isChanged = true;
    for (const lane of lanes) {
      each(lane);
      this.#makeReady(lane);
    }
    this.#parts.clock.nextTurn(() => this.pump());
  }

  #makeReady(lane: Lane): void {
    if (lane.sending > 0) return;
    if (lane.jobs.length === 0) {
      lane.stopWaiting();
      this.#ready.delete(lane);
      this.#failing.delete(lane);
      this.#lanes.delete(lane.key);
    } else if (!lane.isWaiting) this.#ready.add(lane);
  }

  #wait(lane: Lane, delayMs: number): void {
    if (this.#isStopped) return;
    lane.cancelWait = this.#parts.clock.schedule(() => {
      lane.cancelWait = undefined;
      this.#makeReady(lane);
      this.pump();
    }, delayMs);
  }

  /** Between half of the time and all of it, so that what failed together is not tried together. */
  #delayMs(failures: number): number {
    const mostMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
    return mostMs * (1 - this.#parts.random() / 2);
  }

  #pause(): void {
    if (this.#isStopped) return;
    this.#pauses += 1;
    this.#cancelPause = this.#parts.clock.schedule(() => {
      this.#cancelPause = undefined;
      for (const lane of this.#lanes.values()) {
        if (lane.sending > 0) continue;
        this.#buryLate(lane);
        this.#makeReady(lane);
      }
      this.pump();
    }, this.#delayMs(this.#pauses));
  }

  /** It accepts requests again: what waits because of it need wait no longer. */
  #resume(): void {
    this.#pauses = 0;
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    for (const lane of this.#lanes.values()) {
      lane.stopWaiting();
      this.#makeReady(lane);
    }
  }

  get #nowMs(): number {
    return this.#parts.clock.now();
  }

  /** Until when a job is tried, by the clock's `now`. */
  #endOf({ timeMs }: Job): number {
    return timeMs + this.#parts.options.retryMs;
  }

  /** Gives up what should have been accepted by now: the first in a lane, and what waited behind it for as long. */
  #buryLate(lane: Lane): void {
    const late = lane.jobs.findIndex((job) => this.#endOf(job) > this.#nowMs);
    const jobs = lane.jobs.splice(0, late < 0 ? lane.jobs.length : late);
    if (jobs.length === 0) return;
    const { lastError = 'there was no time for it' } = this.#last;
    this.#waiting -= jobs.length;
    this.#bury(jobs, lastError);
    const fields = {
      app: this.#parts.appId,
      url: this.#url,
      events: jobs.length,
      error: lastError,
      cause: this.#cause,
    };
    this.#parts.log.error(fields, 'webhook did not accept events in time: they are dead letters now');
  }

  #overflow(job: Job): void {
    const { options, appId, log } = this.#parts;
    this.#bury([job], `more than ${options.maxQueued} events were waiting for this webhook (webhooks.maxQueued)`);
    if (this.#isFull) return;
    this.#isFull = true;
    const fields = { app: appId, url: this.#url, waiting: this.#waiting, cause: this.#cause };
    log.error(fields, 'too many events wait for a webhook (webhooks.maxQueued): further ones become dead letters');
  }

  #bury(jobs: readonly Job[], error: string): void {
    const { appId, webhook } = this.#parts;
    const buriedMs = this.#nowMs;
    const { lastStatus } = this.#last;
    this.#counts.buried += jobs.length;
    this.#parts.watch?.buried(this.#parts, jobs.length);
    this.#parts.bury(
      jobs.map((job) => {
        const { id, event, timeMs, attempts } = job;
        const status = attempts > 0 ? lastStatus : undefined;
        const letter = {
          id,
          appId,
          webhookId: webhook.id,
          url: this.#url,
          event,
          timeMs,
          buriedMs,
          attempts,
          error,
          status,
        };
        return [job, letter] as const;
      }),
    );
  }

  #dropAll(): void {
    for (const lane of this.#lanes.values()) {
      const jobs = lane.clear();
      this.#waiting -= jobs.length;
      this.#parts.drop(jobs);
      this.#makeReady(lane);
    }
  }

  get #cause(): string {
    return `${this.#parts.appId} ${this.#parts.webhook.id}`;
  }
}
