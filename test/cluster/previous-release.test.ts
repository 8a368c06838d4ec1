import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LAYOUT } from '../../server/redis/keys.ts';
import { read } from '../support/api-client.ts';
import { Balancer } from '../support/balancer.ts';
import { freePort } from '../support/free-port.ts';
import { commandOf, installPreviousRelease, installThisRelease, ReleaseLink } from '../support/previous-release.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { RedisServer } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { Visitor } from '../support/visitor.ts';

const USERS = ['ann', 'bob', 'cid', 'dan'];

let previous: string;
let redis: RedisServer;
beforeAll(async () => {
  previous = installPreviousRelease();
  redis = await RedisServer.start();
});
afterAll(() => redis.dispose());

interface NodeOptions {
  readonly command?: string;
  readonly port?: number;
  readonly prefix?: string;
}

const running: BrokerProcess[] = [];
afterEach(async () => {
  Visitor.leaveAll();
  await Promise.all(running.splice(0).map((broker) => broker.kill()));
});

async function startNode({ prefix = '', ...options }: NodeOptions = {}): Promise<BrokerProcess> {
  const settings = {
    'adapter.driver': 'redis',
    'adapter.nodeTimeoutSeconds': 2,
    'adapter.redis.prefix': prefix,
    'database.redis.port': redis.port,
    'drain.seconds': 0.3,
  };
  const broker = await startProcess({ port: await freePort(), ...options, settings });
  running.push(broker);
  return broker;
}

test('a node of the release before and one of this release never serve at the same time', async () => {
  const refusal = (theirs: number, own: number): string =>
    `nodes of another version of Kulkul use this Redis (layout ${theirs}, this version has ${own})`;
  const old = await startNode({ command: commandOf(previous) });
  expect(String((await old.logged('listening')).version)).toMatch(/-previous$/);
  await expect(startNode()).rejects.toThrow(refusal(1, LAYOUT));
  old.signal('SIGTERM');
  expect(await old.exited).toEqual({ code: 0, signal: null });
  const current = await startNode();
  const ann = await RawClient.connect(current.wsUrl);
  await ann.subscribed('presence-room', '{"user_id":"ann"}');
  await expect(startNode({ command: commandOf(previous) })).rejects.toThrow(refusal(LAYOUT, 1));
  expect(await ann.flush()).toEqual([]);
});

test('clients move from nodes of the release before to nodes of this one under another prefix, whose data is apart', async () => {
  // Under a prefix of its own: nodes of the test before count as alive for a moment.
  const old = await startNode({ command: commandOf(previous), prefix: 'former-' });
  const balancer = await Balancer.start(old.port);
  const visitors = await Promise.all(USERS.map((user) => Visitor.arrive('8.6', user, balancer)));
  const [one, other] = [await startNode({ prefix: 'new-' }), await startNode({ prefix: 'new-' })];
  expect(await read(one.url, '/channels')).toEqual({ channels: {} });
  balancer.targets = [one.port, other.port];
  old.signal('SIGTERM');
  expect(await old.exited).toEqual({ code: 0, signal: null });
  await until(() => visitors.every(({ isIn, socketIds }) => isIn && socketIds.size === 2));
  await until(() => visitors.every(({ members }) => members.length === USERS.length));
  for (const { url } of [one, other]) {
    const summary = await read(url, '/channels/presence-room', { info: 'user_count' });
    expect(summary).toMatchObject({ occupied: true, user_count: USERS.length });
  }
  await balancer.stop();
});

describe.each([1, 2])('a takeover from the release before (%i workers)', (workers) => {
  test('brings clients to this release', async () => {
    const link = new ReleaseLink(previous);
    const broker = await startProcess({
      command: commandOf(link.path),
      port: await freePort(),
      settings: { workers },
      args: ['--supervised'],
    });
    running.push(broker);
    const visitors = await Promise.all(USERS.map((user) => Visitor.arrive('8.6', user, broker)));
    link.pointTo(installThisRelease());
    broker.signal('SIGUSR2');
    const { version } = await broker.logged('listening', 2);
    expect(String(version)).not.toContain('previous');
    await broker.logged('takeover: the former broker has ended');
    await until(() => visitors.every(({ isIn, socketIds }) => isIn && socketIds.size === 2));
    await until(() => visitors.every(({ members }) => members.length === USERS.length));
  });
});
