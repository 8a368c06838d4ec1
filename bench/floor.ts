/**
 * The floor: a bare uWebSockets.js server that does only what no broker can avoid, with what Node and uWebSockets.js offer. It speaks
 * just enough of the protocol for the load generators, believes everything, checks no limit and keeps nothing by itself.
 *
 * - `POST …`: JSON.parse of the body, one JSON.stringify of the frame, one native publish, `{}`.
 * - with `--verify` also: MD5 of the body compared with `body_md5`, HMAC-SHA256 of method, path and query compared with
 *   `auth_signature`. The query is taken as sorted already, as the load generators and most SDKs send it.
 * - WebSocket: upgrade, `pusher:connection_established` with a number of its own, JSON.parse of `pusher:subscribe`, native
 *   subscribe, `subscription_succeeded`.
 *
 * The first line it prints is its port.
 */
import * as crypto from 'node:crypto';
import { createApp, EXCLUSIVE_PORT, type HttpResponse, listenOn, localPort, NO_COMPRESSION } from '../server/uws.ts';
import { BENCH_APP } from './servers/bench-app.ts';

interface TriggerBody {
  readonly name: string;
  readonly channels: readonly string[];
  readonly data: string;
}

interface SubscribeFrame {
  readonly data: { readonly channel: string };
}

const verifies = process.argv.includes('--verify');
const secret = crypto.createSecretKey(Buffer.from(BENCH_APP.secret));
/** One native call for the whole hash; Node has it from 20.12 on. */
const hash = (body: Uint8Array): string => crypto.hash('md5', body, 'hex');
const app = createApp();
let connections = 0;

app.ws('/*', {
  compression: NO_COMPRESSION,
  idleTimeout: 960,
  sendPingsAutomatically: false,
  open(ws) {
    connections += 1;
    const data = `{"socket_id":"${connections}.1","activity_timeout":120}`;
    ws.send(`{"event":"pusher:connection_established","data":${JSON.stringify(data)}}`);
  },
  message(ws, message) {
    const { channel } = (JSON.parse(Buffer.from(message).toString()) as SubscribeFrame).data;
    ws.subscribe(channel);
    ws.send(`{"event":"pusher_internal:subscription_succeeded","channel":${JSON.stringify(channel)},"data":"{}"}`);
  },
});

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
  const { name: event, channels, data } = JSON.parse(body.toString()) as TriggerBody;
  for (const channel of channels) app.publish(channel, JSON.stringify({ event, channel, data }));
  res.end('{}');
}

function isSigned(path: string, query: string, body: Buffer): boolean {
  const signatureAt = query.lastIndexOf('&auth_signature=');
  const signed = query.slice(0, signatureAt);
  const hmac = crypto.createHmac('sha256', secret).update(`POST\n${path}\n${signed}`).digest('hex');
  return signed.endsWith(`body_md5=${hash(body)}`) && query.slice(signatureAt + 16) === hmac;
}

const socket = listenOn(app, '127.0.0.1', 0, EXCLUSIVE_PORT);
if (!socket) throw new Error('the floor can not listen on loopback');
process.stdout.write(`${localPort(socket)}\n`);
