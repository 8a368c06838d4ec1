import { afterAll, afterEach, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { Cluster, type ClusterNode } from '../cluster/cluster.ts';
import { SteadyPublisher } from '../cluster/steady.ts';
import type { Pusher } from '../e2e/scenarios/pusher.ts';
import { Stage, subscribed } from '../e2e/scenarios/stage.ts';
import { call, trigger } from '../support/api-client.ts';
import { Backend } from '../support/backend.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import { reloadCaddy } from '../support/caddy.ts';
import {
  DOCUMENTED_BALANCERS,
  DOCUMENTED_NAMES,
  type DocumentedName,
  silenceOf,
} from '../support/documented-proxies.ts';
import { Front } from '../support/front.ts';
import { RawClient } from '../support/raw-client.ts';
import { until, untilEqual } from '../support/until.ts';
import { PUSHER_JS_VERSIONS, Visitor } from '../support/visitor.ts';
import { LoneBroker } from './lone-broker.ts';
import { report } from './report.ts';

const LARAVEL: DocumentedName = "nginx by Laravel's block for Reverb";
/** Those that cut what is silent. */
const IMPATIENT: readonly DocumentedName[] = DOCUMENTED_NAMES.filter((name) => name !== 'Caddy');

beforeAll(() => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
});
afterEach(() => Visitor.leaveAll());
afterAll(() => {
  vi.unstubAllEnvs();
});

/** All are in their channels, by another connection than their first one, and each sees all. */
async function untilBack(visitors: readonly Visitor[]): Promise<void> {
  await until(() => visitors.every(({ isIn, socketIds }) => isIn && socketIds.size > 1));
  const ids = visitors.map(({ id }) => id).sort();
  for (const visitor of visitors) await untilEqual(() => visitor.members, ids);
}

