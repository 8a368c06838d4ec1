import { once } from 'node:events';
import PusherSdk from 'pusher';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { APP } from '../support/broker.ts';
import { type BrokerProcess, run, startProcess } from '../support/process.ts';
import { until } from '../support/until.ts';

interface WebServer {
  listen(place: { host: string; port: number }): Promise<string>;
  close(): Promise<void>;
}

const CONFIG = new URL('../../examples/monitoring/kulkul.json', import.meta.url).pathname;
const { createWebServer } = (await import(
  new URL('../../examples/monitoring/web-server.mjs', import.meta.url).href
)) as { createWebServer(parts: Readonly<Record<string, unknown>>): Promise<WebServer> };

let broker: BrokerProcess;
let url: string;

/** The application before a broker that pings every second, and waits another for the answer: 54 and 6 in kulkul.json. */
beforeAll(async () => {
  broker = await startProcess({
    apps: [{ ...APP, feeds: [{ path: '/ws', channel: 'monitor' }] }],
    settings: { 'feeds.pingIntervalSeconds': 1, pongTimeoutSeconds: 1, 'limits.trustedProxies': ['127.0.0.1'] },
  });
  const server = await createWebServer({ brokerUrl: broker.url, page: new Map(), agentToken: 'x' });
  url = `${(await server.listen({ host: '127.0.0.1', port: 0 })).replace('http', 'ws')}/ws`;
  return () => server.close();
});

async function open(options: { readonly autoPong?: boolean } = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, options);
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

async function connectionsAtBroker(): Promise<number> {
  const answer = await fetch(`${broker.url}/usage`);
  return ((await answer.json()) as { connections: number }).connections;
}

test('readers are pinged after 54 seconds, and dropped after 60', async () => {
  const { stdout } = await run(['config', '--config', CONFIG]);
  expect(stdout).toMatch(/feeds\.pingIntervalSeconds\s+= 54\b/);
  expect(stdout).toMatch(/pongTimeoutSeconds\s+= 6\b/);
});

test('a reader that answers pings stays, one that does not is dropped', async () => {
  const alive = await open();
  const dead = await open({ autoPong: false });
  let pings = 0;
  alive.on('ping', () => {
    pings += 1;
  });
  const [code] = (await once(dead, 'close')) as [number];
  expect(code).toBe(4201);
  await until(() => pings >= 3);
  expect(alive.readyState).toBe(WebSocket.OPEN);
  alive.close();
  await until(async () => (await connectionsAtBroker()) === 0);
});

test('what a reader pings, the broker answers', async () => {
  const reader = await open();
  reader.ping('hello');
  const [payload] = (await once(reader, 'pong')) as [Buffer];
  expect(payload.toString()).toBe('hello');
});

// A reader that takes nothing had everything that was sent to it pile up in the application.
test('a reader that takes nothing is dropped, and the others get everything', async () => {
  const reader = await open();
  const stuck = await open();
  let received = 0;
  reader.on('message', () => {
    received += 1;
  });
  const [host, port] = ['127.0.0.1', String(broker.port)];
  const sdk = new PusherSdk({ appId: APP.id, key: APP.key, secret: APP.secret, host, port, useTLS: false });
  await sdk.trigger('monitor', 'x', '"first"');
  await until(() => received === 1);
  stuck.pause();
  let sent = 1;
  for (; (await connectionsAtBroker()) > 1; sent += 1)
    await sdk.trigger('monitor', 'x', JSON.stringify('x'.repeat(90_000)));
  await until(() => received === sent);
});
