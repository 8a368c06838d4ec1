import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster, type ClusterNode } from '../cluster/cluster.ts';
import { MemberWatcher } from '../cluster/member-watcher.ts';
import { EVENT, expectNoSilentLoss, Listener, SteadyPublisher } from '../cluster/steady.ts';
import { StockClient } from '../cluster/stock-client.ts';
import { Stage } from '../e2e/scenarios/stage.ts';
import { Backend } from '../support/backend.ts';
import { Balancer } from '../support/balancer.ts';
import { APP } from '../support/broker.ts';
import { until, untilEqual } from '../support/until.ts';

const INTEREST = { channel: 'private-steady', event: EVENT, room: 'presence-room' };
/** Some are there twice. */
const USERS = ['ann', 'bob', 'cid', 'dan', 'eve', 'fay', 'ann', 'bob', 'cid'];

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
  await Promise.all([backend.stop(), balancer.stop()]);
  await cluster.stop();
});

/** What is said of a node while it lives: that it hands over all events, and who is there. */
interface Witness {
  readonly listener: Listener;
  readonly watcher: MemberWatcher;
}

async function witness(node: ClusterNode, publishers: readonly SteadyPublisher[]): Promise<Witness> {
  return {
    listener: await Listener.start(await node.connect(), INTEREST.channel, publishers),
    watcher: await MemberWatcher.entered(await node.connect(), INTEREST.room, `witness-${node.port}`),
  };
}

/** Between the first and the last event that a client got of a publisher, none is missing. */
function expectNoHoles({ received }: Listener, { accepted }: SteadyPublisher): void {
  const got = new Set(received);
  const isReceived = accepted.map((data) => got.has(data));
  const ofLife = accepted.slice(isReceived.indexOf(true), isReceived.lastIndexOf(true) + 1);
  expect(ofLife.length).toBeGreaterThan(0);
  expect(ofLife.filter((data) => !got.has(data))).toEqual([]);
}

test('a rolling restart under steady publishing: whoever stays on a node gets each accepted event once, stock clients come back, and no user is seen twice', async () => {
  const clients = await Promise.all(USERS.map((userId) => StockClient.start(stage, userId, INTEREST)));
  const living = await Promise.all(cluster.nodes.map((node) => witness(node, [])));
  const witnesses = [...living];
  const urls = [...cluster.nodes.map(({ url }) => url), `http://127.0.0.1:${balancer.port}`];
  const publishers = urls.map((url, index) => new SteadyPublisher(url, INTEREST.channel, String(index)));
  const goOn = async (): Promise<void> => {
    for (const publisher of publishers) await publisher.goOn(20);
  };
  for (const [index, node] of cluster.nodes.entries()) {
    await goOn();
    node.broker.signal('SIGTERM');
    expect(await node.broker.exited).toEqual({ code: 0, signal: null });
    await node.restart();
    expect(await node.readiness()).toBe('200 OK');
    const next = await witness(node, publishers);
    witnesses.push(next);
    living[index] = next;
  }
  await until(() => clients.every(({ isConnected }) => isConnected));
  await goOn();
  await Promise.all(publishers.map((publisher) => publisher.stop()));

  const listeners = witnesses.map(({ listener }) => listener);
  await expectNoSilentLoss(listeners, publishers);
  expect(listeners.map(({ end }) => end?.code)).toEqual([4200, 4200, 4200, undefined, undefined, undefined]);
  for (const listener of listeners) for (const publisher of publishers) expectNoHoles(listener, publisher);
  // What is not accepted was asked of a process that was not there, or went before it answered.
  for (const { refused } of publishers) expect(refused.filter((answer) => !answer.startsWith('0 '))).toEqual([]);

  const everybody = [...new Set(USERS), ...cluster.nodes.map(({ port }) => `witness-${port}`)].sort();
  for (const node of cluster.nodes) {
    await untilEqual(() => node.users(INTEREST.room), everybody);
    expect(await node.summary(INTEREST.room)).toEqual({ occupied: true, user_count: everybody.length });
  }
  for (const { watcher } of living) await untilEqual(() => watcher.roster, everybody);
  for (const { watcher } of witnesses) expect(watcher.contradictions).toEqual([]);

  expect(await cluster.node(0).publish(INTEREST.channel, INTEREST.event, 'last')).toBe(200);
  for (const client of clients) {
    await until(() => client.received.at(-1) === 'last');
    await untilEqual(() => client.roster, everybody);
    expect(client.isConnected).toBe(true);
    // Each was on some node that was restarted.
    expect(client.socketIds.size).toBeGreaterThan(1);
    expect(client.received.length).toBe(new Set(client.received).size);
    expect(client.contradictions).toEqual([]);
  }
});
