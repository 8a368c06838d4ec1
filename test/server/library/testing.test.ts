import PusherServer from 'pusher';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestBroker } from '../../../server/library/testing.ts';
import type { TestBroker } from '../../../types/testing.d.ts';
import { RawClient } from '../../support/raw-client.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startTestBroker();
});
beforeEach(() => broker.reset());
afterAll(() => broker.close());

const connect = (): Promise<RawClient> => RawClient.connect(broker.wsUrl, { key: broker.app.key });

test('answers an event that comes later, and each that came already once', async () => {
  const backend = new PusherServer(broker.serverOptions);
  const waiting = broker.received('orders', 'order.created');
  await backend.trigger('orders', 'order.created', { id: 1 });
  expect(await waiting).toEqual({ channel: 'orders', event: 'order.created', data: { id: 1 }, socketId: undefined });
  await broker.publish(['orders', 'audit'], 'order.created', { id: 2 });
  await broker.publish('orders', 'order.created', 'plain text');
  expect((await broker.received('orders', 'order.created')).data).toEqual({ id: 2 });
  expect((await broker.received('orders', 'order.created')).data).toBe('plain text');
  expect((await broker.received('audit', 'order.created')).data).toEqual({ id: 2 });
  expect(broker.events).toHaveLength(4);
});

test('says what came instead', async () => {
  await broker.publish('orders', 'order.paid', {});
  await expect(broker.received('orders', 'order.created', { timeoutMs: 1 })).rejects.toThrow(
    'No event order.created on orders. Published, the last at the end: order.paid on orders (waited 1 ms)',
  );
  broker.reset();
  await expect(broker.received('orders', 'order.paid', { timeoutMs: 1 })).rejects.toThrow('Nothing was published');
});

test('knows who is subscribed, and waits for it', async () => {
  const waiting = broker.subscribed('orders', 2);
  const clients = await Promise.all([connect(), connect()]);
  for (const client of clients) await client.subscribed('orders');
  const ids = clients.map(({ socketId }) => socketId);
  expect(await waiting).toEqual(ids);
  expect(broker.subscribers('orders')).toEqual(ids);
  expect(broker.subscribers('nobody')).toEqual([]);
  for (const client of clients) await client.close();
});

test('says why nobody is subscribed', async () => {
  const client = await connect();
  client.send({ event: 'pusher:subscribe', data: { channel: 'private-orders', auth: 'test-key:wrong' } });
  await client.next('pusher:error');
  await expect(broker.subscribed('private-orders', 1, { timeoutMs: 1 })).rejects.toThrow(
    /private-orders has 0 of 1 subscribers\. Refused: private-orders: .*ignature/,
  );
  await client.close();
});

test('an app of its own takes the place of the one that is made', async () => {
  const other = await startTestBroker({ appId: '1', appKey: 'own-key', appSecret: 'own-secret' });
  expect(other.apps).toEqual([{ id: '1', key: 'own-key', secret: 'own-secret' }]);
  expect(other.environment).toMatchObject({ PUSHER_APP_KEY: 'own-key', PUSHER_PORT: String(other.port) });
  await other.close();
});
