import { afterAll, beforeAll, expect, test } from 'vitest';
import { trigger } from '../support/api-client.ts';
import { Cluster } from './cluster.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 2 });
});
afterAll(() => cluster.stop());

// A node that stopped closed all connections without waiting for Redis: its backend saw a reset for an event that was delivered, and sent it
// again.
test('a node that stops answers the requests that it has taken, on connections that it then closes', async () => {
  const [stopping, other] = [cluster.node(0), cluster.node(1)];
  const listener = await other.connect();
  await listener.subscribed('private-scada');
  // The answer of Redis is late by this, and the event is delivered before.
  stopping.wire.delayMs = 300;
  const numbers = ['0', '1', '2', '3', '4'];
  const requests = numbers.map((data) => trigger(stopping.url, { name: 'e', channel: 'private-scada', data }));
  const answers = Promise.all(requests);
  const heard: unknown[] = [];
  while (heard.length < numbers.length) {
    const { event, data } = await listener.next();
    if (event === 'e') heard.push(data);
  }
  stopping.broker.signal('SIGTERM');
  const facts = (await answers).map(({ status, headers }) => [status, headers.get('connection')]);
  expect(facts).toEqual(numbers.map(() => [200, 'close']));
  stopping.wire.delayMs = 0;
  expect(await stopping.broker.exited).toEqual({ code: 0, signal: null });
  expect(heard.sort()).toEqual(numbers);
});
