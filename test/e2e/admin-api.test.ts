import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { ConnectionPage, LiveBatch, LiveFigures, NodeList, NodeReport } from '../../server/console/contract.ts';
import { callAdmin } from '../server/admin/admin-broker.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import { freePort } from '../support/free-port.ts';
import { type BrokerOptions, type CommandProcess, run, startProcess } from '../support/process.ts';
import { StreamReader } from '../support/stream-reader.ts';
import { until, untilEqual } from '../support/until.ts';
import { WorkersBroker } from '../support/workers.ts';

const TOKEN = 'a-token-that-nobody-guesses';
const env = { KULKUL_ADMIN_ENABLED: 'true', KULKUL_ADMIN_PORT: '0' };

async function adminOf(
  broker: CommandProcess,
): Promise<(...call: readonly [string, string, unknown?]) => ReturnType<typeof callAdmin>> {
  const url = String((await broker.logged('admin API')).url);
  return (method, path, body) => callAdmin(url, method, path, body);
}

async function startWorkers(options: BrokerOptions = {}): Promise<WorkersBroker> {
  return WorkersBroker.start({ env, ...options }, 2, { key: 'new-key' });
}

describe('with two workers the admin API', () => {
  test.for([
    ['the configuration', {}, 'memory'],
    ['SQLite', { 'appManager.driver': 'sqlite', 'appManager.sqlite.path': 'apps.sqlite' }, 'database'],
  ] as const)('changes apps of %s on all of them', async ([, settings, stored]) => {
    const workers = await startWorkers({ settings });
    const api = await adminOf(workers.broker);
    const app = { ...FULL_APP, id: 'new', key: 'new-key', secret: 'new-secret' };
    expect((await api('POST', '/apps', app)).body.stored).toBe(stored);
    const clients = await workers.clientOfEach();
    for (const client of clients) await client.subscribed('news');
    const usage = { id: 'new', connections: 2, channels: 1, subscriptions: 2, presenceUsers: 0 };
    await untilEqual(async () => (await api('GET', '/apps/new/usage')).body, usage);
    for (const client of clients) {
      await api('DELETE', `/apps/new/channels/news/sockets/${client.socketId}`);
      await until(async () => (await client.next()).event === 'pusher:subscription_error');
    }
    await api('POST', '/apps/new/disable');
    for (const client of clients) expect((await client.closed()).code).toBe(4003);
    await workers.broker.kill();
  });

  test('shows the nodes, connections and events of all of them, and goes on when the one that it asks dies', async () => {
    const workers = await startWorkers({ apps: [{ ...FULL_APP, key: 'new-key' }] });
    const api = await adminOf(workers.broker);
    const nodesOf = async (): Promise<readonly NodeReport[]> =>
      ((await api('GET', '/nodes')).body as unknown as NodeList).nodes;
    const nodes = await nodesOf();
    expect(nodes.map(({ worker, pid, state }) => [worker, pid, state])).toEqual([
      [1, workers.pid(1), 'ready'],
      [2, workers.pid(2), 'ready'],
    ]);
    const url = String((await workers.broker.logged('admin API')).url);
    const live = await StreamReader.ask(`${url}/live?type=subscribed`);
    const data = async (name: string): Promise<Record<string, unknown>> => {
      for (;;) {
        const { event, data: text = '' } = await live.nextEvent();
        if (event === name) return JSON.parse(text);
      }
    };
    const untilBothTell = async (): Promise<void> => {
      for (let told = 0; told < 2; ) {
        const { nodes: reports } = (await data('figures')) as unknown as LiveFigures;
        told = reports.filter(({ state }) => state === 'ready').length;
      }
    };
    await untilBothTell();
    const clients = await workers.clientOfEach();
    const seen: unknown[] = [];
    for (const client of clients) {
      await client.subscribed('news');
      const { facts } = (await data('happened')) as unknown as LiveBatch;
      seen.push(facts.map(({ node, socket, channel }) => [node, socket, channel]));
    }
    expect(seen).toEqual(clients.map(({ socketId }, index) => [[nodes[index]?.id, socketId, 'news']]));
    const page = (await api('GET', `/apps/${APP.id}/connections?channel=news`)).body as unknown as ConnectionPage;
    expect([page.connections.map(({ socket }) => socket), page.silent]).toEqual([
      clients.map(({ socketId }) => socketId).sort(),
      [],
    ]);
    const second = clients[1]?.socketId ?? '';
    expect((await api('POST', `/apps/${APP.id}/connections/${second}/disconnect`)).body).toEqual({
      disconnected: true,
    });
    expect((await clients[1]?.closed())?.code).toBe(4009);
    process.kill(workers.pid(1), 'SIGKILL');
    await workers.broker.logged('worker started', 3);
    await untilBothTell();
    expect((await nodesOf()).map(({ worker, pid }) => [worker, pid])).toEqual([
      [1, workers.pid(1)],
      [2, workers.pid(2)],
    ]);
    live.response.destroy();
    await workers.broker.kill();
  });

  test('still does so on a worker that took the place of one that died', async () => {
    const workers = await startWorkers();
    const api = await adminOf(workers.broker);
    await api('POST', '/apps', { ...FULL_APP, id: 'new', key: 'new-key' });
    process.kill(workers.pid(1), 'SIGKILL');
    await workers.broker.logged('worker started', 3);
    const clients = await workers.clientOfEach();
    expect((await api('POST', '/purge')).status).toBe(200);
    await api('DELETE', '/apps/new');
    for (const client of clients) expect((await client.closed()).code).toBe(4001);
    await workers.broker.kill();
  });

  test('keeps what it changed when the file is reloaded', async () => {
    const workers = await startWorkers();
    const api = await adminOf(workers.broker);
    await api('POST', '/apps', { ...FULL_APP, id: 'new', key: 'new-key' });
    const clients = await workers.clientOfEach();
    const { configFile } = workers.broker;
    const values = JSON.parse(readFileSync(configFile, 'utf8')) as Record<string, unknown>;
    writeFileSync(
      configFile,
      JSON.stringify({ ...values, 'appManager.array.apps': [FULL_APP, { id: '2', key: '2', secret: '2' }] }),
    );
    workers.broker.signal('SIGHUP');
    await workers.broker.logged('apps reloaded: 1 added');
    expect((await api('GET', '/apps')).body.apps).toMatchObject([
      { id: APP.id },
      { id: '2' },
      { id: 'new', stored: 'memory' },
    ]);
    for (const client of clients) expect(await client.flush()).toEqual([]);
    await workers.broker.kill();
  });
});

