import { readdirSync, readFileSync } from 'node:fs';
import { CLOSE_CODES, Disconnect } from '../protocol/errors.ts';
import type { AddressGate } from './address-limits.ts';
import type { SampledLog } from './log.ts';
import type { HttpResponse, TemplatedApp } from './uws.ts';

/** If the system sets no limit. */
const MOST_CONNECTIONS = 1_000_000;
/** Descriptors for Redis, databases, files, the admin API and others. */
const RESERVED_FILES = 48;
/** Of all descriptors: sockets that were closed a moment ago keep theirs a little longer. */
const RESERVED_SHARE = 0.03;
/** Of the connections, for requests and health checks while there are too many WebSockets. */
const REQUESTS_SHARE = 0.05;
const MIN_FOR_REQUESTS = 16;
/** A state ends when the number is this share below its limit, so that it doesn't begin again at once. */
const SLACK_SHARE = 0.02;
/** Descriptors are counted again after a pause that grows with their number: 20,000 of them at most ten times a second. */
const FILES_PER_MS = 200;

/** The refusal for new clients while there are too many. There may be room in a second, or on another node. */
export const OVER_CAPACITY = new Disconnect(
  'over-capacity',
  CLOSE_CODES.overCapacity,
  'Over capacity: this server has reached its limit of connections (limits.maxConnections)',
);

/** Where a state begins and ends. */
class Bound {
  readonly limit: number;
  readonly #slack: number;
  #isReached = false;

  constructor(limit: number) {
    this.limit = limit;
    this.#slack = Math.ceil(limit * SLACK_SHARE);
  }

  get isReached(): boolean {
    return this.#isReached;
  }

  /** @returns whether the state has changed */
  update(count: number): boolean {
    const isReached = count > (this.#isReached ? this.limit - this.#slack : this.limit);
    const hasChanged = isReached !== this.#isReached;
    this.#isReached = isReached;
    return hasChanged;
  }
}

/**
 * Most connections that a process may have open.
 *
 * @param setting - `limits.maxConnections`
 * @param used - descriptors that are in use before the first connection
 */
export function maxConnections(
  setting: number | 'auto',
  limit = openFileLimit(),
  used = countOpenFiles() ?? 0,
): number {
  const possible =
    limit === undefined
      ? MOST_CONNECTIONS
      : Math.max(limit - used - RESERVED_FILES - Math.ceil(limit * RESERVED_SHARE), 1);
  return setting === 'auto' ? possible : Math.min(setting, possible);
}

/**
 * The connections of this process on the port of clients: WebSockets, feeds, requests, and those that have said nothing yet. At the open-file limit the system
 * would neither accept nor refuse connections. So a connection over the limit is closed before any of it is read, and a little below it WebSockets are told to retry later.
 */
export class OpenConnections {
  /** The limit per address. */
  readonly addresses: AddressGate;
  readonly #log: SampledLog;
  readonly #now: () => number;
  /** For all connections. */
  readonly #full: Bound;
  /** For WebSockets and feeds. */
  readonly #crowded: Bound;
  #open = 0;
  /** WebSockets that were ended, whose clients may not have closed their side: at the most. */
  #lingering = 0;
  /** Descriptors that are no connections. */
  readonly #otherFiles = countOpenFiles();
  #nextCountAt = Number.NEGATIVE_INFINITY;

  /**
   * @param max - of all connections
   * @param now - milliseconds of any clock that goes forward
   */
  constructor(max: number, addresses: AddressGate, log: SampledLog, now: () => number = () => performance.now()) {
    this.addresses = addresses;
    this.#log = log;
    this.#now = now;
    this.#full = new Bound(max);
    const forRequests = Math.max(Math.ceil(max * REQUESTS_SHARE), MIN_FOR_REQUESTS);
    this.#crowded = new Bound(max - Math.min(forRequests, Math.ceil(max / 4)));
  }

  /** New WebSockets and feeds are refused. */
  get isCrowded(): boolean {
    // Lingering ones may be gone by now; there is no event for that.
    if (this.#crowded.isReached && this.#lingering > 0) this.#update();
    return this.#crowded.isReached;
  }

  /** Why no more clients should be sent here, or undefined. */
  get problem(): string | undefined {
    if (!this.isCrowded) return undefined;
    return `${this.#open} connections are open, and new WebSockets are accepted up to ${this.#crowded.limit} (limits.maxConnections, open-file limit)`;
  }

  /** Watches over the connections of an app. Each WebSocket that closes is to be told by `webSocketClosed`. */
  guard(app: TemplatedApp): void {
    app.filter(this.#count);
  }

  /** Called before a byte is read, and again when a connection closes that is no WebSocket. */
  readonly #count = (res: HttpResponse, change: unknown): void => {
    if (Number(change) < 0) {
      this.#changed(-1);
      return;
    }
    this.#changed(1);
    if (this.#full.isReached || !this.addresses.admits(res)) res.close();
  };

  /** uWebSockets.js does not report when a WebSocket's descriptor is free. It stays in use until the client closes its side, for up to 16 seconds. */
  webSocketClosed(isCutOff: boolean): void {
    if (!isCutOff && this.#otherFiles !== undefined) this.#lingering += 1;
    this.#changed(-1);
  }

  #changed(change: 1 | -1): void {
    this.#open += change;
    this.#update();
  }

  #update(): void {
    const mayBeCrowded = this.#crowded.isReached || this.#open + this.#lingering > this.#crowded.limit;
    if (mayBeCrowded && this.#lingering > 0) this.#countLingering();
    const count = this.#open + this.#lingering;
    const facts = { connections: this.#open };
    if (this.#crowded.update(count)) {
      const limit = this.#crowded.limit;
      if (this.#crowded.isReached)
        this.#log.warn({ ...facts, limit }, 'over capacity: new WebSockets get 4100, /ready answers 503');
      else this.#log.info({ ...facts, limit }, 'no longer over capacity: new WebSockets are accepted');
    }
    if (this.#full.update(count)) {
      const { limit } = this.#full;
      if (this.#full.isReached) this.#log.error({ ...facts, limit }, 'full: new connections are closed at once');
      else this.#log.info({ ...facts, limit }, 'no longer full: new connections are accepted');
    }
  }

  /** Most clients close their side at once, so that fewer linger than were ended. */
  #countLingering(): void {
    const now = this.#now();
    if (now < this.#nextCountAt) return;
    const files = countOpenFiles();
    if (files === undefined) return;
    this.#nextCountAt = now + files / FILES_PER_MS;
    const lingering = Math.max(files - (this.#otherFiles ?? files) - this.#open, 0);
    this.#lingering = Math.min(lingering, this.#lingering);
  }
}

/** How many files and sockets this process has open; undefined if the system doesn't say. */
export function countOpenFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}

/** How many files and sockets this process may have open; undefined: no limit. Node.js raises it at the start as far as the system allows. */
export function openFileLimit(): number | undefined {
  if (process.platform === 'win32') return undefined;
  const limit = process.platform === 'linux' ? limitOfLinux() : limitOfReport();
  return Number.isSafeInteger(limit) ? limit : undefined;
}

function limitOfLinux(): number {
  try {
    return Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  } catch {
    return Number.NaN;
  }
}

function limitOfReport(): number {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  return Number(userLimits?.open_files?.soft);
}
