import { CONNECT_MS, type DriverConnection, inTime, QUERY_MS, type SqlConnection } from './sql-connection.ts';
import { SqlTimeout } from './sql-errors.ts';

export interface PoolOptions {
  /** Connections that stay open when nobody needs them. */
  readonly min: number;
  /** Connections at once. */
  readonly max: number;
  /** For how long any other connection is kept that nobody needs, in milliseconds. */
  readonly idleMs?: number;
}

/** How long a query waits for its turn, in milliseconds. */
const WAIT_MS = CONNECT_MS + 1000;
const IDLE_MS = 2 * QUERY_MS;

interface Waiting {
  /** @returns false: it has given up, and does not take the connection */
  readonly take: (connection: DriverConnection) => boolean;
  readonly fail: (error: unknown) => void;
}

/** Connections to one database, made when they are needed. */
export class ConnectionPool implements SqlConnection {
  readonly #connect: () => Promise<DriverConnection>;
  readonly #options: PoolOptions;
  readonly #idle: DriverConnection[] = [];
  readonly #idleTimers = new Map<DriverConnection, NodeJS.Timeout>();
  readonly #waiting = new Set<Waiting>();
  /** Of connections that are open or being made. */
  #count = 0;
  #isClosed = false;

  constructor(connect: () => Promise<DriverConnection>, options: PoolOptions) {
    this.#connect = connect;
    this.#options = options;
  }

  query: SqlConnection['query'] = (sql, values) => this.#use((connection) => connection.query(sql, values));

  execute: SqlConnection['execute'] = (sql, values) => this.#use((connection) => connection.execute(sql, values));

  /** All of the work is written, or nothing. */
  transaction<T>(work: (transaction: SqlConnection) => Promise<T>): Promise<T> {
    return this.#use(async (connection) => {
      await connection.execute('BEGIN');
      try {
        const result = await work(connection);
        await connection.execute('COMMIT');
        return result;
      } catch (error) {
        // A connection that can't even do that is of no use to anybody.
        if (connection.isOpen) await connection.execute('ROLLBACK').catch(() => connection.destroy());
        throw error;
      }
    });
  }

  /** Work in progress comes to its end. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#idle.splice(0)) this.#drop(connection);
    for (const { fail } of this.#waiting) fail(new Error('The database was closed.'));
    this.#waiting.clear();
  }

  async #use<T>(work: (connection: SqlConnection & DriverConnection) => Promise<T>): Promise<T> {
    const connection = await this.#take();
    const guarded = new TimedConnection(connection);
    try {
      return await work(guarded);
    } finally {
      this.#release(connection);
    }
  }

  async #take(): Promise<DriverConnection> {
    if (this.#isClosed) throw new Error('The database was closed.');
    for (;;) {
      const idle = this.#idle.pop();
      if (idle === undefined) break;
      clearTimeout(this.#idleTimers.get(idle));
      this.#idleTimers.delete(idle);
      if (idle.isOpen) return idle;
      this.#drop(idle);
    }
    return this.#count < this.#options.max ? this.#open() : this.#wait();
  }

  async #open(): Promise<DriverConnection> {
    this.#count++;
    const connecting = this.#connect();
    try {
      return await inTime(connecting, WAIT_MS);
    } catch (error) {
      this.#count--;
      if (error instanceof SqlTimeout) connecting.then((late) => late.destroy()).catch(() => {});
      this.#replace();
      throw error;
    }
  }

  #wait(): Promise<DriverConnection> {
    return new Promise((resolve, reject) => {
      let hasGivenUp = false;
      const timer = setTimeout(() => {
        hasGivenUp = true;
        this.#waiting.delete(waiting);
        reject(new SqlTimeout());
      }, WAIT_MS);
      const waiting: Waiting = {
        take(connection) {
          clearTimeout(timer);
          resolve(connection);
          return !hasGivenUp;
        },
        fail(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#waiting.add(waiting);
    });
  }

  #nextWaiting(): Waiting | undefined {
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting);
      return waiting;
    }
    return undefined;
  }

  #release(connection: DriverConnection): void {
    if (this.#isClosed || !connection.isOpen) {
      this.#drop(connection);
      this.#replace();
      return;
    }
    const waiting = this.#nextWaiting();
    if (waiting) {
      waiting.take(connection);
      return;
    }
    this.#idle.push(connection);
    const timer = setTimeout(() => this.#retire(connection), this.#options.idleMs ?? IDLE_MS);
    timer.unref();
    this.#idleTimers.set(connection, timer);
  }

  #retire(connection: DriverConnection): void {
    this.#idleTimers.delete(connection);
    if (connection.isOpen && this.#count <= this.#options.min) return;
    this.#idle.splice(this.#idle.indexOf(connection), 1);
    this.#drop(connection);
  }

  /** Whoever waits for the turn of a connection that is gone gets a new one. */
  #replace(): void {
    if (this.#isClosed) return;
    const waiting = this.#nextWaiting();
    if (!waiting) return;
    const hand = (connection: DriverConnection): void => {
      if (!waiting.take(connection)) this.#release(connection);
    };
    this.#open().then(hand, waiting.fail);
  }

  #drop(connection: DriverConnection): void {
    clearTimeout(this.#idleTimers.get(connection));
    this.#idleTimers.delete(connection);
    this.#count--;
    connection.destroy();
  }
}

/** Gives up a connection whose database keeps silent: an answer that comes late would be taken for that of the next query. */
class TimedConnection implements DriverConnection {
  readonly #connection: DriverConnection;

  constructor(connection: DriverConnection) {
    this.#connection = connection;
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  destroy(): void {
    this.#connection.destroy();
  }

  query: SqlConnection['query'] = (sql, values) => this.#inTime(this.#connection.query(sql, values));

  execute: SqlConnection['execute'] = (sql, values) => this.#inTime(this.#connection.execute(sql, values));

  async #inTime<T>(work: Promise<T>): Promise<T> {
    try {
      return await inTime(work, QUERY_MS);
    } catch (error) {
      if (error instanceof SqlTimeout) this.destroy();
      throw error;
    }
  }
}
