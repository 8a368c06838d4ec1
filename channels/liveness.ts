import type { Connection } from './connection.ts';
import type { DueQueue, DueTimes } from './due-times.ts';

/**
 * Clients ping by themselves after `activityTimeoutSeconds`; the server steps in this much later. Not much: clients that never ping, a plain WebSocket
 * say, are cut off by proxies otherwise, mostly after 60 seconds of silence.
 */
const GRACE_SECONDS = 4;

/** How the life of a client is looked after; one object for all clients of a kind. */
export interface Pace {
  /** After so long without a frame it is asked for a sign of life. */
  readonly silenceSeconds: number;
  /** False where a client can't answer, and is gone when the network says so. */
  readonly answersPings: boolean;
}

/**
 * Notices clients that are gone without a word. Any frame that comes in is a sign of life, frames that go out are not:
 * a dead client in a busy channel is still dead.
 *
 * Connections wait for the second at which they are due next; a frame that comes in moves nothing, it just notes the second.
 */
export class Liveness {
  readonly #dueTimes: DueTimes;
  /** Of clients that speak the protocol: they ping by themselves, earlier. */
  readonly pace: Pace;
  readonly #pongSeconds: number;
  readonly #onSilent: (connection: Connection) => void;
  readonly #onDead: (connection: Connection) => void;
  readonly #due: DueQueue<Connection>;

  /**
   * @param onSilent - asks the client for a sign of life
   * @param onDead - none came
   */
  constructor(
    dueTimes: DueTimes,
    activityTimeoutSeconds: number,
    pongTimeoutSeconds: number,
    onSilent: (connection: Connection) => void,
    onDead: (connection: Connection) => void,
  ) {
    this.#dueTimes = dueTimes;
    this.#due = dueTimes.queue((connection) => this.#check(connection));
    this.pace = { silenceSeconds: activityTimeoutSeconds + GRACE_SECONDS, answersPings: true };
    this.#pongSeconds = pongTimeoutSeconds;
    this.#onSilent = onSilent;
    this.#onDead = onDead;
  }

  watch(connection: Connection): void {
    this.#add(connection, this.#dueTimes.nowSeconds + this.paceOf(connection).silenceSeconds);
  }

  paceOf({ reader }: Connection): Pace {
    return reader ? reader.pace : this.pace;
  }

  /** To be called when a connection ended. */
  forget(connection: Connection): void {
    this.#due.delete(connection.dueSeconds, connection);
  }

  /** Connections that are watched. */
  get size(): number {
    return this.#due.size;
  }

  stop(): void {
    this.#due.clear();
  }

  #add(connection: Connection, dueSeconds: number): void {
    this.#due.add(dueSeconds, connection);
    connection.dueSeconds = dueSeconds;
  }

  #check(connection: Connection): void {
    if (connection.isClosed) return;
    const { lastReceivedSeconds: silentSince } = connection;
    const pace = this.paceOf(connection);
    const { nowSeconds: now, passedSeconds } = this.#dueTimes;
    if (passedSeconds > this.#pongSeconds) {
      // A process that was stopped for a while wakes up with pings and pongs to read: give everyone the time it slept.
      this.#add(connection, now + this.#pongSeconds);
    } else if (connection.isPinged && now - silentSince >= pace.silenceSeconds + this.#pongSeconds) {
      this.#onDead(connection);
    } else if (now - silentSince >= pace.silenceSeconds) {
      if (pace.answersPings) {
        connection.isPinged = true;
        this.#add(connection, now + this.#pongSeconds);
      } else {
        connection.lastReceivedSeconds = now;
        this.#add(connection, now + pace.silenceSeconds);
      }
      this.#onSilent(connection);
    } else {
      connection.isPinged = false;
      this.#add(connection, silentSince + pace.silenceSeconds);
    }
  }
}
