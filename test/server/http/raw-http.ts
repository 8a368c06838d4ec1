import { createHash } from 'node:crypto';
import { hmacHex } from '../../../auth/hmac.ts';
import { APP } from '../../support/broker.ts';

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Reads the answers of one connection; the requests must all have been answered with a body of known length. */
export function parseAnswers(text: string, bodiless: readonly number[] = []): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = text; rest !== ''; ) {
    const headEnd = rest.indexOf('\r\n\r\n');
    const [statusLine = '', ...lines] = rest.slice(0, headEnd).split('\r\n');
    const headers = new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)] as const),
    );
    const length = bodiless.includes(answers.length) ? 0 : Number(headers.get('content-length') ?? 0);
    const bodyStart = headEnd + 4;
    answers.push({
      status: Number(statusLine.split(' ')[1]),
      headers,
      body: rest.slice(bodyStart, bodyStart + length),
    });
    rest = rest.slice(bodyStart + length);
  }
  return answers;
}

/** A request on the wire. */
export function encodeRequest(method: string, target: string, body = '', headers: readonly string[] = []): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return `${method} ${target} HTTP/1.1\r\n${['Host: x', ...length, ...headers].join('\r\n')}\r\n\r\n${body}`;
}

export interface Signing {
  readonly method?: string;
  /** As on the wire. */
  readonly path: string;
  /** What the client signs as path; else `path`. */
  readonly signedPath?: string;
  /** As on the wire, without the signature's own parameters. */
  readonly query?: string;
  /** `query` as the client signs it, sorted, with `auth_…` between. */
  readonly signedQuery?: (auth: string) => string;
  readonly body?: string;
  readonly timestamp?: number;
  /** The SDK sends the hash of an empty body too. */
  readonly hashesNothing?: boolean;
}

/** Path and query of a request, with the parts of the signature under control. */
export function signTarget({
  method = 'GET',
  path,
  signedPath = path,
  query = '',
  signedQuery = (auth) => (query === '' ? auth : `${auth}&${query}`),
  body = '',
  timestamp = Math.floor(Date.now() / 1000),
  hashesNothing = false,
}: Signing): string {
  const md5 = body === '' && !hashesNothing ? '' : `&body_md5=${createHash('md5').update(body).digest('hex')}`;
  const auth = `auth_key=${APP.key}&auth_timestamp=${timestamp}&auth_version=1.0${md5}`;
  const signature = hmacHex(APP.secret, `${method}\n${signedPath}\n${signedQuery(auth)}`);
  return `${path}?${query === '' ? '' : `${query}&`}${auth}&auth_signature=${signature}`;
}
