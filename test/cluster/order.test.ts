import { afterAll, beforeAll, expect, test } from 'vitest';
import { atLength } from '../support/at-length.ts';
import { Cluster } from './cluster.ts';

const EVENTS = atLength(1500, 5000);
/** Of the events; between the two a node is far away from Redis. */
const SLOW_FROM = EVENTS / 5;
const SLOW_TO = EVENTS / 2;
const CHANNEL = 'private-scada';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster.stop());

test('thousands of events of publishers on all nodes reach subscribers on all nodes once and in one order', async () => {
  const { nodes } = cluster;
  const clients = await Promise.all([...nodes, ...nodes].map((node) => node.connect()));
  for (const client of clients) await client.subscribed(CHANNEL);
  let next = 0;
  const publishers = [...nodes, ...nodes, ...nodes].map(async (node, publisher) => {
    let count = 0;
    for (; next < EVENTS; count += 1) {
      next += 1;
      if (next === SLOW_FROM) cluster.node(2).wire.delayMs = 100;
      if (next === SLOW_TO) cluster.node(2).wire.delayMs = 0;
      expect(await node.publish(CHANNEL, 'e', `${publisher}:${count}`)).toBe(200);
    }
    return count;
  });
  const orders = clients.map(async (client) => {
    const order: string[] = [];
    while (order.length < EVENTS) {
      const { event, data } = await client.next();
      if (event === 'e') order.push(String(data));
    }
    expect((await client.flush()).filter((text) => text.includes('"event":"e"'))).toEqual([]);
    return order;
  });
  const counts = await Promise.all(publishers);
  const [first = [], ...others] = await Promise.all(orders);
  for (const order of others) expect(order).toEqual(first);
  // Each publisher's own events are in its order; together they are all there were.
  for (const [publisher, count] of counts.entries()) {
    const own = first.filter((data) => data.startsWith(`${publisher}:`));
    expect(own).toEqual(Array.from({ length: count }, (_, index) => `${publisher}:${index}`));
    expect(count).toBeGreaterThan(1);
  }
  await Promise.all(clients.map((client) => client.close()));
});
