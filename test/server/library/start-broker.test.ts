import PusherServer from 'pusher';
import { afterEach, expect, test } from 'vitest';
import { startBroker } from '../../../server/library/index.ts';
import type { Broker, BrokerObserver, BrokerSettings } from '../../../types/index.d.ts';
import { RawClient } from '../../support/raw-client.ts';

const APP = { id: '7', key: 'library-key', secret: 'library-secret', enableClientMessages: true };
const SETTINGS = { host: '127.0.0.1', port: 0, 'appManager.array.apps': [APP] };

const brokers: Broker[] = [];
afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.close()));
});

async function start(settings: BrokerSettings = SETTINGS, observer: BrokerObserver = {}): Promise<Broker> {
  const broker = await startBroker(settings, { observer, log: () => {} });
  brokers.push(broker);
  return broker;
}

test('says where it listens and which apps it has', async () => {
  const broker = await start();
  expect(broker).toMatchObject({
    url: `http://127.0.0.1:${broker.port}`,
    wsUrl: `ws://127.0.0.1:${broker.port}`,
    app: { id: '7', key: 'library-key', secret: 'library-secret' },
  });
  expect(broker.port).toBeGreaterThan(0);
  const { app, url, port } = broker;
  const backend = new PusherServer({ appId: app.id, ...app, host: '127.0.0.1', port: String(port) });
  expect((await backend.get({ path: '/channels' })).status).toBe(200);
  expect((await fetch(`${url}/ready`)).status).toBe(200);
});

/** Cause: credentials were read from `key` and `secret` of the settings. Symptom: both were empty for an app that has a list of keys. */
test('an app with a list of keys has the first of them', async () => {
  const keys = [
    { key: 'first-key', secret: 'first-secret' },
    { key: 'second-key', secret: 'second-secret' },
  ];
  const { app, apps } = await start({ ...SETTINGS, 'appManager.array.apps': [{ id: '7', keys }] });
  expect(app).toEqual({ id: '7', key: 'first-key', secret: 'first-secret' });
  expect(apps).toEqual([app]);
});

test('makes an app where the settings have none', async () => {
  const { app, apps } = await start({ host: '127.0.0.1', port: 0 });
  expect(apps).toEqual([app]);
  expect(app.secret.length).toBeGreaterThan(10);
});

test('publishes to every subscriber but the one that is left out', async () => {
  const broker = await start();
  const [one, other] = await Promise.all([
    RawClient.connect(broker.wsUrl, { key: APP.key }),
    RawClient.connect(broker.wsUrl, { key: APP.key }),
  ]);
  await Promise.all([one.subscribed('orders'), other.subscribed('orders')]);
  await broker.publish('orders', 'order.created', { id: 1 }, { except: one.socketId });
  await broker.publish(['orders'], 'order.paid', '{"id":1}');
  expect(await other.next('order.created')).toMatchObject({ channel: 'orders', data: '{"id":1}' });
  expect(await other.next('order.paid')).toMatchObject({ data: '{"id":1}' });
  // The first that this one gets.
  expect(await one.next()).toMatchObject({ event: 'order.paid' });
});

test('refuses what the HTTP API would refuse', async () => {
  const broker = await start();
  await expect(broker.publish('no spaces', 'event', {})).rejects.toThrow('no spaces');
  await expect(broker.publish('orders', 'event', 'x'.repeat(200_000))).rejects.toThrow('exceeds the allowed maximum');
  await expect(broker.publish('orders', 'event', {}, { appId: '8' })).rejects.toThrow('The settings have no app 8');
});

test('tells an observer what happens, in order', async () => {
  const told: unknown[] = [];
  const names = ['connected', 'subscribed', 'published', 'clientEvent', 'unsubscribed', 'disconnected'] as const;
  let closed = (): void => {};
  const isClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const observer = Object.fromEntries(names.map((name) => [name, (event: object) => told.push([name, event])]));
  const broker = await start(SETTINGS, {
    ...observer,
    channelOccupied: (event) => told.push(['channelOccupied', event]),
    disconnected: (event) => {
      told.push(['disconnected', event]);
      closed();
    },
  });
  const client = await RawClient.connect(broker.wsUrl, { key: APP.key });
  const { socketId } = client;
  await client.subscribed('orders');
  await broker.publish('orders', 'order.created', { id: 1 });
  await client.close();
  await isClosed;
  expect(told).toEqual([
    ['connected', { appId: '7', socketId, ip: '127.0.0.1', userAgent: expect.any(String) }],
    ['channelOccupied', { appId: '7', channel: 'orders' }],
    ['subscribed', { appId: '7', socketId, channel: 'orders', member: undefined }],
    ['published', { appId: '7', channels: ['orders'], event: 'order.created', data: '{"id":1}' }],
    ['unsubscribed', { appId: '7', socketId, channel: 'orders' }],
    ['disconnected', { appId: '7', socketId, code: 1005, reason: expect.any(String) }],
  ]);
});

test('names every problem of the settings', async () => {
  const wrong = { prot: 1, 'appManager.array.apps': [{ id: '1', key: 'k', secret: 's', maxConnection: 3 }] };
  await expect(startBroker(wrong)).rejects.toThrow(
    /startBroker {2}prot: unknown setting\. Did you mean port\?\nstartBroker .*maxConnection: unknown setting\. Did you mean maxConnections\?/,
  );
  await expect(startBroker({ 'admin.enabled': true, workers: 2 })).rejects.toThrow(
    'startBroker  admin.enabled: only kulkul start has it.\nstartBroker  workers: only kulkul start has it.',
  );
});

test('reads neither the environment nor a .env file', async () => {
  process.env.KULKUL_PATH_PREFIX = '/elsewhere';
  try {
    const { url } = await start();
    expect((await fetch(`${url}/ready`)).status).toBe(200);
  } finally {
    delete process.env.KULKUL_PATH_PREFIX;
  }
});

test('says that the port is taken', async () => {
  const { port } = await start();
  await expect(startBroker({ ...SETTINGS, port }, { log: () => {} })).rejects.toThrow(String(port));
});
