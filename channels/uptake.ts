import { CLOSE_CODES, Disconnect } from '../protocol/errors.ts';
import type { Connection } from './connection.ts';
import type { DueQueue } from './due-times.ts';
import type { LocalChannel } from './local-channel.ts';
import type { Node } from './node.ts';

/** Characters that a channel sends before its subscribers have to prove that they read. */
export const PROOF_EVERY = 1_048_576;
/** Subscribers that are pinged in one turn of the event loop: about a millisecond. */
const PER_TURN = 100;
/** The ping may be queued behind megabytes, on a slow line. */
const ANSWER_FACTOR = 2;
/** Share of the budget that may be sent before it is checked how much is buffered. */
const WEIGH_PART = 0.25;
/** From then until the check: often enough, and cheap. */
const WEIGH_AFTER_MS = 500;
/** Share of the budget that is in use after the biggest were disconnected. */
const RELIEF = 0.75;

interface Asked {
  readonly payload: string;
  readonly dueSeconds: number;
}

/**
 * Makes sure that clients read. The kernel buffers megabytes per connection before a socket reports any backlog,
 * and keeps them while the client is alive. So a client that was sent much gets, behind all of it, a
 * WebSocket ping with an unguessable payload, which it has to answer.
 */
export class Uptake {
  readonly #node: Node;
  /** Those who have not answered yet. */
  readonly #asked = new Map<Connection, Asked>();
  readonly #due: DueQueue<Connection>;
  readonly #rounds = new Map<LocalChannel, Iterator<Connection>>();
  /** Characters sent to all connections together since the last check of what is buffered. */
  #handedOut = 0;
  #cancelWeighing: (() => void) | undefined;

  constructor(node: Node) {
    this.#node = node;
    this.#due = node.dueTimes.queue((connection) => this.#missed(connection));
  }

  /** Notes that a channel sent a frame. */
  handedOn(channel: LocalChannel, length: number): void {
    channel.unprovenLength += length;
    if (channel.unprovenLength >= PROOF_EVERY) this.#begin(channel);
    this.#handedOut += length * channel.connections.size;
    if (this.#handedOut < this.#node.options.maxBufferedBytesTotal * WEIGH_PART) return;
    this.#cancelWeighing ??= this.#node.clock.schedule(() => this.#weigh(), WEIGH_AFTER_MS);
  }

  /** Pings a connection that was sent much. */
  ask(connection: Connection): void {
    const { liveness } = this.#node;
    if (connection.isClosed || !liveness.paceOf(connection).answersPings || this.#asked.has(connection)) return;
    const payload = crypto.randomUUID();
    this.#waitFor(connection, payload);
    connection.transport.ping(payload);
  }

  /** A WebSocket pong came. */
  answered(connection: Connection, payload: string): void {
    if (this.#asked.get(connection)?.payload === payload) this.forget(connection);
  }

  /** The connection ended. */
  forget(connection: Connection): void {
    if (this.#asked.size === 0) return;
    const asked = this.#asked.get(connection);
    if (!asked) return;
    this.#asked.delete(connection);
    this.#due.delete(asked.dueSeconds, connection);
  }

  stop(): void {
    this.#due.clear();
    this.#cancelWeighing?.();
    this.#rounds.clear();
  }

  #waitFor(connection: Connection, payload: string): void {
    const { clock, options } = this.#node;
    const dueSeconds = Math.ceil(clock.elapsedMs() / 1000 + options.pongTimeoutSeconds * ANSWER_FACTOR);
    this.#asked.set(connection, { payload, dueSeconds });
    this.#due.add(dueSeconds, connection);
  }

  /** No answer came in time. */
  #missed(connection: Connection): void {
    const { dueTimes, options } = this.#node;
    const asked = this.#asked.get(connection);
    // A process that was stopped for a while has not read what came meanwhile.
    if (asked && dueTimes.passedSeconds > options.pongTimeoutSeconds) this.#waitFor(connection, asked.payload);
    else this.#node.cutOff(connection, NOT_READING);
  }

  #begin(channel: LocalChannel): void {
    channel.unprovenLength = 0;
    if (this.#rounds.has(channel)) return;
    this.#rounds.set(channel, channel.connections.values());
    if (this.#rounds.size === 1) this.#node.clock.nextTurn(() => this.#goOn());
  }

  #goOn(): void {
    let left = PER_TURN;
    for (const [channel, subscribers] of this.#rounds) {
      while (left > 0) {
        const { value: connection, done } = subscribers.next();
        if (done) {
          this.#rounds.delete(channel);
          break;
        }
        left -= 1;
        this.ask(connection);
      }
    }
    if (this.#rounds.size > 0) this.#node.clock.nextTurn(() => this.#goOn());
  }

  /** Disconnects those with the most buffered, while the total is too high. */
  #weigh(): void {
    this.#cancelWeighing = undefined;
    this.#handedOut = 0;
    const { options, connections } = this.#node;
    let total = 0;
    const waiting: { readonly connection: Connection; readonly bytes: number }[] = [];
    for (const connection of connections.values()) {
      const bytes = connection.transport.bufferedBytes;
      if (bytes === 0) continue;
      total += bytes;
      waiting.push({ connection, bytes });
    }
    if (total <= options.maxBufferedBytesTotal) return;
    waiting.sort((one, other) => other.bytes - one.bytes);
    for (const { connection, bytes } of waiting) {
      if (total <= options.maxBufferedBytesTotal * RELIEF) return;
      total -= bytes;
      this.#node.cutOff(connection, BUFFERS_FULL);
    }
  }
}

const NOT_READING = new Disconnect(
  'not-reading',
  CLOSE_CODES.pongTimeout,
  'The client does not read: it did not answer the WebSocket ping that followed a megabyte of messages',
);

const BUFFERS_FULL = new Disconnect(
  'buffers-full',
  CLOSE_CODES.overCapacity,
  'Slow clients together have more than maxBufferedBytesTotal buffered, and this one is among those with the most',
);