/** Users of pusher-js 8.6, signed in and in the presence channel. */
async function signIn<User extends string>(
  { proxy, path }: Front,
  backend: Backend,
  ...users: readonly User[]
): Promise<Record<User, Pusher>> {
  const { port } = proxy;
  const stage = new Stage({ key: APP.key, wsHost: 'localhost', wsPort: port, wssPort: port, backendUrl: backend.url });
  onTestFinished(() => stage.end());
  const entries = users.map(async (user) => {
    const pusher = await stage.connected(user, { forceTLS: true, wsPath: path });
    await subscribed(pusher, 'presence-room');
    pusher.signin();
    await new Promise((resolve) => pusher.bind('pusher:signin_success', resolve));
    return [user, pusher] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as Record<User, Pusher>;
}

function reportAway(where: string, visitors: readonly Visitor[]): void {
  for (const version of PUSHER_JS_VERSIONS) {
    const those = visitors.filter((visitor) => visitor.version === version);
    report(
      `${where}: pusher-js ${version} away`,
      those.flatMap(({ awayMs }) => awayMs),
    );
  }
}

describe.each(DOCUMENTED_NAMES)('a lone broker behind %s', (name) => {
  test('serves clients of all releases, and backends, over TLS that the proxy ends', async () => {
    // Where the proxy says so, the broker knows of the TLS.
    const { front, port } = await LoneBroker.start(name, { apps: [{ ...FULL_APP, forceTls: name !== LARAVEL }] });
    const visitors = await front.visit(PUSHER_JS_VERSIONS, 1);
    const ids = visitors.map(({ id }) => id).sort();
    // The SDK for Node can't be told a path of the broker's own.
    const sdk = front.path === '' ? { host: 'localhost', port: String(front.proxy.port), useTLS: true } : {};
    const backend = await Backend.start({ port }, { sdk });
    onTestFinished(() => backend.stop());
    const { ann, bob } = await signIn(front, backend, 'ann', 'bob');

    await backend.sdk.trigger('news', 'e', 'by the SDK');
    const answer = await trigger(front.url, { name: 'e', channel: 'news', data: 'by hand' });
    expect(answer).toMatchObject({ status: 200, text: '{}' });
    for (const { received } of visitors) await untilEqual(() => received, ['by the SDK', 'by hand']);

    for (const visitor of visitors) await untilEqual(() => visitor.members, [...ids, 'ann', 'bob'].sort());
    await backend.sdk.terminateUserConnections('ann');
    await until(() => ann.connection.state === 'disconnected');
    expect(bob.connection.state).toBe('connected');
    // As the SDK for Python asks.
    expect((await call(front.url, 'POST', '/users/bob/terminate_connections', { body: {} })).status).toBe(200);
    await until(() => bob.connection.state === 'disconnected');
    for (const visitor of visitors) await untilEqual(() => visitor.members, ids);
    for (const { errors, states } of visitors) expect([errors, states]).toEqual([[], ['connected']]);
  });

  test('is asked whether it is ready at its own port, where the page says so', async () => {
    const { front, port } = await LoneBroker.start(name);
    const statuses = await Promise.all(
      [`${front.url}/ready`, `${front.url}/usage`, `http://127.0.0.1:${port}/ready`].map(
        async (url) => (await fetch(url)).status,
      ),
    );
    const isShown = name === LARAVEL || front.path !== '';
    expect(statuses).toEqual(isShown ? [200, 200, 200] : [404, 404, 200]);
  });

  const keepsQuietClients = async (): Promise<void> => {
    const settings = { activityTimeoutSeconds: 1 };
    const { front } = await LoneBroker.start(name, { settings }, { change: silenceOf(3) });
    const visitors = await front.visit(PUSHER_JS_VERSIONS, 1);
    // Says nothing, and is asked by the broker after five seconds only.
    const silent = await RawClient.connect(front.wsUrl);
    expect(await silent.closed()).toEqual({ code: 1006, reason: '', before: [] });
    for (const { states, socketIds } of visitors) expect([states, socketIds.size]).toEqual([['connected'], 1]);
  };
  if (IMPATIENT.includes(name)) test('keeps quiet clients, where the proxy cuts what is silent', keepsQuietClients);

  test('has all clients back after a restart', async () => {
    const lone = await LoneBroker.start(name);
    const visitors = await lone.front.visit(PUSHER_JS_VERSIONS, 5);
    await lone.end();
    await lone.begin();
    await untilBack(visitors);
    reportAway(`restart behind ${name}`, visitors);
    for (const { socketIds } of visitors) expect(socketIds.size).toBe(2);
    expect((await trigger(lone.front.url, { name: 'e', channel: 'news', data: 'after' })).status).toBe(200);
    for (const { received } of visitors) await untilEqual(() => received, ['after']);
  });

  test('has all clients back when it was away for longer, and who waits at the proxy has not noticed', async () => {
    const lone = await LoneBroker.start(name);
    const visitors = await lone.front.visit(PUSHER_JS_VERSIONS, 2);
    await lone.end();
    await until(() => visitors.every(({ state }) => state === 'connecting'));
    const request = trigger(lone.front.url, { name: 'e', channel: 'news', data: 'meanwhile' });
    await lone.begin();
    const { status } = await request;
    await untilBack(visitors);
    reportAway(`long restart behind ${name}`, visitors);
    process.stdout.write(`long restart behind ${name}: a request meanwhile was answered ${status}\n`);
    // pusher-js calls itself "unavailable" after ten seconds.
    const waits = name === 'Caddy' || name === 'HAProxy';
    for (const { states } of visitors) expect(states.includes('unavailable')).toBe(!waits);
    if (name === 'HAProxy') expect(status).toBe(200);
    if (!waits) expect(status).toBe(name === 'Apache' ? 503 : 502);
  });
});

test('proxies with no time-outs but their own keep quiet clients of a broker with default settings, for more than a minute', async () => {
  const names = [LARAVEL, 'HAProxy', 'Apache'] as const;
  const change = silenceOf(undefined);
  const [usual, tardy] = await Promise.all(
    [{}, { activityTimeoutSeconds: 120 }].map((settings) =>
      Promise.all(names.map((name) => LoneBroker.start(name, { settings }, { change }))),
    ),
  );
  const visitors = await Promise.all((usual ?? []).map(({ front }) => front.visit(PUSHER_JS_VERSIONS, 1)));
  // Answers pings, as every WebSocket does, and says nothing by itself.
  const plain = await Promise.all((usual ?? []).map(({ front }) => RawClient.connect(front.wsUrl)));
  const cut = await Promise.all((tardy ?? []).map(({ front }) => RawClient.connect(front.wsUrl)));
  for (const client of cut) expect(await client.closed()).toEqual({ code: 1006, reason: '', before: [] });
  for (const { states, socketIds } of visitors.flat()) expect([states, socketIds.size]).toEqual([['connected'], 1]);
  for (const { ws } of plain) {
    expect(ws.readyState).toBe(ws.OPEN);
    ws.terminate();
  }
});

describe('what the page says of one proxy:', () => {
  test('a reload of Caddy cuts every WebSocket, and clients come back', async () => {
    const { front } = await LoneBroker.start('Caddy');
    const visitors = await front.visit(PUSHER_JS_VERSIONS, 2);
    await reloadCaddy(inject('caddy'), front.proxy);
    await untilBack(visitors);
    reportAway('reload of Caddy', visitors);
  });

  test('Apache has more clients than the 150 threads of Debian', async () => {
    const { front } = await LoneBroker.start('Apache');
    const clients = await Promise.all(Array.from({ length: 300 }, () => RawClient.connect(front.wsUrl)));
    for (const client of clients) await client.flush();
    for (const client of clients) client.ws.terminate();
  });
});

describe('a rolling restart of two nodes', () => {
  test.each([
    ['nginx', {}],
    ['HAProxy', { 'drain.readyDelaySeconds': 2 }],
    ['HAProxy', {}],
  ] as const)('behind %s (%j) moves clients of all releases, each once by a restart', async (name, drain) => {
    // Clients are moved over as long as by default.
    const cluster = await Cluster.start({ nodes: 2, settings: { shutdownGracePeriod: 3000, ...drain } });
    onTestFinished(() => cluster.stop());
    const [first, last] = [cluster.node(0), cluster.node(1)];
    const front = await Front.start(DOCUMENTED_BALANCERS[name], [first.port, last.port]);
    // Releases before 8.2 stand one restart: they are on the node that is restarted last, so that they meet no other.
    await first.broker.kill();
    const old = await front.visit(['4.4', '7.0', '8.1'], 4);
    await first.restart();
    const current: Visitor[] = [];
    while ((await connectionsOf(first)) < 4) current.push(await front.arrive('8.6', `8.6-${current.length + 1}`));
    const visitors = [...old, ...current];
    const publisher = new SteadyPublisher(front.url, 'private-steady', 'p');
    await publisher.goOn(10);

    for (const node of [first, last]) {
      node.broker.signal('SIGTERM');
      expect(await node.broker.exited).toEqual({ code: 0, signal: null });
      await node.restart();
      await cluster.ready();
    }
    await untilBack(visitors);
    const ids = visitors.map(({ id }) => id).sort();
    for (const node of cluster.nodes) await untilEqual(() => node.users('presence-room'), ids);
    await publisher.goOn(10);
    await publisher.stop();

    for (const { socketIds, states } of old) {
      expect([socketIds.size, states]).toEqual([2, ['connected', 'connecting', 'connected']]);
    }
    for (const { socketIds, states } of current) {
      expect(socketIds.size).toBeLessThanOrEqual(3);
      expect([...new Set(states)]).toEqual(['connected', 'connecting']);
    }
    const where = `rolling restart behind ${name} ${JSON.stringify(drain)}`;
    reportAway(where, visitors);
    const { accepted, refused } = publisher;
    process.stdout.write(`${where}: ${accepted.length} events accepted, refused: ${JSON.stringify(refused)}\n`);
  });
});

async function connectionsOf({ url }: ClusterNode): Promise<number> {
  const usage = (await (await fetch(`${url}/usage`)).json()) as { connections: number };
  return usage.connections;
}
