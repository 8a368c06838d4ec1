import type { Grant } from '../auth/grant.ts';
import type { WireMember } from '../protocol/server-message.ts';
import type { App } from './app.ts';
import type { Clock } from './clock.ts';
import type { Outlet } from './fan-out.ts';
import type { Reader } from './feed.ts';
import { FULL_BUDGET } from './frame-budget.ts';
import type { LocalChannel } from './local-channel.ts';
import { RateLimit } from './rate-limits.ts';

/**
 * The way to one client. Transports differ in this only.
 *
 * An implementation
 * - MUST keep the order of `send` and of frames that come by a topic;
 * - MUST take calls after `close`, or after the client is gone, as no-ops;
 * - MUST report its end once to its session (`Session.gone`), after `close` too.
 */
export interface Transport {
  /** False when it was closed, or the client is gone. */
  readonly isOpen: boolean;
  /** @param position - of a channel's last event, which the client may have already */
  send(frame: string, position?: number): void;
  /** Sends a closing message with code and reason, then ends. */
  close(code: number, reason: string): void;
  /** Ends without a word, and gives back what waits. Never called while a message is fanned out. */
  cutOff(): void;
  /** What was sent and the system has not taken. */
  readonly bufferedBytes: number;
  /**
   * Asks for a sign of life below the protocol (a WebSocket ping).
   *
   * @param payload - to be sent back
   */
  ping(payload?: string): void;
  /** From now on frames that the node fans out to this topic are for this client too. */
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /**
   * Publishes to a topic of an outlet that can leave a client out only if that client publishes.
   *
   * @returns false, and does nothing, if the outlet does not reach this client
   */
  publishToOthers?(outlet: Outlet<string>, topic: string, frame: string): boolean;
}

export interface Subscription {
  readonly channel: LocalChannel;
  /** Who this connection is in a presence channel. */
  readonly member: WireMember | undefined;
  /** The token by which it is there; undefined: a signature of the application, or the channel is open. */
  grant: Grant | undefined;
  /** Opened by a signature of the application, which rules don't bind, where that does not show otherwise. */
  isSigned?: boolean | undefined;
  /** Until the token ends. */
  cancelExpiry?: (() => void) | undefined;
}

export interface SignedInUser {
  readonly id: string;
  readonly userInfoJson: string | undefined;
  /** Channels of this node on which the connection hears of its user: terminate, and each watched user. */
  readonly watching: readonly LocalChannel[];
  readonly termination: LocalChannel;
  /** The token that was signed in with; undefined: a signature of the application. */
  readonly grant: Grant | undefined;
  readonly cancelExpiry: (() => void) | undefined;
}

export interface ConnectionFacts {
  readonly socketId: string;
  readonly app: App;
  readonly appKey: string;
  readonly serial: number;
  /** Of the node's clock. */
  readonly nowSeconds: number;
  readonly origin: string;
  readonly reader: Reader | undefined;
}

/** Who asks to be let into a channel. */
export type Applicant = Pick<Connection, 'app' | 'socketId' | 'serial' | 'user'>;

/** One client of one app. */
export class Connection {
  readonly socketId: string;
  /** The app's key that the client came with; '' where none is needed. */
  readonly appKey: string;
  /** How many connections the node had let in before. */
  readonly serial: number;
  readonly transport: Transport;
  /** When it was let in, in seconds of the node's clock. */
  readonly openedSeconds: number;
  /** '' of a client that is no browser. */
  readonly origin: string;
  /** Set when the client reads a feed and knows no protocol. */
  readonly reader: Reader | undefined;
  readonly subscriptions = new Subscriptions();
  user: SignedInUser | undefined;
  /** Nothing may be sent or joined any more. */
  isClosed = false;
  /** Signed in, or in a private or presence channel: what an app with enableUserAuthentication asks for in time. */
  isAuthorized = false;
  /** While the store is asked to count the connection: other commands wait for that answer. */
  authorizing: Promise<void> | undefined;
  /** Whether the connection is part of the app's connection count. */
  isCounted = false;
  cancelAuthorizationTimeout: (() => void) | undefined;
  /** Seconds of the node's clock at which the last frame of any kind came in. */
  lastReceivedSeconds: number;
  isPinged = false;
  /** What its frames may cost, in the units of the frame budget. */
  budget = FULL_BUDGET;
  /** When `Liveness` looks at the connection next, in seconds of the node's clock. */
  dueSeconds = 0;
  /** Commands that wait for a seam, by the channel they are for, '' for a sign-in; undefined until there was one. */
  underWay: Map<string, Promise<void>> | undefined;
  /** Characters of the messages that wait behind those, or for their turn. */
  waitingLength = 0;
  #app: App;
  #clientEvents: RateLimit | undefined;

  constructor(facts: ConnectionFacts, transport: Transport) {
    this.socketId = facts.socketId;
    this.appKey = facts.appKey;
    this.serial = facts.serial;
    this.#app = facts.app;
    this.transport = transport;
    this.reader = facts.reader;
    this.openedSeconds = facts.nowSeconds;
    this.origin = facts.origin;
    this.lastReceivedSeconds = facts.nowSeconds;
  }

  get app(): App {
    return this.#app;
  }

  /** The app is configured otherwise from now on. */
  set app(app: App) {
    this.#app = app;
    this.#clientEvents = undefined;
  }

  /** @param clock - of the node */
  clientEvents(clock: Clock): RateLimit {
    this.#clientEvents ??= new RateLimit(this.app.limits.maxClientEventsPerSecond, clock);
    return this.#clientEvents;
  }
}

/**
 * The channels that a connection is in, by name. Many connections are in one channel only, and a map would be the largest
 * part of what is kept for such.
 */
export class Subscriptions {
  #only: Subscription | undefined;
  #byName: Map<string, Subscription> | undefined;

  get size(): number {
    return this.#byName?.size ?? (this.#only ? 1 : 0);
  }

  get(name: string): Subscription | undefined {
    if (this.#byName) return this.#byName.get(name);
    return this.#only?.channel.name === name ? this.#only : undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  add(subscription: Subscription): void {
    const { name } = subscription.channel;
    if (this.#byName) {
      this.#byName.set(name, subscription);
    } else if (!this.#only || this.#only.channel.name === name) {
      this.#only = subscription;
    } else {
      this.#byName = new Map([
        [this.#only.channel.name, this.#only],
        [name, subscription],
      ]);
      this.#only = undefined;
    }
  }

  delete(name: string): void {
    if (this.#byName) this.#byName.delete(name);
    else if (this.has(name)) this.#only = undefined;
  }

  /** As they are now: what is added or deleted meanwhile does not disturb. */
  values(): readonly Subscription[] {
    if (this.#byName) return [...this.#byName.values()];
    return this.#only ? [this.#only] : [];
  }
}
