import { CLOSE_CODES, Disconnect } from '../protocol/errors.ts';
import type { Connection } from './connection.ts';
import type { DueQueue } from './due-times.ts';
import type { LocalChannel } from './local-channel.ts';
import type { Node } from './node.ts';

/** So much a channel hands on before its subscribers have to show that they take it, in characters. */
export const PROOF_EVERY = 1_048_576;
/** Subscribers that are asked in one turn of the event loop: a millisecond's work. */
const PER_TURN = 100;
/** The answer may wait behind megabytes, on a slow line. */
const ANSWER_FACTOR = 2;
/** From the moment when a part of the budget was handed out to when it is looked how much of it waits: often enough, and cheap. */
const WEIGH_AFTER_MS = 500;
const WEIGH_PART = 0.25;
/** What is left of the budget when the biggest are gone. */
const RELIEF = 0.75;

interface Asked {
  readonly payload: string;
  readonly dueSeconds: number;
}

/**
 * Sees to it that clients take what they are sent. The kernel hides megabytes of each connection before a socket shows that anything waits,
 * and holds them as long as the client says that it is alive. So whoever was sent much is asked for a sign that comes behind all of it: a
 * WebSocket ping with something in it that nobody can guess, which the client has to answer.
 */
export class Uptake {
  readonly #node: Node;
  /** Those who have not answered yet. */
  readonly #asked = new Map<Connection, Asked>();
  readonly #due: DueQueue<Connection>;
  readonly #rounds = new Map<LocalChannel, Iterator<Connection>>();
  /** Characters that were handed out to all connections together since it was last looked what waits. */
  #handedOut = 0;
  #cancelWeighing: (() => void) | undefined;

  constructor(node: Node) {
    this.#node = node;
    this.#due = node.dueTimes.queue((connection) => this.#node.cutOff(connection, NOT_READING));
  }

  /** Notes that a channel handed a frame on. */
  handedOn(channel: LocalChannel, length: number): void {
    channel.unprovenLength += length;
    if (channel.unprovenLength >= PROOF_EVERY) this.#begin(channel);
    this.#handedOut += length * channel.connections.size;
    if (this.#handedOut < this.#node.options.maxBufferedBytesTotal * WEIGH_PART) return;
    this.#cancelWeighing ??= this.#node.clock.schedule(() => this.#weigh(), WEIGH_AFTER_MS);
  }

  /** Asks one that was sent much. */
  ask(connection: Connection): void {
    const { clock, liveness, options } = this.#node;
    if (connection.isClosed || !liveness.paceOf(connection).answersPings || this.#asked.has(connection)) return;
    const payload = crypto.randomUUID();
    const dueSeconds = Math.ceil(clock.elapsedMs() / 1000 + options.pongTimeoutSeconds * ANSWER_FACTOR);
    this.#asked.set(connection, { payload, dueSeconds });
    this.#due.add(dueSeconds, connection);
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

  /** Cuts off those for whom most waits, while all together it is too much. */
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
