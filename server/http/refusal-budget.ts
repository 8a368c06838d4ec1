import { addressKey, type TrustedAddresses } from '../client-address.ts';
import type { SampledLog } from '../log.ts';
import type { HttpResponse } from '../uws.ts';

/** Requests of one address that are answered, in one turn of the event loop, without that it has shown any right. */
const MAX_PER_TURN = 100;

/**
 * uWebSockets.js hands over all requests of what it has read in one turn of the event loop: thousands, where they are short and sent without waiting for answers. Those
 * that are refused, or that anybody may make, are answered up to a number. Then the connection is closed, and with it what it has sent.
 */
export class RefusalBudget {
  readonly #trusted: TrustedAddresses;
  readonly #log: SampledLog;
  /** Of this turn, by address. */
  readonly #counts = new Map<string, number>();

  /** @param trusted - proxies, which send for many and don't send ahead */
  constructor(trusted: TrustedAddresses, log: SampledLog) {
    this.#trusted = trusted;
    this.#log = log;
  }

  /** Counts an answer. @returns whether its connection is to be closed in place of it */
  isSpent(res: HttpResponse): boolean {
    if (this.#counts.size === 0) setImmediate(() => this.#counts.clear());
    const address = addressKey(res.getRemoteAddress());
    const count = (this.#counts.get(address) ?? 0) + 1;
    this.#counts.set(address, count);
    if (count <= MAX_PER_TURN) return false;
    const ip = Buffer.from(res.getRemoteAddressAsText()).toString();
    if (this.#trusted.has(ip)) return false;
    this.#log.warn(
      { ip, limit: MAX_PER_TURN },
      'too many requests at once that were refused: the connection is closed',
    );
    return true;
  }
}
