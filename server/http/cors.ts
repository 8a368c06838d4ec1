import type { Settings } from '../config/index.ts';

type CorsSettings = Settings['cors'];
export type Headers = readonly (readonly [name: string, value: string])[];

/** How long a browser may remember the answer to a preflight, in seconds. */
const MAX_AGE_SECONDS = 86_400;

/** CORS headers for pages that call the HTTP API. `Access-Control-Allow-Origin` is `*` or the one origin that asked. */
export class Cors {
  readonly #settings: CorsSettings;
  readonly #isOpen: boolean;
  readonly #anyOrigin: Headers;

  constructor(settings: CorsSettings) {
    this.#settings = settings;
    this.#isOpen = settings.origin.includes('*');
    this.#anyOrigin = [['Access-Control-Allow-Origin', '*']];
  }

  /** @param origin - as the browser sent it; '' for requests that are not a page's */
  headersFor(origin: string): Headers {
    if (this.#isOpen) return origin === '' ? [] : this.#anyOrigin;
    if (origin === '' || !this.#settings.origin.includes(origin)) return [['Vary', 'Origin']];
    const headers: [string, string][] = [
      ['Access-Control-Allow-Origin', origin],
      ['Vary', 'Origin'],
    ];
    // Browsers refuse credentials together with `*`, so that an open API never speaks for a logged-in user.
    if (this.#settings.credentials) headers.push(['Access-Control-Allow-Credentials', 'true']);
    return headers;
  }

  /** Whether pages of this origin may speak for the user who is logged in: it is named, not just any. */
  admitsCredentialsOf(origin: string): boolean {
    return this.#settings.credentials && !this.#isOpen && this.#settings.origin.includes(origin);
  }

  preflightHeadersFor(origin: string): Headers {
    return [
      ...this.headersFor(origin),
      ['Access-Control-Allow-Methods', this.#settings.methods.join(', ')],
      ['Access-Control-Allow-Headers', this.#settings.allowedHeaders.join(', ')],
      ['Access-Control-Max-Age', String(MAX_AGE_SECONDS)],
    ];
  }
}
