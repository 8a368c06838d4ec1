import type { Broker, BrokerMessage, LastEvent } from './broker.ts';
import type { Clock } from './clock.ts';
import { type DueQueue, DueTimes } from './due-times.ts';

/** The last event of a channel. */
interface Kept {
  readonly appId: string;
  readonly channel: string;
  frame: string;
  position: number;
  /** By the clock's `elapsedMs`. */
  expiresMs: number;
}

/** More than can be kept in that time. */
const POSITIONS_PER_MS = 1000;

/** One node, one process: publishing is a function call, which guarantees order and exactly-once. */
export class MemoryBroker implements Broker {
  readonly answersMayOvertake = false;
  readonly lingerMs = 0;
  readonly #clock: Clock;
  readonly #dueTimes: DueTimes;
  readonly #expiring: DueQueue<Kept>;
  readonly #lastEvents = new Map<string, Map<string, Kept>>();
  #deliver: (message: BrokerMessage) => void = () => {};
  /** Of the message that was kept last. It begins with the time, so that none is given again after a restart. */
  #position: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#dueTimes = new DueTimes(clock, (error) => {
      throw error;
    });
    this.#expiring = this.#dueTimes.queue((kept) => this.#expire(kept));
    this.#position = clock.now() * POSITIONS_PER_MS;
  }

  listen(deliver: (message: BrokerMessage) => void): void {
    this.#deliver = deliver;
  }

  subscribe(): undefined {}

  unsubscribe(): void {}

  publish(message: BrokerMessage): void {
    const { keepSeconds } = message;
    if (keepSeconds === undefined) {
      this.#deliver(message);
      return;
    }
    this.#position += 1;
    this.#keep(message, this.#position, keepSeconds);
    this.#deliver({ ...message, position: this.#position });
  }

  lastEvent(appId: string, channel: string): LastEvent | undefined {
    const kept = this.#lastEvents.get(appId)?.get(channel);
    if (!kept) return undefined;
    const remainingMs = kept.expiresMs - this.#clock.elapsedMs();
    if (remainingMs <= 0) return undefined;
    const { frame, position } = kept;
    return { frame, remainingSeconds: Math.ceil(remainingMs / 1000), position };
  }

  close(): void {
    this.#expiring.clear();
    this.#lastEvents.clear();
  }

  #keep({ appId, channel, frame }: BrokerMessage, position: number, seconds: number): void {
    const expiresMs = this.#clock.elapsedMs() + seconds * 1000;
    const events = this.#lastEvents.get(appId) ?? new Map<string, Kept>();
    const kept = events.get(channel);
    if (kept) {
      Object.assign(kept, { frame, position, expiresMs });
      return;
    }
    if (seconds <= 0) return;
    this.#lastEvents.set(appId, events);
    const first: Kept = { appId, channel, frame, position, expiresMs };
    events.set(channel, first);
    this.#wait(first);
  }

  /** An event that took the place of another is looked at when that one would have expired. */
  #expire(kept: Kept): void {
    if (kept.expiresMs > this.#clock.elapsedMs()) {
      this.#wait(kept);
      return;
    }
    const { appId, channel } = kept;
    const events = this.#lastEvents.get(appId);
    events?.delete(channel);
    if (events?.size === 0) this.#lastEvents.delete(appId);
  }

  #wait(kept: Kept): void {
    this.#expiring.add(Math.ceil(kept.expiresMs / 1000), kept);
  }
}
