import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** A request that is answered once, over a connection of its own. */
export interface HttpQuestion {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the beginning to the end of the answer. */
  readonly timeoutMs: number;
  /** Takes any certificate: for a look behind one that is wrong. */
  readonly trustsAll?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The first `MAX_BODY_BYTES`. */
  readonly text: string;
}

/** A list of very many channels, with room. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** Follows no redirects. Rejects with what the network, TLS or the parser of HTTP says. */
export function exchange({
  url,
  method = 'GET',
  headers = {},
  body,
  timeoutMs,
  trustsAll,
}: HttpQuestion): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? requestHttps : requestHttp;
    const signal = AbortSignal.timeout(timeoutMs);
    const fail = (error: Error): void => reject(signal.aborted ? new NoAnswer(timeoutMs, error) : error);
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const options = {
      method,
      headers: { ...headers, ...length, Connection: 'close' },
      agent: false,
      signal,
      ...(trustsAll && { rejectUnauthorized: false }),
    };
    request(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('error', fail);
      response.on('data', (chunk: Buffer) => {
        if (bytes < MAX_BODY_BYTES) chunks.push(chunk);
        bytes += chunk.length;
      });
      response.on('end', () => {
        const texts = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(texts), text });
      });
    })
      .on('error', fail)
      .end(body);
  });
}

/** Like an error of the network. */
class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  readonly code = 'ETIMEDOUT';

  constructor(timeoutMs: number, cause: Error) {
    super(`no answer within ${timeoutMs / 1000} s`, { cause });
  }
}
