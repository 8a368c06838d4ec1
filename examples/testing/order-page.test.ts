// @vitest-environment jsdom
import { startTestBroker, type TestBroker } from 'kulkul/testing';
import Echo from 'laravel-echo';
import Pusher from 'pusher-js';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { listOrders } from './order-page.ts';

let broker: TestBroker;
let echo: Echo<'pusher'>;

beforeAll(async () => {
  broker = await startTestBroker();
  echo = new Echo({ broadcaster: 'pusher', Pusher, key: broker.app.key, ...broker.clientOptions });
});
afterAll(async () => {
  echo.disconnect();
  await broker.close();
});

test('the page shows an order when it is created', async () => {
  const list = document.createElement('ul');
  listOrders(echo, list);
  await broker.subscribed('orders');
  await broker.publish('orders', 'order.created', { id: 7, total: '12.50' });
  await vi.waitFor(() => expect(list.textContent).toBe('Order 7: 12.50'));
});
