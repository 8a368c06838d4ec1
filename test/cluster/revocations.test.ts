import jwt from 'jsonwebtoken';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call } from '../support/api-client.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import type { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { WorkersBroker } from '../support/workers.ts';
import { Cluster } from './cluster.ts';

const SECRET = 'the secret that tokens of this test are signed with';
const ROOM = 'presence-room';
const TOKEN_APP = {
  ...FULL_APP,
  enableSubscriptionCountEvents: false,
  auth: { jwt: { keys: [{ secret: SECRET }] } },
  channels: [
    { name: 'private-*', subscribe: 'token' },
    { name: 'presence-*', subscribe: 'token' },
  ],
};

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ apps: [TOKEN_APP] });
});
afterAll(() => cluster.stop());

/** Issued now: those of the second of a revocation count as older. */
function token(sub: string): string {
  return jwt.sign({ sub }, SECRET, { expiresIn: 600 });
}

function subscribe(client: RawClient, channel: string, auth: string): void {
  client.send({ event: 'pusher:subscribe', data: { channel, auth } });
}

async function entered(client: RawClient, channel: string, auth: string): Promise<void> {
  subscribe(client, channel, auth);
  await client.next('pusher_internal:subscription_succeeded');
}

/** Takes what a refused subscription is answered with. */
async function expectRevoked(client: RawClient, channel: string, auth: string): Promise<void> {
  subscribe(client, channel, auth);
  await client.next('pusher:error');
  expectEnd(await client.next('pusher:subscription_error'), channel);
}

function expectEnd({ channel, data }: { channel?: string; data?: unknown }, expected: string): void {
  expect(channel).toBe(expected);
  expect(JSON.parse(String(data))).toMatchObject({ type: 'AuthError', status: 403 });
}

async function revoke(url: string, path: string): Promise<number> {
  return (await call(url, 'DELETE', `/apps/${APP.id}/channels/${path}`)).status;
}

test('whoever is revoked on one node is out on the others, with the members told, and stays out', async () => {
  const [ann, bob, other] = [
    await cluster.node(1).connect(),
    await cluster.node(2).connect(),
    await cluster.node(2).connect(),
  ];
  const [annsToken, bobsToken] = [token('ann'), token('bob')];
  await entered(ann, ROOM, annsToken);
  await entered(bob, ROOM, bobsToken);
  await ann.next('pusher_internal:member_added');
  await entered(other, 'private-a', bobsToken);
  expect(await revoke(cluster.node(0).url, `${ROOM}/users/bob`)).toBe(200);
  expectEnd(await bob.next('pusher:subscription_error'), ROOM);
  expect(await ann.next('pusher_internal:member_removed')).toMatchObject({ channel: ROOM });
  expect(await cluster.node(0).users(ROOM)).toEqual(['ann']);
  await cluster.node(0).publish(ROOM, 'e', '1');
  await ann.next('e');
  expect(await bob.flush()).toEqual([]);
  for (const node of cluster.nodes) await expectRevoked(await node.connect(), ROOM, bobsToken);
  expect(await other.flush()).toEqual([]);
});

test('a node that is started anew refuses the old token', async () => {
  const old = token('cid');
  expect(await revoke(cluster.node(0).url, 'private-*/users/cid')).toBe(200);
  const node = cluster.node(2);
  await node.broker.kill();
  await node.restart();
  const client = await node.connect();
  await expectRevoked(client, 'private-x', old);
  await entered(client, 'private-x', token('dan'));
});

test('a node that was cut off from Redis ends what was revoked meanwhile as soon as it is back', async () => {
  const node = cluster.node(2);
  const [client, signed] = [await node.connect(), await node.connect()];
  await entered(client, 'private-cut', token('ann'));
  await signed.subscribed('private-cut');
  node.wire.cut();
  await until(async () => (await node.readiness()).startsWith('503'));
  expect(await revoke(cluster.node(0).url, 'private-cut/subscriptions')).toBe(200);
  expect(await client.flush()).toEqual([]);
  node.wire.mend();
  expectEnd(await client.next('pusher:subscription_error'), 'private-cut');
  expectEnd(await signed.next('pusher:subscription_error'), 'private-cut');
  await cluster.ready();
});

test('a Redis that comes back empty is told again, also of what the nodes that are gone revoked', async () => {
  const old = token('eve');
  const witness = await cluster.node(1).connect();
  await entered(witness, 'private-lost', old);
  expect(await revoke(cluster.node(2).url, 'private-lost/users/eve')).toBe(200);
  expectEnd(await witness.next('pusher:subscription_error'), 'private-lost');
  await cluster.redis.kill();
  await cluster.node(2).broker.kill();
  await cluster.redis.run();
  await until(async () => (await cluster.node(1).readiness()) === '200 OK');
  await cluster.node(2).restart();
  const late = await cluster.node(2).connect();
  // What the others write again reaches a node that starts in the same moment a little later.
  await until(async () => {
    subscribe(late, 'private-lost', old);
    return (await late.flush()).some((text) => text.includes('was revoked'));
  });
  expect(await late.flush()).toEqual([]);
});

test('revoking while Redis is away answers 503', async () => {
  const node = cluster.node(1);
  node.wire.cut();
  await until(async () => (await node.readiness()).startsWith('503'));
  expect(await revoke(node.url, 'private-a/subscriptions')).toBe(503);
  node.wire.mend();
  await cluster.ready();
});

test('workers tell each other, and one that is replaced still knows', async () => {
  const workers = await WorkersBroker.start({ apps: [TOKEN_APP] });
  const [first, second] = await workers.clientOfEach();
  if (!first || !second) throw new Error('fewer than two workers');
  const old = token('ann');
  await entered(first, 'private-a', old);
  await entered(second, 'private-a', old);
  expect(await revoke(workers.broker.url, 'private-a/users/ann')).toBe(200);
  for (const client of [first, second]) expectEnd(await client.next('pusher:subscription_error'), 'private-a');
  const pid = workers.pid(1);
  process.kill(pid, 'SIGKILL');
  await until(() => workers.pid(1) !== pid);
  await until(() => workers.broker.log.filter(({ msg }) => msg === 'worker started').length >= 3);
  for (const client of await workers.clientOfEach()) await expectRevoked(client, 'private-a', old);
  await workers.broker.kill();
});
