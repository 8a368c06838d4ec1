import { afterEach, beforeEach, expect, test } from 'vitest';
import { read, trigger } from '../support/api-client.ts';
import { atLength } from '../support/at-length.ts';
import { FULL_APP } from '../support/broker.ts';
import { until, untilEqual } from '../support/until.ts';
import { Cluster, type ClusterNode } from './cluster.ts';
import { MemberWatcher } from './member-watcher.ts';
import { expectNoSilentLoss, Listener, SteadyPublisher } from './steady.ts';

const ROOM = 'presence-room';
const STEADY = 'private-steady';

let cluster: Cluster;
beforeEach(async () => {
  const feeds = [{ path: '/servers', channel: 'servers', last: 'metrics' }];
  cluster = await Cluster.start({ apps: [{ ...FULL_APP, feeds }] });
});
afterEach(() => cluster.stop());

async function enter(node: number, userId: string): Promise<MemberWatcher> {
  return MemberWatcher.entered(await cluster.node(node).connect(), ROOM, userId);
}

/** A publisher and two listeners on each node, under way. */
async function startTraffic(): Promise<{ publishers: SteadyPublisher[]; listeners: Listener[] }> {
  const both = [...cluster.nodes, ...cluster.nodes];
  const listeners = await Promise.all(both.map(async (node) => Listener.start(await node.connect(), STEADY)));
  const publishers = cluster.nodes.map((node, index) => new SteadyPublisher(node.url, STEADY, `${index}`));
  for (const publisher of publishers) await publisher.goOn(20);
  return { publishers, listeners };
}

async function stopAll(publishers: readonly SteadyPublisher[]): Promise<void> {
  await Promise.all(publishers.map((publisher) => publisher.stop()));
}

async function expectAway(node: ClusterNode): Promise<void> {
  await until(async () => (await node.readiness()).startsWith('503 Not ready: Redis'));
  const answer = await trigger(node.url, { name: 'e', channel: 'private-other', data: '1' });
  expect([answer.status, answer.text]).toEqual([503, expect.stringContaining('Redis')]);
}

async function expectRoster(watchers: readonly MemberWatcher[], users: readonly string[]): Promise<void> {
  for (const node of cluster.nodes) {
    await untilEqual(() => node.users(ROOM), users);
    await untilEqual(() => node.summary(ROOM), { occupied: true, user_count: users.length });
  }
  for (const watcher of watchers) {
    await untilEqual(() => watcher.roster, users);
    await watcher.flush();
    expect(watcher.contradictions).toEqual([]);
  }
}

test('Redis is killed and comes back empty, again and again: nothing that was accepted is lost silently, and all is right again', async () => {
  const [ann, bob, cid] = [await enter(0, 'ann'), await enter(1, 'bob'), await enter(2, 'cid')];
  const readers = await Promise.all(cluster.nodes.map((node) => node.connect()));
  for (const reader of readers) await reader.subscribed('news');
  const { publishers, listeners } = await startTraffic();

  await cluster.redis.kill();
  for (const node of cluster.nodes) await expectAway(node);
  // Comings and goings that the others can only learn of afterwards.
  await cid.client.ws.terminate();
  const dan = MemberWatcher.enter(await cluster.node(2).connect(), ROOM, 'dan');
  await dan.flush();
  await readers[2]?.close();
  await cluster.redis.run();
  await cluster.ready();
  for (const publisher of publishers) await publisher.goOn(20);
  await expectRoster([ann, bob, dan], ['ann', 'bob', 'dan']);
  for (const node of cluster.nodes) {
    await untilEqual(() => node.summary('news'), { occupied: true, subscription_count: 2 });
  }
  for (const { refused } of publishers) expect(refused.length).toBeGreaterThan(0);

  // The moment at which Redis dies matters: it may have answered a publisher and not have told all nodes.
  for (let round = 0; round < atLength(1, 3); round += 1) {
    listeners.push(await Listener.start(await cluster.node(round).connect(), STEADY, publishers));
    for (const publisher of publishers) await publisher.goOn(5);
    await cluster.redis.kill();
    await cluster.redis.run();
    await cluster.ready();
    for (const publisher of publishers) await publisher.goOn(5);
  }
  await stopAll(publishers);
  for (const { refused } of publishers) {
    expect(refused.filter((answer) => !answer.startsWith('503 '))).toEqual([]);
  }
  await expectNoSilentLoss(listeners, publishers);
  await expectRoster([ann, bob, dan], ['ann', 'bob', 'dan']);
});

