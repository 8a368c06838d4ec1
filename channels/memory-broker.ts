import type { Broker, BrokerMessage, LastEvent } from './broker.ts';
import type { Clock } from './clock.ts';

interface Kept {
  readonly frame: string;
  readonly position: number;
  /** By the clock's `elapsedMs`. */
  readonly expiresMs: number;
}

const SWEEP_INTERVAL_MS = 10_000;
/** More than can be kept in that time. */
const POSITIONS_PER_MS = 1000;

/** One node, one process: publishing is a function call, so order and exactly-once come for free. */
export class MemoryBroker implements Broker {
  readonly answersMayOvertake = false;
  readonly lingerMs = 0;
  readonly #clock: Clock;
  readonly #lastEvents = new Map<string, Map<string, Kept>>();
  #deliver: (message: BrokerMessage) => void = () => {};
  #cancelSweep: (() => void) | undefined;
  /** Of the message that was kept last. It begins with the time, so that none is given again after a restart. */
  #position: number;

  constructor(clock: Clock) {
    this.#clock = clock;
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
    this.#cancelSweep?.();
    this.#lastEvents.clear();
  }

  #keep({ appId, channel, frame }: BrokerMessage, position: number, seconds: number): void {
    let events = this.#lastEvents.get(appId);
    if (!events) {
      events = new Map();
      this.#lastEvents.set(appId, events);
    }
    // Written anew each time, so the map's order is the order of expiry: the sweep stops at the first live one.
    events.delete(channel);
    if (seconds > 0) events.set(channel, { frame, position, expiresMs: this.#clock.elapsedMs() + seconds * 1000 });
    this.#cancelSweep ??= this.#clock.schedule(() => this.#sweep(), SWEEP_INTERVAL_MS);
  }

  #sweep(): void {
    const now = this.#clock.elapsedMs();
    for (const [appId, events] of this.#lastEvents) {
      for (const [channel, { expiresMs }] of events) {
        if (expiresMs > now) break;
        events.delete(channel);
      }
      if (events.size === 0) this.#lastEvents.delete(appId);
    }
    this.#cancelSweep =
      this.#lastEvents.size === 0 ? undefined : this.#clock.schedule(() => this.#sweep(), SWEEP_INTERVAL_MS);
  }
}
