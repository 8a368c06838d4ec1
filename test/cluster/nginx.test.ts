import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Stage, subscribed } from '../e2e/scenarios/stage.ts';
import { Backend } from '../support/backend.ts';
import { APP } from '../support/broker.ts';
import { startClusterNginx } from '../support/nginx.ts';
import type { ProxyProcess } from '../support/proxy-process.ts';
import { until } from '../support/until.ts';
import { Cluster, type ClusterNode } from './cluster.ts';

const CHANNELS = ['scada', 'private-scada', 'presence-scada'];

let cluster: Cluster;
let nginx: ProxyProcess;
let backend: Backend;
let stage: Stage;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: 2 });
  nginx = await startClusterNginx(
    inject('nginx'),
    cluster.nodes.map(({ port }) => port),
  );
  backend = await Backend.start(nginx);
  const [wsHost, wsPort] = ['127.0.0.1', nginx.port];
  stage = new Stage({ key: APP.key, wsHost, wsPort, wssPort: wsPort, backendUrl: backend.url });
});
afterAll(async () => {
  stage.end();
  await backend.stop();
  await nginx.stop();
  await cluster.stop();
});

/** The node that has the only client. */
async function nodeOfClient(): Promise<ClusterNode> {
  for (const node of cluster.nodes) {
    const { connections } = (await (await fetch(`${node.url}/usage`)).json()) as { connections: number };
    if (connections > 0) return node;
  }
  throw new Error('no node has a client');
}

test('a stock client behind nginx outlives the stopping, killing and starting of each node, without sticky sessions', async () => {
  const pusher = await stage.connected('ann');
  const channels = await Promise.all(CHANNELS.map((name) => subscribed(pusher, name)));
  const inbox = stage.inbox();
  for (const channel of channels) channel.bind('rvm.status.updated', inbox.put);
  let event = 0;
  const expectEvents = async (): Promise<void> => {
    event += 1;
    await stage.backend('trigger', CHANNELS, 'rvm.status.updated', { event });
    expect(await inbox.take(CHANNELS.length)).toEqual(CHANNELS.map(() => ({ event })));
  };
  await expectEvents();
  for (const signal of ['SIGTERM', 'SIGTERM', 'SIGKILL', 'SIGKILL'] as const) {
    const former = pusher.connection.socket_id;
    const node = await nodeOfClient();
    node.broker.signal(signal);
    await node.broker.exited;
    await until(() => pusher.connection.socket_id !== former && channels.every((channel) => channel.subscribed));
    await expectEvents();
    await node.restart();
    await expectEvents();
  }
});
