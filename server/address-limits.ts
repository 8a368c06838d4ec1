import { ApiError } from '../protocol/errors.ts';
import { addressKey, type TrustedAddresses } from './client-address.ts';
import type { SampledLog } from './log.ts';
import type { HttpRequest, HttpResponse } from './uws.ts';

/** Addresses that are remembered for their rate alone. More are forgotten, the oldest first: a flood from many of them must not take the memory. */
const MAX_REMEMBERED = 20_000;

export interface AddressLimitOptions {
  /** Connections that one address may have open; -1: no limit. */
  readonly maxOpen: number;
  /** Connections that one address may open within a second; -1: no limit. */
  readonly maxPerSecond: number;
}

interface Use {
  open: number;
  /** Connections that it may open at once. */
  allowance: number;
  /** When the allowance was right, in milliseconds. */
  atMs: number;
}

/** What clients hold, by address. */
export class AddressLimits {
  readonly #options: AddressLimitOptions;
  readonly #now: () => number;
  readonly #uses = new Map<string, Use>();

  /** @param now - milliseconds of any clock that goes forward */
  constructor(options: AddressLimitOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  get areSet(): boolean {
    return this.#options.maxOpen >= 0 || this.#options.maxPerSecond >= 0;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#uses.size;
  }

  /** Takes a connection of an address, to be released when it ends. @returns the setting that forbids it, else undefined */
  take(address: string): 'connectionsPerAddress' | 'newConnectionsPerSecondPerAddress' | undefined {
    const use = this.#useOf(address);
    const { maxOpen, maxPerSecond } = this.#options;
    if (maxOpen >= 0 && use.open >= maxOpen) return 'connectionsPerAddress';
    if (maxPerSecond >= 0) {
      const now = this.#now();
      use.allowance = Math.min(use.allowance + ((now - use.atMs) * maxPerSecond) / 1000, maxPerSecond);
      use.atMs = now;
      if (use.allowance < 1) return 'newConnectionsPerSecondPerAddress';
      use.allowance -= 1;
    }
    use.open += 1;
    return undefined;
  }

  release(address: string): void {
    const use = this.#uses.get(address);
    if (!use) return;
    use.open -= 1;
    if (use.open <= 0 && this.#options.maxPerSecond < 0) this.#uses.delete(address);
  }

  #useOf(address: string): Use {
    const known = this.#uses.get(address);
    if (known) return known;
    const use: Use = { open: 0, allowance: this.#options.maxPerSecond, atMs: this.#now() };
    this.#uses.set(address, use);
    if (this.#uses.size > MAX_REMEMBERED) this.#forget(use);
    return use;
  }

  /** Takes out those that have nothing open, down to half of what may be remembered, so that it need not be done soon again. */
  #forget(latest: Use): void {
    for (const [address, use] of this.#uses) {
      if (this.#uses.size <= MAX_REMEMBERED / 2) return;
      if (use.open <= 0 && use !== latest) this.#uses.delete(address);
    }
  }
}

/**
 * What one address may hold. A client that connects directly is counted before a byte of it is read; one behind a proxy that is trusted when it opens a WebSocket or a
 * feed. Whatever is taken is released once, by the address that was told.
 */
export class AddressGate {
  readonly #limits: AddressLimits;
  readonly #trusted: TrustedAddresses;
  readonly #log: SampledLog;

  constructor(limits: AddressLimits, trusted: TrustedAddresses, log: SampledLog) {
    this.#limits = limits;
    this.#trusted = trusted;
    this.#log = log;
  }

  /** Takes a connection that nothing was read of. @returns whether it may stay */
  admits(res: HttpResponse): boolean {
    if (!this.#limits.areSet) return true;
    const ip = ipOf(res);
    if (this.#trusted.has(ip)) return true;
    const address = addressKey(res.getRemoteAddress());
    const cause = this.#limits.take(address);
    if (cause !== undefined) {
      this.#log.warn({ ip, cause }, 'too many connections of one address: closed at once');
      return false;
    }
    // Until there is a request, which has its own way to tell of the end.
    res.onAborted(() => this.#limits.release(address));
    return true;
  }

  /**
   * The address that a request's connection is counted by; undefined where none is. Its connection has to end with the answer: of one that is kept, nobody
   * could tell when it ends.
   */
  holder(res: HttpResponse): string | undefined {
    if (!this.#limits.areSet || this.#trusted.has(ipOf(res))) return undefined;
    return addressKey(res.getRemoteAddress());
  }

  /**
   * The address that a WebSocket or a feed is to be counted by. Behind a proxy it is taken now.
   *
   * @throws {ApiError} 429: it has as many as it may
   */
  holderOf(res: HttpResponse, req: HttpRequest): string | undefined {
    const direct = this.holder(res);
    if (direct !== undefined || !this.#limits.areSet) return direct;
    const client = this.#trusted.clientBehind(forwardedFor(req));
    const cause = client === undefined ? undefined : this.#limits.take(client);
    if (cause === undefined) return client;
    const facts = { ip: ipOf(res), forwardedFor: forwardedFor(req).join(', '), cause };
    this.#log.warn(facts, 'too many connections of one address behind a proxy: refused');
    const text = `Too many connections of your address (limits.${cause}): close some, or try again later`;
    throw new ApiError('too-many-connections', 429, text, RETRY_AFTER_SECONDS);
  }

  release(address: string | undefined): void {
    if (address !== undefined) this.#limits.release(address);
  }
}

const RETRY_AFTER_SECONDS = 1;

function ipOf(res: HttpResponse): string {
  return Buffer.from(res.getRemoteAddressAsText()).toString();
}

/** All headers of the name: some proxies add one of their own to what the client has sent. */
function forwardedFor(req: HttpRequest): readonly string[] {
  const values: string[] = [];
  req.forEach((name, value) => {
    if (name === 'x-forwarded-for') values.push(value);
  });
  return values;
}
