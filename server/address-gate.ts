import { ApiError } from '../protocol/errors.ts';
import type { AddressLimits } from './address-limits.ts';
import { addressKey, type TrustedAddresses } from './client-address.ts';
import type { SampledLog } from './sampled-log.ts';
import type { HttpRequest, HttpResponse } from './uws.ts';

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
