import { type ChannelKind, channelKindOf } from '../protocol/channel-name.ts';
import type { App } from './app.ts';
import type { BrokerMessage } from './broker.ts';
import { coalescingOf, type HeldFrame } from './coalescer.ts';
import type { Connection } from './connection.ts';
import type { MaybePromise } from './maybe-promise.ts';
import { Roster } from './roster.ts';

/** What a channel of this node is for. */
export type ChannelRole =
  /** The application's own. */
  | 'application'
  /** Tells those who watch a user that the user came or went. */
  | 'watch'
  /** Ends the connections of a user; nothing of it is sent on to clients. */
  | 'termination';

/** A channel that at least one connection of this node is in, or about to enter. */
export class LocalChannel {
  readonly name: string;
  readonly kind: ChannelKind;
  readonly role: ChannelRole;
  /** Name for the native fan-out, unique over all apps. */
  readonly topic: string;
  readonly connections = new Set<Connection>();
  /** Commands that opened the channel and are not done: it stays, even when the last connection leaves meanwhile. */
  holds = 0;
  /** The store was told that it is occupied before the first connection entered, which may not have come after all. */
  isOccupiedAhead = false;
  /** Empty, and about to be forgotten. */
  isLingering = false;
  /** Members as the clients of this node know them; of presence channels only. */
  readonly roster: Roster | undefined;
  /**
   * Latest message that is kept, and latest of each name, while somebody is about to enter and may have asked for it too early; undefined while
   * there is none.
   */
  latest: Map<string | undefined, BrokerMessage> | undefined;
  /** Position of the last message that was handed on, where messages have one. */
  position = 0;
  /** Characters that were handed on since subscribers were last asked whether they read. */
  unprovenLength = 0;
  /** Frames that wait for others, in their order. */
  held: HeldFrame[] | undefined;
  readonly #waiting: { position: number; resolve: () => void }[] = [];
  /** Until the broker listens to the channel; nobody may be told of success before. */
  opening: Promise<LocalChannel> | undefined;
  #app: App;
  #coalescingMs: number;

  constructor(app: App, name: string, role: ChannelRole) {
    this.#app = app;
    this.name = name;
    this.kind = channelKindOf(name);
    this.role = role;
    this.#coalescingMs = coalescingOf(app.coalescing, name);
    this.topic = topicOf(app.id, name);
    this.roster = this.kind.isPresence ? new Roster() : undefined;
  }

  get app(): App {
    return this.#app;
  }

  /** The app is configured otherwise from now on. */
  set app(next: App) {
    this.#app = next;
    this.#coalescingMs = coalescingOf(next.coalescing, this.name);
  }

  /** How long a frame may wait for others, in milliseconds; 0: not at all. */
  get coalescingMs(): number {
    return this.#coalescingMs;
  }

  /** Remembers a message that is kept, for those who are about to enter. */
  noteKept(message: BrokerMessage): void {
    if (this.holds === 0) return;
    const { keepSeconds, keepNamed } = message;
    if (keepSeconds === undefined && !keepNamed) return;
    this.latest ??= new Map();
    if (keepSeconds !== undefined) this.latest.set(undefined, message);
    if (keepNamed) this.latest.set(keepNamed.name, message);
  }

  /** Resolves once the messages up to a position are handed on. */
  reached(position: number): MaybePromise<void> {
    if (this.position >= position) return;
    return new Promise((resolve) => {
      this.#waiting.push({ position, resolve });
    });
  }

  /** Notes that the messages up to a position are handed on. */
  reach(position: number): void {
    this.position = position;
    for (let index = this.#waiting.length - 1; index >= 0; index -= 1) {
      const waiting = this.#waiting[index];
      if (!waiting || waiting.position > position) continue;
      this.#waiting.splice(index, 1);
      waiting.resolve();
    }
  }
}

/** How many connections of this node receive what all but one shall receive. */
export function othersIn({ connections }: LocalChannel, except: Connection | undefined): number {
  return connections.size - (except !== undefined && connections.has(except) ? 1 : 0);
}

/** The length keeps user ids and app ids that hold a `/` apart. */
export function topicOf(appId: string, channel: string): string {
  return `${channel.length}/${channel}/${appId}`;
}

/** Channels whose names no client can use: they begin with `#` and are not `#server-to-user-`. */
export function watchChannelName(userId: string): string {
  return `#watch-${userId}`;
}

export function terminationChannelName(userId: string): string {
  return `#control-${userId}`;
}
