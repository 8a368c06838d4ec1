import type { ClientMessage } from '../protocol/client-message.ts';
import { CLOSE_CODES, Disconnect, PusherError } from '../protocol/errors.ts';
import type { Clock } from './clock.ts';
import type { Connection } from './connection.ts';
import { topicOf } from './local-channel.ts';
import type { Node } from './node.ts';
import { Turns } from './turns.ts';

/**
 * What the frames of a client may cost at once. One unit is about a microsecond of this thread, so that one client takes some
 * hundredths of a second at once. A client that comes back into thousands of channels has enough of it.
 */
export const FULL_BUDGET = 30_000;
/** Units that come back per second: a client that never rests takes some thousandths of a core. */
const UNITS_PER_SECOND = 2000;

const CHARACTERS_PER_UNIT = 1024;
/** A WebSocket ping or pong. */
export const SIGN_OF_LIFE = 2;
/** Something that is not looked at. */
export const UNREAD = 2;
const PING = 4;
const UNSUBSCRIBE = 4;
/** A message that is answered with an error: one that stock clients send at times. */
export const REFUSED = 20;
/** A message that is none of those that clients may send, or lacks something: clients written by hand do that, and go on with it. */
const MISTAKEN = 100;
/** What is no message at all, or far too large. Dozens of them in a row are an attack or a bug. */
const FAULTY = 600;
const NONSENSE: readonly string[] = ['invalid-json', 'invalid-message', 'frame-too-large'];
const ECHO = 5;
const ECHO_BYTES_PER_UNIT = 8192;
const SUBSCRIBE = 4;
/** To check a signature takes as long as all the rest. */
const SIGNATURE = 3;
const SIGN_IN = 12;
/** RSA, or elliptic curves. */
const TOKEN = 25;
/** What each member adds to the roster that is sent, and to the message that others get. */
const UNITS_PER_MEMBER = 0.25;

/**
 * A token bucket for each connection whose state sits in the connection, and whose time is the second of the last frame: with many idle
 * connections an object for each would add up.
 */
export function refill(connection: Connection, nowSeconds: number): void {
  const seconds = nowSeconds - connection.lastReceivedSeconds;
  if (seconds <= 0 || connection.budget === FULL_BUDGET) return;
  connection.budget = Math.min(FULL_BUDGET, connection.budget + seconds * UNITS_PER_SECOND);
}

/**
 * Takes what a frame costs out of the client's budget.
 *
 * @returns false when there is not so much left: the connection is ended, so that uWebSockets.js hands over no more of what it sent
 */
export function spend(node: Node, connection: Connection, units: number): boolean {
  connection.budget -= units;
  if (connection.budget >= 0) return true;
  node.end(connection, OVER_BUDGET);
  return false;
}

/**
 * What it costs to take a message, in whole units. Client events have limits of their own: of those only what is refused is paid for.
 *
 * @param length - characters of the frame
 */
export function costOf(node: Node, connection: Connection, message: ClientMessage, length: number): number {
  const size = Math.floor(length / CHARACTERS_PER_UNIT);
  switch (message.kind) {
    case 'client-event':
      return 0;
    case 'ping':
    case 'pong':
      return PING + size;
    case 'unsubscribe':
      return UNSUBSCRIBE + size + membersCost(node, connection, message.channel);
    case 'subscribe':
      return SUBSCRIBE + size + authCost(message.auth) + membersCost(node, connection, message.channel);
    case 'signin':
      return SIGN_IN + size + authCost(message.auth);
  }
}

/** What it costs to send a reader of a feed back what it said, which is copied twice. */
export function echoCost(bytes: number): number {
  return ECHO + Math.floor(bytes / ECHO_BYTES_PER_UNIT);
}

/**
 * What a frame costs that could not be read.
 *
 * @param error - the reason
 * @param length - characters of the frame
 */
export function faultCost(error: unknown, length: number): number {
  const isNonsense = !(error instanceof PusherError) || NONSENSE.includes(error.id);
  return (isNonsense ? FAULTY : MISTAKEN) + Math.floor(length / CHARACTERS_PER_UNIT);
}

/** Frames that are handled a few per turn, as others wait meanwhile. */
function isCostly({ kind }: ClientMessage): boolean {
  return kind === 'subscribe' || kind === 'signin';
}

/** A signature is the key, a colon and 64 digits; a token has no colon. */
function authCost(auth: string | undefined): number {
  // pusher-js sends an empty one with public channels.
  if (!auth) return 0;
  return auth.includes(':') ? SIGNATURE : TOKEN;
}

function membersCost(node: Node, { app }: Connection, channel: string): number {
  const roster = node.channels.get(topicOf(app.id, channel))?.roster;
  return roster ? Math.floor(roster.size * UNITS_PER_MEMBER) : 0;
}

const OVER_BUDGET = new Disconnect(
  'over-budget',
  CLOSE_CODES.overCapacity,
  'Too many messages, or too many faulty ones, in a short time: send fewer',
);

/** How many costly messages of all clients are handled before others are served: some milliseconds, with Redis. */
const PER_TURN = 64;
/** Of one client that waits, before the next one's turn. */
const AT_ONCE = 8;

interface Waiting {
  readonly message: ClientMessage;
  /** Of the frame, in characters. */
  readonly length: number;
}

/**
 * Spreads costly messages over turns of the event loop. uWebSockets.js hands over all that a client has sent at once, thousands of
 * messages, and all that other clients send waits meanwhile. What is too much for this turn waits, in its order, with whatever that client
 * sends after it; clients that wait get their turns one after the other.
 */
export class CostlyFrames {
  readonly #clock: Pick<Clock, 'nextTurn'>;
  readonly #proceed: (connection: Connection, message: ClientMessage, length: number) => void;
  readonly #waiting = new Turns<Connection, Waiting>();
  #left = PER_TURN;
  #isScheduled = false;

  /** @param proceed - handles a message whose turn has come */
  constructor(
    clock: Pick<Clock, 'nextTurn'>,
    proceed: (connection: Connection, message: ClientMessage, length: number) => void,
  ) {
    this.#clock = clock;
    this.#proceed = proceed;
  }

  /** Whether a message can be handled now; it is counted then. Otherwise it is to be added. */
  admits(connection: Connection, message: ClientMessage): boolean {
    if (this.#waiting.has(connection)) return false;
    return !isCostly(message) || this.#take();
  }

  add(connection: Connection, message: ClientMessage, length: number): void {
    this.#waiting.add(connection, { message, length });
  }

  #take(): boolean {
    this.#schedule();
    this.#left -= 1;
    return this.#left >= 0;
  }

  #nextTurn(): void {
    this.#isScheduled = false;
    this.#left = PER_TURN;
    while (this.#left > 0) {
      const turn = this.#waiting.next(Math.min(AT_ONCE, this.#left));
      if (!turn) return;
      const { owner: connection, items } = turn;
      this.#left -= items.length;
      for (const { message, length } of items) this.#proceed(connection, message, length);
      if (connection.isClosed) this.#waiting.removeAll(connection);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.nextTurn(() => this.#nextTurn());
  }
}