describe('the command', () => {
  test('does not start with an admin API that anybody could use', async () => {
    const { code, stderr } = await run(['start'], { env: { ...env, KULKUL_ADMIN_HOST: '0.0.0.0' } });
    expect(code).toBe(2);
    expect(stderr).toBe(
      'kulkul: KULKUL_ADMIN_HOST  admin.host: on 0.0.0.0 others can reach the admin API, so it needs admin.token. Create one with: openssl rand -hex 32. Or leave it on 127.0.0.1.\n',
    );
  });

  test('serves it on any address with a token', async () => {
    const broker = await startProcess({ env: { ...env, KULKUL_ADMIN_HOST: '0.0.0.0', KULKUL_ADMIN_TOKEN: TOKEN } });
    const { url, token } = await broker.logged('admin API');
    expect(token).toBe('required');
    const reachable = String(url).replace('0.0.0.0', '127.0.0.1');
    expect((await callAdmin(reachable, 'GET', '/apps')).status).toBe(401);
    const headers = { Authorization: `Bearer ${TOKEN}` };
    expect((await callAdmin(reachable, 'GET', '/apps', undefined, headers)).status).toBe(200);
    expect(broker.stdout).not.toContain(TOKEN);
    broker.signal('SIGTERM');
    expect(await broker.exited).toEqual({ code: 0, signal: null });
  });

  test('does not start when the port that was asked for is taken, and says so', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const ports = { KULKUL_PORT: String(await freePort()), KULKUL_ADMIN_PORT: String(port) };
    const { code, stderr } = await run(['start', '--host', '127.0.0.1'], { env: { ...env, ...ports } });
    taken.close();
    expect(code).toBe(1);
    expect(stderr).toBe(
      `kulkul: Can't listen on 127.0.0.1:${port} for the admin API: another program has port ${port}: stop it, or choose another port with admin.port. To go without: admin.enabled false\n`,
    );
  });

  test('tells a person where it is', async () => {
    const broker = await startProcess({ env, settings: { 'log.format': 'auto' } });
    expect(await broker.printed(/^ {2}console {4}http:/)).toMatch(
      /^ {2}console {4}http:\/\/127\.0\.0\.1:\d+\/console shows in a browser what happens$/,
    );
    expect(await broker.printed(/^ {2}admin API {2}http:/)).toMatch(
      /^ {2}admin API {2}http:\/\/127\.0\.0\.1:\d+ lists what it can do$/,
    );
    await broker.kill();
  });
});
