/**
 * The floor: a bare uWebSockets.js server that does only what no broker can avoid, with what Node and uWebSockets.js offer. It speaks
 * just enough of the protocol for the load generators, believes everything, checks no limit and keeps nothing by itself.
 *
 * - `POST …`: JSON.parse of the body, name and data written as JSON once, one native publish per channel, `{}`.
 * - WebSocket: upgrade, `pusher:connection_established` with a number of its own, JSON.parse of what comes; native
 *   subscribe and unsubscribe, `subscription_succeeded`, `pong`. A client event is one JSON.stringify and one native publish.
 * - with `--verify` also: MD5 of the body compared with `body_md5`, HMAC-SHA256 of method, path and query compared with
 *   `auth_signature`; HMAC-SHA256 of socket id, channel and channel data compared with `auth`.
 * - a presence channel keeps its members by id, and shows them.
 * - with `--feed`: a feed by WebSocket and as Server-Sent Events.
 * - with `--tls CERT KEY`: all of it by TLS.
 *
 * The first line it prints is its port.
 */
import { createApp, createTlsApp, EXCLUSIVE_PORT, listenOn, localPort } from '../../server/uws.ts';
import { serveApi } from './api.ts';
import { serveClients } from './clients.ts';
import { serveFeed } from './feed.ts';

const flags = process.argv.slice(2);
const verifies = flags.includes('--verify');
const tlsAt = flags.indexOf('--tls');
const [cert, key] = tlsAt < 0 ? [] : flags.slice(tlsAt + 1);
const app = cert && key ? createTlsApp({ cert_file_name: cert, key_file_name: key }) : createApp();

const feed = flags.includes('--feed') ? serveFeed(app) : undefined;
serveClients(app, verifies);
serveApi(app, verifies, feed);

const socket = listenOn(app, '127.0.0.1', 0, EXCLUSIVE_PORT);
if (!socket) throw new Error('the floor can not listen on loopback');
process.stdout.write(`${localPort(socket)}\n`);
