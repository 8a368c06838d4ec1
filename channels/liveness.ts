import type { Clock } from './clock.ts';
import type { Connection } from './connection.ts';

const TICK_MS = 1000;
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
 * Connections sit in the second at which they are due next. A tick looks at those only, however many there are;
 * a frame that comes in moves nothing, it just notes the second.
 */
export class Liveness {
  readonly #clock: Clock;
  /** Of clients that speak the protocol: they ping by themselves, earlier. */
  readonly pace: Pace;
  readonly #pongSeconds: number;
  readonly #onSilent: (connection: Connection) => void;
  readonly #onDead: (connection: Connection) => void;
  readonly #due = new Map<number, Set<Connection>>();
  #nowSeconds: number;
  #cancelTick: () => void;

  /**
   * @param onSilent - asks the client for a sign of life
   * @param onDead - none came
   */
  constructor(
    clock: Clock,
    activityTimeoutSeconds: number,
    pongTimeoutSeconds: number,
    onSilent: (connection: Connection) => void,
    onDead: (connection: Connection) => void,
  ) {
    this.#clock = clock;
    this.pace = { silenceSeconds: activityTimeoutSeconds + GRACE_SECONDS, answersPings: true };
    this.#pongSeconds = pongTimeoutSeconds;
    this.#onSilent = onSilent;
    this.#onDead = onDead;
    this.#nowSeconds = secondsOf(clock);
    this.#cancelTick = clock.schedule(() => this.#tick(), TICK_MS);
  }

  /** The clock as of the last tick: exact enough here, and free. */
  get nowSeconds(): number {
    return this.#nowSeconds;
  }

  watch(connection: Connection): void {
    this.#add(connection, this.#nowSeconds + this.paceOf(connection).silenceSeconds);
  }

  paceOf({ reader }: Connection): Pace {
    return reader ? reader.pace : this.pace;
  }

  /** To be called when a connection ended: kept until it is due, those of clients that come and go would fill the memory. */
  forget(connection: Connection): void {
    this.#due.get(connection.dueSeconds)?.delete(connection);
  }

  /** Connections that are watched. */
  get size(): number {
    let size = 0;
    for (const bucket of this.#due.values()) size += bucket.size;
    return size;
  }

  stop(): void {
    this.#cancelTick();
    this.#due.clear();
  }

  #add(connection: Connection, dueSeconds: number): void {
    const bucket = this.#due.get(dueSeconds);
    if (bucket) bucket.add(connection);
    else this.#due.set(dueSeconds, new Set([connection]));
    connection.dueSeconds = dueSeconds;
  }

  #tick(): void {
    const last = this.#nowSeconds;
    this.#nowSeconds = Math.max(last, secondsOf(this.#clock));
    // A process that was stopped for a while wakes up with pings and pongs to read: give everyone the time it slept.
    const slept = this.#nowSeconds - last > this.#pongSeconds;
    for (let second = last + 1; second <= this.#nowSeconds; second += 1) {
      const bucket = this.#due.get(second);
      if (!bucket) continue;
      this.#due.delete(second);
      for (const connection of bucket) {
        if (slept) this.#add(connection, this.#nowSeconds + this.#pongSeconds);
        else this.#check(connection);
      }
    }
    this.#cancelTick = this.#clock.schedule(() => this.#tick(), TICK_MS);
  }

  #check(connection: Connection): void {
    if (connection.isClosed) return;
    const { lastReceivedSeconds: silentSince } = connection;
    const pace = this.paceOf(connection);
    const now = this.#nowSeconds;
    if (connection.isPinged && now - silentSince >= pace.silenceSeconds + this.#pongSeconds) {
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

function secondsOf(clock: Clock): number {
  return Math.floor(clock.elapsedMs() / 1000);
}
