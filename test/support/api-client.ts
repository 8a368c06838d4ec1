import { createHash } from 'node:crypto';
import { hmacHex } from '../../auth/hmac.ts';
import { APP } from './broker.ts';

export interface ApiAnswer {
  readonly status: number;
  /** See `lineOf`. */
  readonly text: string;
  readonly headers: Headers;
}

interface Credentials {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
}

interface RequestOptions {
  readonly params?: Readonly<Record<string, string>>;
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly app?: Credentials;
  /** Unix time of the signature. */
  readonly timestamp?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The body of an answer. Of a refusal without the address that must stand at its end: what the line says is for the test.
 *
 * @throws {Error} it does not
 */
export async function lineOf(answer: Response): Promise<string> {
  const text = await answer.text();
  const id = answer.headers.get('x-kulkul-error');
  if (id === null || text === '') return text;
  const end = ` (more: /errors/${id})`;
  if (!text.endsWith(end)) throw new Error(`no ${end} at the end of ${text}`);
  return text.slice(0, -end.length);
}

/** Signs by hand, without an SDK, so that each part of a request can be bent. */
export async function call(
  url: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { params = {}, body, app = APP, timestamp = Math.floor(Date.now() / 1000), headers = {} }: RequestOptions = {},
): Promise<ApiAnswer> {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const all: Record<string, string> = {
    auth_key: app.key,
    auth_timestamp: String(timestamp),
    auth_version: '1.0',
    ...(text !== '' && { body_md5: createHash('md5').update(text).digest('hex') }),
    ...params,
  };
  const names = Object.keys(all).sort();
  const canonical = names.map((name) => `${name.toLowerCase()}=${all[name]}`).join('&');
  all.auth_signature = hmacHex(app.secret, `${method}\n${path}\n${canonical}`);
  const query = new URLSearchParams(all).toString().replaceAll('+', '%20');
  const answer = await fetch(`${url}${path}?${query}`, {
    method,
    headers: { 'Content-Type': 'application/json', ...headers },
    ...(text !== '' && { body: text }),
  });
  return { status: answer.status, text: await lineOf(answer), headers: answer.headers };
}

/** `POST /apps/:id/events`. */
export function trigger(url: string, body: unknown, options: RequestOptions = {}): Promise<ApiAnswer> {
  return call(url, 'POST', `/apps/${options.app?.id ?? APP.id}/events`, { ...options, body });
}

/** `GET /apps/:id/…`, parsed. */
export async function read(url: string, path: string, params: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const { status, text } = await call(url, 'GET', `/apps/${APP.id}${path}`, { params });
  if (status !== 200) throw new Error(`${status}: ${text}`);
  return JSON.parse(text);
}
