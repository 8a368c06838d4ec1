import { totalmem } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
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

const get = async (path: string): Promise<[number, string]> => {
  const answer = await fetch(`${broker.url}${path}`);
  return [answer.status, await answer.text()];
};

test('a broker that runs is alive and ready', async () => {
  broker = await startBroker();
  for (const path of ['/', '/ready', '/accept-traffic']) expect(await get(path)).toEqual([200, 'OK']);
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
