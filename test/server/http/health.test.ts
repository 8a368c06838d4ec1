import { totalmem } from 'node:os';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../server/clock.ts';
import { createMemorySeams } from '../../../server/seams.ts';
import { trigger } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { KeptConnection } from '../../support/kept-connection.ts';
import { RawClient } from '../../support/raw-client.ts';
import { signTarget } from './raw-http.ts';

let broker: TestBroker;
afterEach(() => {
  vi.restoreAllMocks();
  broker.kill();
});

const get = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<[number, string]> => {
  const answer = await fetch(`${broker.url}${path}`, { headers });
  return [answer.status, await answer.text()];
};

test('a broker that runs is alive and ready', async () => {
  broker = await startBroker();
  for (const path of ['/', '/live', '/ready', '/accept-traffic']) expect(await get(path)).toEqual([200, 'OK']);
});

test('/up answers as Reverb does, whoever asks', async () => {
  broker = await startBroker({ pathPrefix: '/ws' });
  for (const path of ['/up', '/ws/up']) expect(await get(path)).toEqual([200, '{"health":"OK"}']);
});

test('above the memory threshold it is alive, but not ready, and works on', async () => {
  broker = await startBroker({ 'httpApi.acceptTraffic.memoryThreshold': 50 });
  vi.spyOn(process.memoryUsage, 'rss').mockReturnValue(Math.min(totalmem(), process.constrainedMemory() || totalmem()));
  const reason = 'Not ready: 100 % of the memory is in use, threshold 50 % (httpApi.acceptTraffic.memoryThreshold)';
  expect(await get('/ready')).toEqual([503, reason]);
  expect(await get('/accept-traffic')).toEqual([503, reason]);
  expect(await get('/')).toEqual([200, 'OK']);
  expect((await trigger(broker.url, { name: 'e', channel: 'c', data: '' })).status).toBe(200);
});

test('/usage counts connections and memory', async () => {
  broker = await startBroker();
  const client = await RawClient.connect(broker.wsUrl);
  const [status, text] = await get('/usage');
  expect(status).toBe(200);
  const { connections, memory } = JSON.parse(text) as { connections: number; memory: Record<string, number> };
  expect(connections).toBe(1);
  expect(memory).toEqual({
    free: expect.any(Number),
    used: expect.any(Number),
    total: expect.any(Number),
    percent: expect.any(Number),
  });
  expect(Number(memory.used) + Number(memory.free)).toBe(memory.total);
  await client.close();
});

test('while it stops it listens no more, and tells and serves who still asks by a connection from before', async () => {
  broker = await startBroker({ 'drain.seconds': 60 }, [APP]);
  const clients = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl)];
  for (const client of clients) await client.subscribed('news');
  const kept = await KeptConnection.openMany(broker.port, 3);
  const ask = async (path: string): Promise<unknown> => await kept.pop()?.get(path);
  void broker.stop();

  const stopping = 'Not ready: stopping, connections are being moved away';
  expect(await ask('/ready')).toEqual({ status: 503, text: stopping, connection: 'close' });
  expect(await ask('/')).toEqual({ status: 200, text: 'OK', connection: 'close' });
  await expect(fetch(`${broker.url}/`)).rejects.toThrow('fetch failed');
  const body = '{"name":"e","channel":"news","data":"last"}';
  const target = signTarget({ method: 'POST', path: `/apps/${APP.id}/events`, body });
  expect(await kept.pop()?.send('POST', target, body)).toMatchObject({ status: 200, connection: 'close' });
  const heard = await Promise.all(clients.map(async (client) => client.next().catch(() => undefined)));
  expect(heard.map((frame) => frame?.event)).toContain('e');
});

// Whoever could reach the port was told where Redis and the database are, and how their connections fail.
describe('what the broker needs is away', () => {
  const TOKEN = '0123456789abcdef';
  const ADDRESS = '10.0.0.5';
  const REDIS = { text: 'Redis is away', detail: `Redis is away (connect ECONNREFUSED ${ADDRESS}:6379)` };
  const DATABASE = `the database of the apps is away (MySQL at ${ADDRESS}:3306: ER_ACCESS_DENIED)`;
  const PATHS = ['/ready', '/accept-traffic'];
  const STRANGERS: readonly Readonly<Record<string, string>>[] = [
    {},
    { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', host: 'localhost' },
    { authorization: 'Bearer wrong' },
    { authorization: `Basic ${TOKEN}` },
    { authorization: 'Bearer ' },
  ];
  const withoutRedis = (token: string) =>
    startBroker({ 'admin.token': token }, undefined, undefined, {
      createSeams: () => ({ ...createMemorySeams(systemClock), problem: () => REDIS }),
    });
  const withoutDatabase = (knownIds: readonly string[]) =>
    startBroker({ 'admin.token': TOKEN }, undefined, undefined, {
      directory: {
        byId: () => undefined,
        byKey: () => undefined,
        feedAt: () => undefined,
        only: () => undefined,
        known: () => undefined,
        knownIds,
        problem: DATABASE,
        onChange: () => {},
        refresh: async () => {},
        close: async () => {},
      },
    });

  test('strangers are told what, and neither where nor why', async () => {
    broker = await withoutRedis(TOKEN);
    for (const headers of STRANGERS) {
      for (const path of PATHS) expect(await get(path, headers)).toEqual([503, 'Not ready: Redis is away']);
      expect((await get('/usage', headers))[1]).not.toContain(ADDRESS);
    }
    broker.kill();
    broker = await withoutDatabase([]);
    for (const headers of STRANGERS) {
      for (const path of PATHS) {
        expect(await get(path, headers)).toEqual([503, 'Not ready: the database of the apps is away']);
      }
    }
    broker.kill();
    broker = await withoutDatabase(['1']);
    for (const headers of STRANGERS) {
      for (const path of PATHS) {
        expect(await get(path, headers)).toEqual([200, 'OK for apps that are known; the database of the apps is away']);
      }
    }
  });

  test('whoever has the admin token is told all of it', async () => {
    const authorization = `Bearer ${TOKEN}`;
    broker = await withoutRedis(TOKEN);
    for (const path of PATHS) expect(await get(path, { authorization })).toEqual([503, `Not ready: ${REDIS.detail}`]);
    broker.kill();
    broker = await withoutDatabase([]);
    for (const path of PATHS) expect(await get(path, { authorization })).toEqual([503, `Not ready: ${DATABASE}`]);
  });

  test('nobody is who has no token where none is set', async () => {
    broker = await withoutRedis('');
    for (const headers of [...STRANGERS, { authorization: 'Bearer undefined' }]) {
      expect(await get('/ready', headers)).toEqual([503, 'Not ready: Redis is away']);
    }
  });
});
