import { LRUCache } from 'lru-cache';
import { type Grant, TokenError } from '../../auth/grant.ts';
import { readToken, tokenKeysFor, type UnverifiedToken, verifyToken } from '../../auth/json-web-token.ts';
import type { TokenPolicy } from '../../auth/token-claims.ts';
import type { App } from '../../channels/app.ts';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import type { TokenVerifier } from '../../channels/node.ts';
import type { Jwks, JwksOptions } from './jwks.ts';

/** Number of URLs whose keys are kept; the least recently used are dropped first. */
const MAX_URLS = 1000;

/** Verifies tokens with the keys of the app, and with those that its issuer publishes. */
export class KeyedTokenVerifier implements TokenVerifier {
  readonly #options: JwksOptions;
  readonly #published = new LRUCache<string, Jwks>({ max: MAX_URLS });

  constructor(options: JwksOptions) {
    this.#options = options;
  }

  verify(app: App, auth: string): MaybePromise<Grant> {
    const policy = app.tokens;
    if (policy === undefined) {
      const message = `App ${app.id} accepts no tokens: configure keys for them (app option auth.jwt), or send a signature of the application`;
      throw new TokenError('tokens-not-configured', message);
    }
    const token = readToken(policy, auth);
    const keys = tokenKeysFor(policy.keys, token.header);
    const mayBePublished = policy.jwksUrl !== undefined && policy.jwksAlgorithms.includes(token.header.alg);
    if (policy.jwksUrl === undefined || !mayBePublished) return verifyToken(policy, token, keys, this.#nowSeconds());
    if (keys.length === 0) return this.#verifyPublished(policy, policy.jwksUrl, token);
    try {
      return verifyToken(policy, token, keys, this.#nowSeconds());
    } catch (error) {
      if (!(error instanceof TokenError) || error.id !== 'token-signature') throw error;
      return this.#verifyPublished(policy, policy.jwksUrl, token);
    }
  }

  async #verifyPublished(policy: TokenPolicy, url: string, token: UnverifiedToken): Promise<Grant> {
    const jwks = this.#published.get(url) ?? (await this.#openJwks(url));
    const keys = await jwks.find(token.header);
    return verifyToken(policy, token, keys, this.#nowSeconds());
  }

  async #openJwks(url: string): Promise<Jwks> {
    // Loaded with the first token that needs it: few brokers need it.
    const { Jwks } = await import('./jwks.ts');
    const jwks = this.#published.get(url) ?? new Jwks(url, this.#options);
    this.#published.set(url, jwks);
    return jwks;
  }

  #nowSeconds(): number {
    return this.#options.clock.now() / 1000;
  }
}
