import type { ClientMessage } from '../protocol/client-message.ts';
import type { Clock } from './clock.ts';
import type { Connection } from './connection.ts';
import { isDear } from './frame-budget.ts';

/** How many dear messages of all clients are handled before others are served: some milliseconds, with Redis. */
const PER_TURN = 64;
/** Of one client that waits, before the next one's turn. */
const AT_ONCE = 8;

interface Waiting {
  readonly message: ClientMessage;
  /** Of the frame, in characters. */
  readonly length: number;
}

/**
 * Spreads dear messages over turns of the event loop. uWebSockets.js hands over all that a client has sent at once, thousands of
 * messages, and all that other clients send waits meanwhile. What is too much for this turn waits, in its order, with whatever that client
 * sends after it; clients that wait get their turns one after the other.
 */
export class DearFrames {
  readonly #clock: Pick<Clock, 'nextTurn'>;
  readonly #proceed: (connection: Connection, message: ClientMessage, length: number) => void;
  readonly #queues = new Map<Connection, Waiting[]>();
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
    if (this.#queues.size > 0 && this.#queues.has(connection)) return false;
    return !isDear(message) || this.#take();
  }

  add(connection: Connection, message: ClientMessage, length: number): void {
    const queue = this.#queues.get(connection);
    if (queue) queue.push({ message, length });
    else this.#queues.set(connection, [{ message, length }]);
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
      const [next] = this.#queues;
      if (!next) return;
      const [connection, queue] = next;
      this.#queues.delete(connection);
      const now = queue.splice(0, Math.min(AT_ONCE, this.#left));
      this.#left -= now.length;
      for (const { message, length } of now) this.#proceed(connection, message, length);
      // Behind the others that wait.
      if (queue.length > 0 && !connection.isClosed) this.#queues.set(connection, queue);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.nextTurn(() => this.#nextTurn());
  }
}
