import { hash } from 'node:crypto';
import { hmacHex } from '../../auth/hmac.ts';
import { exchange, type HttpAnswer } from './http-exchange.ts';

/** An app, as a backend has it. */
export interface AppCredentials {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
}

export interface ApiQuestion {
  readonly method: 'GET' | 'POST';
  /** Below the app: `/channels`. */
  readonly path: string;
  readonly params?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
}

const ANSWER_MS = 10_000;

/** Signs and sends requests to the HTTP API of any server that speaks the Pusher protocol. */
export class PusherApi {
  readonly #url: string;
  readonly #app: AppCredentials;
  /** Milliseconds since 1970, as the server has it. */
  readonly #now: () => number;
  readonly #trustsAll: boolean;

  /** @param url - `https://ws.example.com/prefix`, without a slash at the end */
  constructor(url: string, app: AppCredentials, now: () => number = Date.now, trustsAll = false) {
    this.#url = url;
    this.#app = app;
    this.#now = now;
    this.#trustsAll = trustsAll;
  }

  /**
   * Rejects where there is no answer; any status is one.
   *
   * @see Pusher, "HTTP API", authentication. As SDKs do, signs the path without the prefix of a proxy.
   */
  ask({ method, path, params = {}, body }: ApiQuestion): Promise<HttpAnswer> {
    const { id, key, secret } = this.#app;
    const signed: Record<string, string> = {
      ...params,
      auth_key: key,
      auth_timestamp: String(Math.floor(this.#now() / 1000)),
      auth_version: '1.0',
      ...(body !== undefined && { body_md5: hash('md5', body, 'hex') }),
    };
    const names = Object.keys(signed).sort();
    const fullPath = `/apps/${encodeURIComponent(id)}${path}`;
    const text = `${method}\n${fullPath}\n${names.map((name) => `${name}=${signed[name]}`).join('&')}`;
    const query = [...names.map((name) => [name, signed[name] ?? '']), ['auth_signature', hmacHex(secret, text)]]
      .map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`)
      .join('&');
    return exchange({
      url: `${this.#url}${fullPath}?${query}`,
      method,
      timeoutMs: ANSWER_MS,
      trustsAll: this.#trustsAll,
      ...(body !== undefined && { body, headers: { 'Content-Type': 'application/json' } }),
    });
  }
}
