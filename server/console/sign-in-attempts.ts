/** Wrong tokens in a row that an address may send. */
const MAX_ATTEMPTS = 10;
/** For one more. */
const RECOVERY_MS = 6000;
/** Addresses that are remembered: the one that failed first is forgotten for another. */
const MAX_ADDRESSES = 1000;

/** Bounds how often an address may guess a token. Tokens that are right are not counted. */
export class SignInAttempts {
  readonly #nowMs: () => number;
  /** By address: when all its attempts are available again. */
  readonly #recoveredMs = new Map<string, number>();

  /** @param nowMs - a clock that is never set back */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Seconds until the address may try again; 0: now. */
  waitSeconds(address: string): number {
    const aheadMs = (this.#recoveredMs.get(address) ?? 0) - this.#nowMs();
    return Math.max(0, Math.ceil((aheadMs - (MAX_ATTEMPTS - 1) * RECOVERY_MS) / 1000));
  }

  failed(address: string): void {
    const recoveredMs = Math.max(this.#recoveredMs.get(address) ?? 0, this.#nowMs()) + RECOVERY_MS;
    this.#recoveredMs.delete(address);
    this.#recoveredMs.set(address, recoveredMs);
    if (this.#recoveredMs.size <= MAX_ADDRESSES) return;
    for (const oldest of this.#recoveredMs.keys()) {
      this.#recoveredMs.delete(oldest);
      break;
    }
  }
}
