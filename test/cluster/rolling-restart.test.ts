import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import type { PusherChannel } from '../e2e/scenarios/pusher.ts';
import { Stage, subscribed } from '../e2e/scenarios/stage.ts';
import { Backend } from '../support/backend.ts';
import { Balancer } from '../support/balancer.ts';
import { APP } from '../support/broker.ts';
import { until, untilEqual } from '../support/until.ts';
import { Cluster } from './cluster.ts';
import { SteadyPublisher } from './steady.ts';

const STEADY = 'private-steady';
const ROOM = 'presence-room';
const USERS = ['ann', 'bob', 'cid', 'dan', 'eve', 'fay'];

let cluster: Cluster;
let balancer: Balancer;
let backend: Backend;
let stage: Stage;
beforeAll(async () => {
  cluster = await Cluster.start();
  balancer = await Balancer.start(...cluster.nodes.map(({ port }) => port));
  backend = await Backend.start(balancer);
  const [wsHost, wsPort] = ['127.0.0.1', balancer.port];
  stage = new Stage({ key: APP.key, wsHost, wsPort, wssPort: wsPort, backendUrl: backend.url });
});
afterAll(async () => {
  stage.end();
  await backend.stop();
  await balancer.stop();
  await cluster.stop();
});

/** One subscription of a client, from its success to its end. */
interface Session {
  /** Number of the first event that was published after its success. */
  readonly first: number;
  readonly numbers: number[];
}

/** Notes what a stock client gets, by subscription. */
function follow(channel: PusherChannel, publisher: SteadyPublisher): Session[] {
  const sessions: Session[] = [{ first: publisher.next, numbers: [] }];
  channel.bind('pusher:subscription_succeeded', () => sessions.push({ first: publisher.next, numbers: [] }));
  channel.bind('rvm.status.updated', (data: string) => sessions.at(-1)?.numbers.push(numberOf(data)));
  return sessions;
}

function numberOf(data: string): number {
  return Number(data.split(':')[1]);
}

test('all nodes are restarted one after the other under steady publishing: clients move, and no subscription has a gap', async () => {
  const pushers = await Promise.all(USERS.map((user) => stage.connected(user)));
  const rooms = await Promise.all(pushers.map((pusher) => subscribed(pusher, ROOM)));
  const channels = await Promise.all(pushers.map((pusher) => subscribed(pusher, STEADY)));
  const publisher = new SteadyPublisher(`http://127.0.0.1:${balancer.port}`, STEADY, 'p');
  const followed = channels.map((channel) => follow(channel, publisher));
  onTestFailed(() => {
    process.stderr.write(`refused: ${publisher.refused}\n`);
  });

  for (const node of cluster.nodes) {
    await publisher.goOn(20);
    node.broker.signal('SIGTERM');
    expect(await node.broker.exited).toEqual({ code: 0, signal: null });
    await node.restart();
  }
  await until(() => [...channels, ...rooms].every((channel) => channel.subscribed));
  await publisher.goOn(20);
  await publisher.stop();

  const accepted = publisher.accepted.map(numberOf);
  const last = accepted.at(-1) ?? 0;
  for (const sessions of followed) {
    // Each was on one of the nodes.
    expect(sessions.length).toBeGreaterThan(1);
    await until(() => sessions.at(-1)?.numbers.at(-1) === last);
    for (const [index, { first, numbers }] of sessions.entries()) {
      // What is on its way to a client at the moment at which it is moved off may not reach it: it is told to come anew.
      const end = index === sessions.length - 1 ? last : (numbers.at(-1) ?? -1);
      const owed = accepted.filter((number) => number >= first && number <= end);
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      expect(owed.filter((number) => !numbers.includes(number))).toEqual([]);
    }
  }
  // Requests that a node had taken are answered; one on a connection that is just closing may fail.
  expect(publisher.refused.filter((answer) => !answer.startsWith('0 '))).toEqual([]);
  for (const node of cluster.nodes) await untilEqual(() => node.users(ROOM), USERS);
  for (const room of rooms) {
    await until(() => (room as unknown as { members: { count: number } }).members.count === USERS.length);
  }
});
