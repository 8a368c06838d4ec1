import type { WebhookEvent } from '../protocol/webhook.ts';
import type { Broker, BrokerMessage, CountReceivers, LastEvent, Receivers } from './broker.ts';
import type { Clock } from './clock.ts';
import { type DueQueue, DueTimes } from './due-times.ts';

/** The last event of a channel, or the last one of a name. */
interface Kept {
  readonly appId: string;
  readonly place: string;
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
  readonly #append: (appId: string, event: WebhookEvent) => void;
  readonly #dueTimes: DueTimes;
  readonly #expiring: DueQueue<Kept>;
  /** By app and place. */
  readonly #lastEvents = new Map<string, Map<string, Kept>>();
  #deliver: (message: BrokerMessage) => void = () => {};
  #count: CountReceivers = () => 0;
  /** Of the message that was kept last. It begins with the time, so that none is given again after a restart. */
  #position: number;

  /** @param append - adds what webhooks are to be told to the outbox, at once */
  constructor(clock: Clock, append: (appId: string, event: WebhookEvent) => void = () => {}) {
    this.#clock = clock;
    this.#append = append;
    this.#dueTimes = new DueTimes(clock, (error) => {
      throw error;
    });
    this.#expiring = this.#dueTimes.queue((kept) => this.#expire(kept));
    this.#position = clock.now() * POSITIONS_PER_MS;
  }

  listen(deliver: (message: BrokerMessage) => void, count: CountReceivers = () => 0): void {
    this.#deliver = deliver;
    this.#count = count;
  }

  subscribe(): undefined {}

  unsubscribe(): void {}

  /** @param deliver - hands this message to others than those who listen */
  publish(message: BrokerMessage, deliver = this.#deliver): void {
    const { channel, keepSeconds, keepNamed, webhookEvent } = message;
    if (webhookEvent) {
      this.#append(message.appId, webhookEvent);
      this.publish({ ...message, webhookEvent: undefined }, deliver);
      return;
    }
    if (keepSeconds === undefined && keepNamed === undefined) {
      deliver(message);
      return;
    }
    this.#position += 1;
    if (keepSeconds !== undefined) this.#keep(message, placeOf(channel), keepSeconds);
    if (keepNamed) this.#keep(message, placeOf(channel, keepNamed.name), keepNamed.seconds);
    deliver({ ...message, position: this.#position });
  }

  publishCounted(message: BrokerMessage): Receivers {
    this.publish(message);
    const connections = this.#count(message);
    return { connections, nodes: connections > 0 ? 1 : 0 };
  }

  lastEvent(appId: string, channel: string, name?: string): LastEvent | undefined {
    const kept = this.#lastEvents.get(appId)?.get(placeOf(channel, name));
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

  #keep({ appId, frame }: BrokerMessage, place: string, seconds: number): void {
    const position = this.#position;
    const expiresMs = this.#clock.elapsedMs() + seconds * 1000;
    const events = this.#lastEvents.get(appId) ?? new Map<string, Kept>();
    const kept = events.get(place);
    if (kept) {
      Object.assign(kept, { frame, position, expiresMs });
      return;
    }
    if (seconds <= 0) return;
    this.#lastEvents.set(appId, events);
    const first: Kept = { appId, place, frame, position, expiresMs };
    events.set(place, first);
    this.#wait(first);
  }

  /** An event that took the place of another is looked at when that one would have expired. */
  #expire(kept: Kept): void {
    if (kept.expiresMs > this.#clock.elapsedMs()) {
      this.#wait(kept);
      return;
    }
    const { appId, place } = kept;
    const events = this.#lastEvents.get(appId);
    events?.delete(place);
    if (events?.size === 0) this.#lastEvents.delete(appId);
  }

  #wait(kept: Kept): void {
    this.#expiring.add(Math.ceil(kept.expiresMs / 1000), kept);
  }
}

/** Where an event is kept in its app. No channel has a line feed in its name. */
function placeOf(channel: string, name?: string): string {
  return name === undefined ? channel : `${channel}\n${name}`;
}