test('a node that is cut off refuses to publish, and its subscribers that missed something are told; the others go on', async () => {
  const cut = cluster.node(2);
  const [ann, cid] = [await enter(0, 'ann'), await enter(2, 'cid')];
  const idle = await cut.connect();
  await idle.subscribed('private-idle');
  const { publishers, listeners } = await startTraffic();
  // Its subscribers have missed nothing of it, as nothing was published meanwhile.
  const nextEvent = async (): Promise<unknown> => {
    for (;;) {
      const { event, data } = await idle.next();
      if (event === 'e') return data;
    }
  };
  await cluster.node(0).publish('private-idle', 'e', 'before');
  expect(await nextEvent()).toBe('before');
  cut.wire.cut();
  await expectAway(cut);
  for (const publisher of publishers.slice(0, 2)) await publisher.goOn(20);
  expect(await cluster.node(0).readiness()).toBe('200 OK');
  // For longer than its lease: others take its members out.
  await ann.until(() => ann.changes.at(-1) === '-cid');
  expect(await cut.users(ROOM)).toEqual(['cid']);
  cut.wire.mend();
  await cluster.ready();
  for (const publisher of publishers) await publisher.goOn(20);
  await stopAll(publishers);
  await expectNoSilentLoss(listeners, publishers);
  const ends = listeners.map(({ end }) => end?.code);
  expect(ends).toEqual([undefined, undefined, 4200, undefined, undefined, 4200]);
  for (const publisher of publishers.slice(0, 2)) expect(publisher.refused).toEqual([]);
  await expectRoster([ann, cid], ['ann', 'cid']);
  await cluster.node(0).publish('private-idle', 'e', 'after');
  expect(await nextEvent()).toBe('after');
});

test('pages of a node that was cut off for a moment learn who came and went, and nobody waits for what was lost', async () => {
  const cut = cluster.node(2);
  const [ann, bob] = [await enter(2, 'ann'), await enter(0, 'bob')];
  const reader = await cut.connect();
  await reader.subscribed('news');
  await ann.until(() => ann.changes.includes('+bob'));
  cut.wire.cut();
  const cid = await enter(0, 'cid');
  const other = await cluster.node(0).connect();
  await other.subscribed('news');
  await other.next('pusher_internal:subscription_count');
  bob.client.ws.close();
  await cid.until(() => cid.changes.includes('-bob'));
  cut.wire.mend();
  await cluster.ready();
  const tab = await enter(2, 'cid');
  await expectRoster([ann, cid, tab], ['ann', 'cid']);
  expect(ann.changes.slice(1).sort()).toEqual(['+cid', '-bob']);
  for (let data: unknown; data !== '{"subscription_count":2}'; ) ({ data } = await reader.next());
});

test('a node whose connections to Redis only go silent finds out by itself', async () => {
  const silent = cluster.node(2);
  const [ann, cid] = [await enter(0, 'ann'), await enter(2, 'cid')];
  const { publishers, listeners } = await startTraffic();
  silent.wire.silence();
  await expectAway(silent);
  await ann.until(() => ann.changes.at(-1) === '-cid');
  for (const publisher of publishers.slice(0, 2)) await publisher.goOn(20);
  silent.wire.mend();
  await cluster.ready();
  for (const publisher of publishers) await publisher.goOn(20);
  await stopAll(publishers);
  await expectNoSilentLoss(listeners, publishers);
  await expectRoster([ann, cid], ['ann', 'cid']);
});

test('the last event of a cache channel is there again after Redis lost it, from the nodes that heard it', async () => {
  const reader = await cluster.node(1).connect();
  await reader.subscribed('cache-levels');
  await cluster.node(0).publish('cache-levels', 'level', 'one');
  await cluster.node(0).publish('cache-levels', 'level', 'two');
  for (let data: unknown; data !== 'two'; ) ({ data } = await reader.next());
  await cluster.redis.kill();
  for (const node of cluster.nodes) await expectAway(node);
  await cluster.redis.run();
  await cluster.ready();
  await until(async () => JSON.stringify(await cacheOf(cluster.node(2))).includes('two'));
  const late = await cluster.node(2).connect();
  await late.subscribed('cache-levels');
  expect(await late.next()).toMatchObject({ event: 'level', data: 'two' });
});

test('the last event of a name is there again after Redis lost it, and not the one that came after it', async () => {
  await cluster.node(0).publish('servers', 'metrics', 'one');
  await cluster.node(0).publish('servers', 'alert', 'hot');
  await cluster.redis.kill();
  for (const node of cluster.nodes) await expectAway(node);
  for (const node of cluster.nodes) expect((await fetch(`${node.url}/servers`)).status).toBe(503);
  await cluster.redis.run();
  await cluster.ready();
  for (const node of cluster.nodes) {
    await untilEqual(async () => (await fetch(`${node.url}/servers`)).text(), 'one');
  }
});

function cacheOf(node: ClusterNode): Promise<unknown> {
  return read(node.url, '/channels/cache-levels', { info: 'cache' });
}
