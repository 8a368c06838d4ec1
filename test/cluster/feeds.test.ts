import { afterAll, beforeAll, expect, test } from 'vitest';
import { FEEDS_APP, token } from '../server/feeds/feeds-app.ts';
import { call } from '../support/api-client.ts';
import { RawClient } from '../support/raw-client.ts';
import { StreamReader } from '../support/stream-reader.ts';
import { Cluster } from './cluster.ts';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 2, apps: [FEEDS_APP] });
});
afterAll(() => cluster.stop());

test('an event published on one node reaches the feeds of the other, and the last one those who come later', async () => {
  const [one, two] = [cluster.node(0), cluster.node(1)];
  const stream = await StreamReader.open(`${two.url}/feeds/last`);
  expect(await one.publish('state', 'e', 'first')).toBe(200);
  const first = await stream.nextEvent();
  expect(first).toMatchObject({ data: 'first' });
  const socket = new RawClient(`${two.wsUrl}/feeds/last-event`);
  expect(await socket.nextText()).toBe('{"event":"e","channel":"state","data":"first"}');

  // The id means the same event on every node.
  const elsewhere = await StreamReader.open(`${one.url}/feeds/last`, { 'Last-Event-ID': first.id ?? '' });
  expect(await two.publish('state', 'e', 'second')).toBe(200);
  expect(await elsewhere.nextData()).toBe('second');
  expect(await stream.nextData()).toBe('second');
  expect(await socket.nextText()).toContain('second');
  stream.close();
  elsewhere.close();
  await socket.close();
});

test('the last event of a name is the same on all nodes, whatever came after it', async () => {
  const [one, two] = [cluster.node(0), cluster.node(1)];
  expect(await one.publish('servers', 'metrics', 'first')).toBe(200);
  expect(await one.publish('servers', 'alert', 'hot')).toBe(200);
  const socket = new RawClient(`${two.wsUrl}/feeds/named`);
  expect(await socket.nextText()).toBe('first');
  expect(await two.publish('servers', 'metrics', 'second')).toBe(200);
  expect(await socket.nextText()).toBe('second');
  const stream = await StreamReader.open(`${one.url}/feeds/named`);
  expect(await stream.nextData()).toBe('second');
  for (const node of [one, two]) expect(await (await fetch(`${node.url}/feeds/named`)).text()).toBe('second');
  stream.close();
  await socket.close();
});

test('a reader of a presence channel is a member on all nodes, until it goes', async () => {
  const reader = await StreamReader.open(`${cluster.node(0).url}/feeds/presence?token=${token({ sub: 'reader' })}`);
  const client = await cluster.node(1).connect();
  client.send({ event: 'pusher:subscribe', data: { channel: 'presence-room', auth: token({ sub: 'client' }) } });
  const { data } = await client.next('pusher_internal:subscription_succeeded');
  expect(JSON.parse(String(data))).toMatchObject({ presence: { count: 2 } });
  client.send({ event: 'client-hello', channel: 'presence-room', data: 'hello' });
  expect(await reader.nextEvent()).toMatchObject({ event: 'client-hello', data: 'hello' });
  reader.close();
  expect(await client.next('pusher_internal:member_removed')).toMatchObject({ data: '{"user_id":"reader"}' });
  await client.close();
});

test('access that is taken back on one node ends a reader of the other', async () => {
  const reader = await StreamReader.open(`${cluster.node(0).url}/feeds/private?token=${token({ sub: '7' })}`);
  const path = `/apps/${FEEDS_APP.id}/channels/private-news/users/7`;
  expect((await call(cluster.node(1).url, 'DELETE', path)).status).toBe(200);
  const { isComplete, before } = await reader.ended();
  expect(isComplete).toBe(true);
  expect(before.at(-1)?.comment).toContain('was revoked');
});
