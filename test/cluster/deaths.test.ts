import { afterEach, beforeEach, expect, test } from 'vitest';
import { read } from '../support/api-client.ts';
import type { RawClient } from '../support/raw-client.ts';
import { untilEqual } from '../support/until.ts';
import { Cluster } from './cluster.ts';
import { MemberWatcher } from './member-watcher.ts';

const ROOM = 'presence-room';
const SWEPT = 'another node was lost';

let cluster: Cluster;
beforeEach(async () => {
  cluster = await Cluster.start();
});
afterEach(() => cluster.stop());

async function enter(node: number, userId: string): Promise<MemberWatcher> {
  return MemberWatcher.entered(await cluster.node(node).connect(), ROOM, userId);
}

/** The next count that subscribers of a channel are told. */
async function toldCount(client: RawClient): Promise<number> {
  for (;;) {
    const { event, data } = await client.next();
    if (event !== 'pusher_internal:subscription_count') continue;
    return (JSON.parse(String(data)) as { subscription_count: number }).subscription_count;
  }
}

test('a node that is killed takes its members, counts and users with it, which one survivor announces once', async () => {
  const [a, b, c] = [cluster.node(0), cluster.node(1), cluster.node(2)];
  const survivors = [await enter(0, 'ann'), await enter(1, 'bob')];
  // Bob's second tab dies, he himself stays.
  for (const id of ['bob', 'cid', 'cid', 'dan']) await enter(2, id);
  const reader = await a.connect();
  reader.signIn('{"id":"eve","watchlist":["cid"]}');
  await reader.next('pusher:signin_success');
  await reader.next('pusher_internal:watchlist_events');
  const user = await c.connect();
  user.signIn('{"id":"cid"}');
  await user.next('pusher:signin_success');
  expect(await reader.next('pusher_internal:watchlist_events')).toMatchObject({
    data: '{"events":[{"name":"online","user_ids":["cid"]}]}',
  });
  await reader.subscribed('news');
  await user.subscribed('news');
  await user.subscribed('only-there');
  while ((await toldCount(reader)) !== 2);

  await c.broker.kill();
  for (const survivor of survivors) await survivor.until(() => survivor.members?.size === 2);
  await untilEqual(() => a.summary('news'), { occupied: true, subscription_count: 1 });
  // The survivor's last step is the log line.
  await Promise.race([a.broker.logged(SWEPT), b.broker.logged(SWEPT)]);
  for (const node of [a, b]) {
    expect(await node.users(ROOM)).toEqual(['ann', 'bob']);
    expect(await read(node.url, '/channels')).toEqual({ channels: { news: {}, [ROOM]: {} } });
    expect(await node.summary(ROOM)).toEqual({ occupied: true, user_count: 2 });
  }
  for (const survivor of survivors) {
    await survivor.flush();
    expect(survivor.contradictions).toEqual([]);
    expect(survivor.changes.filter((change) => change.startsWith('-')).sort()).toEqual(['-cid', '-dan']);
  }
  const told = (await reader.flush()).map((text) => JSON.parse(text));
  expect(told.filter(({ event }) => event === 'pusher_internal:watchlist_events')).toEqual([
    expect.objectContaining({ data: '{"events":[{"name":"offline","user_ids":["cid"]}]}' }),
  ]);
  expect(told.filter(({ event }) => event === 'pusher_internal:subscription_count')).toEqual([
    expect.objectContaining({ data: '{"subscription_count":1}' }),
  ]);
  expect(cluster.logged(SWEPT)).toHaveLength(1);
});

test('a node that hangs is taken out and comes back with what it really has, and nobody sees a user twice', async () => {
  const stopped = cluster.node(2);
  const [ann, bob] = [await enter(0, 'ann'), await enter(1, 'bob')];
  const [cid, dan] = [await enter(2, 'cid'), await enter(2, 'dan')];
  // Has a page on a living node too.
  await enter(2, 'bob');
  const reader = await stopped.connect();
  await reader.subscribed('news');
  await ann.until(() => ann.members?.size === 4);
  stopped.broker.signal('SIGSTOP');
  for (const watcher of [ann, bob]) {
    await watcher.until(() => watcher.members?.size === 2);
    expect(watcher.roster).toEqual(['ann', 'bob']);
  }
  await untilEqual(() => cluster.node(0).summary('news'), { occupied: false, subscription_count: 0 });
  // Goes and comes while the node is not there to see it.
  dan.client.ws.terminate();
  const eve = await enter(0, 'eve');
  stopped.broker.signal('SIGCONT');
  const everybody = ['ann', 'bob', 'cid', 'eve'];
  for (const node of cluster.nodes) await untilEqual(() => node.users(ROOM), everybody);
  // Its own clients as well are told what changed.
  for (const watcher of [ann, bob, eve, cid]) {
    await untilEqual(() => watcher.roster, everybody);
    await watcher.flush();
    expect(watcher.contradictions).toEqual([]);
    expect(watcher.roster).toEqual(everybody);
  }
  await untilEqual(() => cluster.node(0).summary('news'), { occupied: true, subscription_count: 1 });
  expect(await stopped.publish('news', 'e', '1')).toBe(200);
  for (let event = ''; event !== 'e'; ) ({ event } = await reader.next());
});
