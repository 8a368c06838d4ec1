import * as crypto from 'node:crypto';
import type { HttpResponse, TemplatedApp } from '../../server/uws.ts';
import { BENCH_APP } from '../servers/bench-app.ts';
import type { Feed } from './feed.ts';

interface TriggerBody {
  readonly name: string;
  readonly channels: readonly string[];
  readonly data: string;
}

interface BatchBody {
  readonly batch: readonly { readonly name: string; readonly channel: string; readonly data: string }[];
}

const secret = crypto.createSecretKey(Buffer.from(BENCH_APP.secret));
/** One native call for the whole hash; Node has it from 20.12 on. */
const hash = (body: Uint8Array): string => crypto.hash('md5', body, 'hex');

/**
 * Takes events by HTTP.
 *
 * @param verifies - MD5 and HMAC are checked. The query is taken as sorted already, as the load generators and most SDKs send it.
 */
export function serveApi(app: TemplatedApp, verifies: boolean, feed: Feed | undefined): void {
  app.post('/*', (res, req) => {
    const path = verifies ? req.getUrl() : '';
    const query = verifies ? req.getQuery() : '';
    let first: Buffer | undefined;
    res.onAborted(() => {});
    res.onData((chunk, isLast) => {
      if (isLast && !first) {
        answer(res, path, query, Buffer.from(chunk));
        return;
      }
      const part = Buffer.from(chunk.slice(0));
      first = first ? Buffer.concat([first, part]) : part;
      if (isLast) answer(res, path, query, first);
    });
  });

  function answer(res: HttpResponse, path: string, query: string, body: Buffer): void {
    if (verifies && !isSigned(path, query, body)) {
      res.writeStatus('401 Unauthorized').end();
      return;
    }
    const content = JSON.parse(body.toString()) as TriggerBody | BatchBody;
    if ('batch' in content) {
      for (const { name, channel, data } of content.batch) publish(name, [channel], data);
    } else {
      publish(content.name, content.channels, content.data);
    }
    res.end('{}');
  }

  function publish(event: string, channels: readonly string[], data: string): void {
    if (feed) {
      feed.publish(data);
      return;
    }
    const head = `{"event":${JSON.stringify(event)},"channel":`;
    const tail = `,"data":${JSON.stringify(data)}}`;
    for (const channel of channels) app.publish(channel, head + JSON.stringify(channel) + tail);
  }
}

function isSigned(path: string, query: string, body: Buffer): boolean {
  const signatureAt = query.lastIndexOf('&auth_signature=');
  const signed = query.slice(0, signatureAt);
  const hmac = crypto.createHmac('sha256', secret).update(`POST\n${path}\n${signed}`).digest('hex');
  return signed.endsWith(`body_md5=${hash(body)}`) && query.slice(signatureAt + 16) === hmac;
}
