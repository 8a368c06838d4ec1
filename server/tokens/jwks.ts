import { KeyObject } from 'node:crypto';
import { type CryptoKey, createRemoteJWKSet, customFetch, errors, type FetchImplementation } from 'jose';
import { TokenError } from '../../auth/grant.ts';
import type { TokenHeader } from '../../auth/json-web-token.ts';
import { MIN_RSA_BITS, type TokenKey } from '../../auth/token-claims.ts';
import type { Clock } from '../../channels/clock.ts';
import { maskSecrets } from '../config/mask.ts';
import type { Logger } from '../log.ts';

/** Keys are fetched again when they are this old. */
export const MAX_AGE_MS = 600_000;
/** Minimum time between fetches for unknown keys: anybody can make tokens with unknown keys. */
export const COOLDOWN_MS = 30_000;
/** Pause after a failure; doubled after each further one. */
export const FIRST_RETRY_MS = 2000;
export const LONGEST_RETRY_MS = 60_000;
/** Room for about a hundred keys with their certificates. */
export const MAX_KEYS_BYTES = 256 * 1024;
const TIMEOUT_MS = 5000;

export interface JwksOptions {
  readonly clock: Pick<Clock, 'now' | 'elapsedMs'>;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly timeoutMs?: number;
}

/**
 * Public keys that an issuer publishes under a URL (RFC 7517). This class decides when to fetch them, with an
 * injected clock; fetching, reading and choosing among the keys is `jose`'s.
 */
export class Jwks {
  readonly #url: URL;
  readonly #options: JwksOptions;
  readonly #set: ReturnType<typeof createRemoteJWKSet>;
  #fetchedMs: number | undefined;
  #pending: Promise<void> | undefined;
  #failure: unknown;
  #failures = 0;
  #retryAtMs = 0;

  constructor(url: string, options: JwksOptions) {
    const { headers, bareUrl } = splitCredentials(new URL(url));
    this.#url = bareUrl;
    this.#options = options;
    this.#set = createRemoteJWKSet(this.#url, {
      headers,
      cacheMaxAge: Number.POSITIVE_INFINITY,
      cooldownDuration: Number.POSITIVE_INFINITY,
      timeoutDuration: options.timeoutMs ?? TIMEOUT_MS,
      [customFetch]: fetchKeys,
    });
  }

  /**
   * The keys that may have signed a token with this header; none if the issuer has no such key. Known keys keep
   * working while the issuer can't be reached.
   *
   * @throws {TokenError} `token-keys-unavailable` 503: unknown, and the issuer can't be reached now
   */
  async find(header: TokenHeader): Promise<readonly TokenKey[]> {
    if (this.#age() >= MAX_AGE_MS) {
      const fetched = this.#fetch();
      // Don't wait for an issuer that is known to be down, if there are keys to use.
      if (this.#fetchedMs === undefined || this.#failures === 0) await fetched;
    }
    const known = await this.#choose(header);
    if (known.length > 0) return known;
    if (this.#age() >= COOLDOWN_MS) {
      await this.#fetch();
      const fetched = await this.#choose(header);
      if (fetched.length > 0) return fetched;
    }
    if (this.#failures === 0) return [];
    const message = "The keys of the token's issuer can't be fetched right now: try again later";
    throw new TokenError('token-keys-unavailable', message, 503, { cause: this.#failure });
  }

  #age(): number {
    return this.#fetchedMs === undefined ? Number.POSITIVE_INFINITY : this.#options.clock.elapsedMs() - this.#fetchedMs;
  }

  /** Asks the issuer, unless that failed just before. Concurrent callers share the answer. Never rejects. */
  async #fetch(): Promise<void> {
    if (this.#pending === undefined && this.#options.clock.elapsedMs() < this.#retryAtMs) return;
    this.#pending ??= this.#fetchOnce().finally(() => {
      this.#pending = undefined;
    });
    await this.#pending;
  }

  async #fetchOnce(): Promise<void> {
    const { clock, log } = this.#options;
    const url = `${this.#url.origin}${this.#url.pathname}`;
    try {
      await this.#set.reload();
      if (this.#failures > 0) log.info({ url }, 'the keys for tokens can be fetched again');
      this.#fetchedMs = clock.elapsedMs();
      this.#failures = 0;
      this.#failure = undefined;
    } catch (error) {
      const retryMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS);
      this.#failures += 1;
      this.#failure = error;
      this.#retryAtMs = clock.elapsedMs() + retryMs;
      log.warn({ url, reason: reasonOf(error), retryMs }, "the keys for tokens can't be fetched");
    }
  }

  async #choose({ alg, kid }: TokenHeader): Promise<readonly TokenKey[]> {
    // It would fetch by itself.
    if (this.#fetchedMs === undefined) return [];
    const keys: CryptoKey[] = [];
    try {
      keys.push(await this.#set(kid === undefined ? { alg } : { alg, kid }));
    } catch (error) {
      // Any other error: there is no such key, or it is not a valid one.
      if (error instanceof errors.JWKSMultipleMatchingKeys) for await (const key of error) keys.push(key);
    }
    return keys
      .map((key) => ({ kid, algorithms: [alg], key: KeyObject.from(key) }))
      .filter(({ key }) => (key.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS) >= MIN_RSA_BITS);
  }
}

/** User and password of a URL go into a header: `fetch` refuses them in the URL, and its error would show the whole URL. */
function splitCredentials(url: URL): { readonly headers: Record<string, string>; readonly bareUrl: URL } {
  const { username, password } = url;
  if (username === '' && password === '') return { headers: {}, bareUrl: url };
  const bareUrl = new URL(url);
  bareUrl.username = '';
  bareUrl.password = '';
  const credentials = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64');
  return { headers: { Authorization: `Basic ${credentials}` }, bareUrl };
}

/** Text with a stray % is used as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Follows no redirect, so that the keys come from the configured URL, and limits the size. */
const fetchKeys: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options);
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    const location = response.headers.get('location');
    const hint =
      location === null
        ? ''
        : ` to ${maskSecrets(location).slice(0, 200)}, which is not followed: correct auth.jwt.jwksUrl`;
    throw new Error(`the answer was ${response.status}${hint}`);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.byteLength;
    if (length > MAX_KEYS_BYTES) throw new Error(`the answer exceeds ${MAX_KEYS_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks));
};

function reasonOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
