import type { Grant } from '../auth/grant.ts';
import type { App } from './app.ts';
import type { MaybePromise } from './maybe-promise.ts';

/** Tells what a token grants in an app. */
export interface TokenVerifier {
  /**
   * Checks a JSON Web Token. The answer is there at once, but where keys have to be fetched from whoever publishes them.
   *
   * @param token - as received, which may begin with `Bearer `
   * @throws {TokenError} it is not taken, or can't be checked now (status 503); rejects with the same
   */
  verify(app: App, token: string): MaybePromise<Grant>;
}
