import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, expect, test } from 'vitest';
import { MetricsDoor } from '../../../server/metrics/metrics-door.ts';
import { MetricsPage } from '../../../server/metrics/metrics-page.ts';
import { startMetrics } from '../../../server/metrics/start-metrics.ts';
import { loadSettings as load } from '../../support/broker.ts';
import { freePort } from '../../support/free-port.ts';
import { parseMetrics, sumOf } from '../../support/prometheus-text.ts';
import { Authority } from '../../support/tls.ts';
import { type AdminBroker, loadAdminConfig, startAdminBroker } from '../admin/admin-broker.ts';

const TOKEN = 'a-token-of-32-characters-0123456';
const BEARER = { Authorization: `Bearer ${TOKEN}` };

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function start(settings: Readonly<Record<string, unknown>>): Promise<AdminBroker> {
  const broker = await startAdminBroker({ settings: { 'metrics.enabled': true, 'admin.token': TOKEN, ...settings } });
  ends.push(() => broker.stop());
  return broker;
}

/** A server whose clients seem to have connected to some address. */
async function serveAt(address: string, adminHost: string | undefined, host = '0.0.0.0'): Promise<string> {
  const { settings } = loadAdminConfig({});
  const page = new MetricsPage({ fleet: { metrics: () => [] }, settings, port: 6001, version: '1' });
  const door = new MetricsDoor({ page, host, adminHost, log: pino({ level: 'silent' }) });
  const server: Server = createServer((request, response) => {
    const seen = { method: request.method, url: request.url, socket: { localAddress: address } };
    if (!door.takes(seen as IncomingMessage, response)) response.end('the admin API');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  ends.push(() => server.close());
  const { port } = server.address() as { readonly port: number };
  return `http://127.0.0.1:${port}`;
}

const ask = async (url: string, method = 'GET'): Promise<string> => {
  const answer = await fetch(url, { method });
  return `${answer.status} ${(await answer.text()).split('\n')[0]}`;
};

test('from outside there are the metrics, and nothing of the admin API', async () => {
  for (const address of ['192.0.2.7', '::ffff:192.0.2.7']) {
    const url = await serveAt(address, '127.0.0.1');
    expect(await ask(`${url}/metrics`)).toMatch(/^200 # HELP/);
    expect(await ask(`${url}/metrics?x=1`)).toMatch(/^200 # HELP/);
    for (const path of ['/', '/apps', '/console', '/metrics/../apps', '//metrics', '/METRICS']) {
      expect(await ask(`${url}${path}`)).toMatch(/^404 Only \/metrics is served at this address/);
    }
    expect(await ask(`${url}/apps`, 'POST')).toMatch(/^404 /);
    expect(await ask(`${url}/metrics`, 'POST')).toBe('405 Use GET');
  }
});

test('at the address of the admin API that is there, too', async () => {
  const url = await serveAt('127.0.0.1', '127.0.0.1');
  expect(await ask(`${url}/metrics`)).toMatch(/^200 # HELP/);
  expect(await ask(`${url}/apps`)).toBe('200 the admin API');
});

test('where both are on all addresses, metrics.host says where no token is needed', async () => {
  const elsewhere = await serveAt('192.0.2.8', '0.0.0.0', '192.0.2.7');
  expect(await ask(`${elsewhere}/metrics`)).toBe('200 the admin API');
});

test('a metrics.host beyond loopback needs no token for metrics, and opens nothing else', async () => {
  const broker = await start({});
  expect((await broker.api('GET', '/metrics')).status).toBe(200);
  expect((await broker.api('GET', '/apps')).status).toBe(401);
  expect((await broker.api('GET', '/apps', undefined, BEARER)).status).toBe(200);
});

test('on loopback metrics are a part of the admin API, with its token', async () => {
  const broker = await start({ 'metrics.host': '127.0.0.1' });
  expect((await broker.api('GET', '/metrics')).status).toBe(401);
  expect((await broker.api('GET', '/metrics', undefined, BEARER)).status).toBe(200);
});

test('metrics.port moves the admin API, as with Soketi, and admin.port the metrics', async () => {
  const port = await freePort();
  const moved = load({ 'metrics.port': port });
  expect(moved.admin.port).toBe(port);
  expect(load({ 'admin.port': port }).metrics.port).toBe(port);
  const both = load({ 'admin.port': port, 'metrics.port': 9999 });
  expect([both.admin.port, both.metrics.port]).toEqual([port, 9999]);
});

test('with a port of its own, or without the admin API, a server has the metrics alone', async () => {
  const port = await freePort();
  const config = loadAdminConfig({ 'metrics.enabled': true, 'admin.enabled': false, 'metrics.port': port });
  const parts = { fleet: { metrics: () => [] }, port: 6001, version: '1', log: pino({ level: 'silent' }) };
  const server = await startMetrics({ ...parts, config });
  ends.push(() => server?.stop());
  expect(await ask(`http://127.0.0.1:${port}/metrics`)).toMatch(/^200 # HELP/);
  expect(await ask(`http://127.0.0.1:${port}/apps`)).toMatch(/^404 /);
  await expect(startMetrics({ ...parts, config })).rejects.toMatchObject({
    name: 'ListenError',
    message: `Can't listen on 0.0.0.0:${port} for metrics: another program has port ${port}: stop it, or choose another port with metrics.port. To go without: metrics.enabled false`,
  });
});

test('the end of the certificate is told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kulkul-metrics-'));
  ends.push(() => rmSync(folder, { recursive: true }));
  const expires = new Date(Date.now() + 5 * 86_400_000);
  const { cert, key } = await (await Authority.create()).issue({ expires });
  const [certPath, keyPath] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeFileSync(certPath, cert);
  writeFileSync(keyPath, key);
  const broker = await start({ 'ssl.certPath': certPath, 'ssl.keyPath': keyPath });
  const { text } = await broker.api('GET', '/metrics');
  const told = sumOf(parseMetrics(text), 'kulkul_tls_certificate_expiry_timestamp_seconds');
  expect(told).toBe(Math.floor(expires.getTime() / 1000));
});
