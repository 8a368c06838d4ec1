import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RedisKeys } from '../../../server/redis/keys.ts';
import { NodeLease } from '../../../server/redis/node-lease.ts';
import { SingleLink } from '../../../server/redis/single-link.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { until } from '../../support/until.ts';
import { startSeams } from './nodes.ts';

const APP = '12345';
const ROOM = 'presence-room';

let server: RedisServer;
let client: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  client = new Redis({ port: server.port });
});
afterAll(async () => {
  client.disconnect();
  await server.dispose();
});

test('a node that was taken for dead takes out what it wrote before it knew', async () => {
  // Its joins between being cleaned up after and the next renewal stood under an id that nobody looked after any more:
  // members that never left.
  const keys = new RedisKeys('');
  const [node] = [await startSeams(server.port)];
  const [id = ''] = await client.zrange(keys.nodes(), '0', '-1');
  const survivor = await startSeams(server.port);
  const join = (socketId: string, user: string) =>
    node.store.join(APP, ROOM, socketId, { userId: user, userIdJson: `"${user}"`, userInfoJson: undefined }, 100);
  await join('1.1', 'ann');
  await client.zadd(keys.nodes(), '1', id);
  await survivor.settled();
  expect(await client.hlen(keys.sockets(APP, ROOM))).toBe(0);
  await join('1.2', 'bob');

  await node.settled();
  const sockets = await client.hgetall(keys.sockets(APP, ROOM));
  expect(
    Object.keys(sockets)
      .map((field) => field.split('/')[2])
      .sort(),
  ).toEqual(['ann', 'bob']);
  expect(Object.keys(sockets).filter((field) => field.startsWith(id))).toEqual([]);
  await node.store.leave(APP, ROOM, '1.1', 'ann');
  await node.store.leave(APP, ROOM, '1.2', 'bob');
  await node.settled();
  expect(await client.exists(keys.sockets(APP, ROOM), keys.members(APP, ROOM), keys.arrivals(APP, ROOM))).toBe(0);
  for (const seams of [node, survivor]) {
    await seams.store.close();
    await seams.stop();
  }
});

test('the first connection of a user is still the first after Redis came back empty, whichever node writes first', async () => {
  const [first, second] = [await startSeams(server.port), await startSeams(server.port)];
  const member = (name: string) => ({ userId: 'ann', userIdJson: '"ann"', userInfoJson: `{"name":"${name}"}` });
  const known = async () => [...(await first.store.members(APP, ROOM)).members];
  await first.store.join(APP, ROOM, '1.1', member('one'), 100);
  await second.store.join(APP, ROOM, '2.1', member('two'), 100);
  await first.store.join(APP, ROOM, '1.2', member('three'), 100);
  await client.flushall();
  await second.settled();
  expect(await known()).toEqual([member('two')]);
  await first.settled();
  expect(await known()).toEqual([member('one')]);
  await first.store.leave(APP, ROOM, '1.1', 'ann');
  expect(await known()).toEqual([member('two')]);
  await second.store.leave(APP, ROOM, '2.1', 'ann');
  expect(await known()).toEqual([member('three')]);
  for (const seams of [first, second]) {
    await seams.store.close();
    await seams.stop();
  }
});

/** A lease of one node that cleans up as it is told to. */
async function leaseThatCleansUp(prefix: string, claimed: (nodeId: string) => Promise<void>) {
  const keys = new RedisKeys(prefix);
  const link = new SingleLink(() => new Redis({ port: server.port, autoResubscribe: false }));
  await link.whenUp();
  const lease = new NodeLease(link, keys, 1000, {
    alone: async () => {},
    registered: async () => {},
    superseded: async () => {},
    claimed,
    displaced: () => {},
    failed: () => {},
  });
  const stop = async (): Promise<void> => {
    await lease.stop();
    link.close();
  };
  return { keys, lease, stop };
}

test('what a dead node left is cleaned up at the next renewal when that failed, as when Redis was away for a moment', async () => {
  // The claim stood for fifteen seconds: for so long its members stayed, and webhooks were not told that its channels are vacated.
  const attempts: string[] = [];
  const { keys, lease, stop } = await leaseThatCleansUp('again:', async (nodeId) => {
    attempts.push(nodeId);
    if (attempts.length === 1) throw new Error('Redis is away');
  });
  await client.zadd(keys.nodes(), '1', 'dead', '2', 'also-dead');
  await expect(lease.start()).rejects.toThrow('Redis is away');
  await lease.renew();
  expect(attempts.slice(0, 3).toSorted()).toEqual(['also-dead', 'dead', attempts[0]].toSorted());
  await stop();
});

test('a lease goes on while its node is busy with what a dead one left', async () => {
  // Cleaning up after a node with very many members took longer than the lease: the survivor was declared dead over it.
  let begun = (): void => {};
  let end = (): void => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const { keys, lease, stop } = await leaseThatCleansUp('busy:', () => {
    begun();
    return new Promise((resolve) => {
      end = resolve;
    });
  });
  await client.zadd(keys.nodes(), '1', 'dead');
  const started = lease.start();
  await hasBegun;
  const endsMs = async () => Number(await client.zscore(keys.nodes(), lease.nodeId));
  const first = await endsMs();
  await until(async () => (await endsMs()) > first);
  end();
  await started;
  await stop();
});
