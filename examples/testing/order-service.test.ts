import { startTestBroker, type TestBroker } from 'kulkul/testing';
import PusherServer from 'pusher';
import PusherClient from 'pusher-js';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createOrder } from './order-service.ts';

let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker();
});
beforeEach(() => broker.reset());
afterAll(() => broker.close());

test('an order is announced', async () => {
  await createOrder(new PusherServer(broker.serverOptions), { id: 7, total: '12.50' });
  const { data } = await broker.received('orders', 'order.created');
  expect(data).toEqual({ id: 7, total: '12.50' });
});

test('a client gets the order', async () => {
  const client = new PusherClient(broker.app.key, broker.clientOptions);
  const order = new Promise((resolve) => client.subscribe('orders').bind('order.created', resolve));
  await broker.subscribed('orders');
  await createOrder(new PusherServer(broker.serverOptions), { id: 8, total: '3.00' });
  expect(await order).toEqual({ id: 8, total: '3.00' });
  client.disconnect();
});
