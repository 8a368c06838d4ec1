import { connect } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { encodeRequest, signTarget } from '../server/http/raw-http.ts';
import { RawSocket } from '../server/robustness/raw-socket.ts';
import { trigger } from '../support/api-client.ts';
import { atLength } from '../support/at-length.ts';
import { Balancer } from '../support/balancer.ts';
import { APP } from '../support/broker.ts';
import { freePort } from '../support/free-port.ts';
import { KeptConnection } from '../support/kept-connection.ts';
import { type BrokerProcess, startProcess, untilDeaf } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { PUSHER_JS_VERSIONS, Visitor } from '../support/visitor.ts';

const EVENTS = `/apps/${APP.id}/events`;

afterEach(() => Visitor.leaveAll());

/** Ends a process, and starts the next one as soon as it is gone. */
async function restart(broker: BrokerProcess, settings: Record<string, unknown> = {}): Promise<BrokerProcess> {
  broker.signal('SIGTERM');
  expect(await broker.exited).toEqual({ code: 0, signal: null });
  return startProcess({ port: broker.port, settings });
}

describe('a plain restart', () => {
  test.each([1, 2])(
    'ends all clients with 1001, without an error frame or word about the others (%i workers)',
    async (workers) => {
      const broker = await startProcess({ settings: { workers } });
      const clients = await Promise.all(Array.from({ length: 40 }, () => RawClient.connect(broker.wsUrl)));
      for (const [index, client] of clients.entries()) {
        await client.subscribed('presence-room', JSON.stringify({ user_id: String(index % 30) }));
        await client.subscribed('counted');
      }
      for (const client of clients) await client.flush();
      broker.signal('SIGTERM');
      const ends = await Promise.all(clients.map((client) => client.closed()));
      expect(new Set(ends.map(({ code, reason }) => `${code} ${reason}`))).toEqual(
        new Set(['1001 Server is restarting']),
      );
      const words = ends.flatMap(({ before }) => before).filter((text) => !text.includes('subscription_count'));
      // Workers end their own clients, and hear of those that the others had until then.
      expect(words.filter((text) => workers === 1 || !text.includes('member_removed'))).toEqual([]);
      expect(await broker.exited).toEqual({ code: 0, signal: null });
      const said = broker.log.map(({ msg }) => msg);
      expect(said.filter((text) => text === 'connection ended')).toEqual([]);
      expect(said.filter((text) => String(text).startsWith('clients disconnected'))).toHaveLength(workers);
    },
  );

  const versions = atLength(['4.4', '8.6'] as const, PUSHER_JS_VERSIONS);
  test.each(versions)('brings pusher-js %s back by itself, with one leave and one join', async (version) => {
    const broker = await startProcess({ port: await freePort() });
    // However slow the machine is, the first attempt meets a broker: test:long shows that it does without.
    const balancer = await Balancer.start(broker.port);
    balancer.isPatient = true;
    onTestFinished(() => balancer.stop());
    const visitors = await Promise.all(['ann', 'bob', 'cid'].map((id) => Visitor.arrive(version, id, balancer)));
    for (const { socketIds } of visitors) expect(socketIds.size).toBe(1);
    await until(() => visitors.every(({ members }) => members.length === 3));
    for (const { presence } of visitors) presence.length = 0;
    const next = await restart(broker);
    await until(() => visitors.every(({ isIn, socketIds }) => isIn && socketIds.size === 2));
    await trigger(next.url, { name: 'e', channel: 'news', data: 'after' });
    await until(() => visitors.every(({ received }) => received.length === 1));
    for (const { errors, states, presence } of visitors) {
      expect(errors).toEqual([]);
      expect(states).toEqual(['connected', 'connecting', 'connected']);
      expect(presence.filter((change) => change.startsWith('-'))).toEqual([]);
      expect(presence).toEqual([...new Set(presence)]);
    }
    await until(() => visitors.every(({ members }) => members.length === 3));
  });

  test('answers what is under way, a body that is still coming included', async () => {
    const broker = await startProcess({ apps: [APP] });
    const listener = await RawClient.connect(broker.wsUrl);
    await listener.subscribed('news');
    const idle = await KeptConnection.open(broker.port);
    onTestFinished(() => idle.close());
    const body = '{"name":"e","channel":"news","data":"in two parts"}';
    const request = encodeRequest('POST', signTarget({ method: 'POST', path: EVENTS, body }), body);
    const socket = await RawSocket.open(broker.port);
    socket.write(request.slice(0, -10));
    // It is being read when a later request on another connection is answered.
    await idle.get('/');
    broker.signal('SIGTERM');
    await untilDeaf(broker);
    socket.write(request.slice(-10));
    await socket.until('\r\n\r\n{}');
    expect(socket.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(socket.text).toContain('Connection: close\r\n');
    expect(await listener.next('e')).toMatchObject({ data: 'in two parts' });
    expect(await listener.closed()).toMatchObject({ code: 1001, before: [] });
    expect(await broker.exited).toEqual({ code: 0, signal: null });
  });

  test('is at once where there are no clients', async () => {
    const broker = await startProcess({ settings: { shutdownGracePeriod: 600_000 } });
    broker.signal('SIGTERM');
    expect(await broker.exited).toEqual({ code: 0, signal: null });
  });
});

describe('a port that is still held', () => {
  // It goes later than the next one takes to start on a busy machine: else there is nothing to wait for.
  test.each([1, 2])('by a broker that is going is waited for (%i workers)', async (workers) => {
    const going = await startProcess({ port: await freePort(), settings: { 'drain.readyDelaySeconds': 6, workers } });
    const client = await RawClient.connect(going.wsUrl);
    going.signal('SIGTERM');
    await until(async () => (await fetch(`${going.url}/ready`)).status === 503);
    const next = await startProcess({ port: going.port, settings: { workers } });
    expect(await next.logged('waiting for the port')).toMatchObject({ port: going.port });
    expect(await client.closed()).toMatchObject({ code: 4200 });
    await RawClient.connect(next.wsUrl);
    expect((await going.exited).code).toBe(0);
  });

  test('by connections of one that listens no more is no hindrance', async () => {
    const going = await startProcess({ port: await freePort(), settings: { 'drain.seconds': 600 } });
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.connect(going.wsUrl)));
    going.signal('SIGTERM');
    await untilDeaf(going);
    const next = await startProcess({ port: going.port });
    await RawClient.connect(next.wsUrl);
    expect(next.log.map(({ msg }) => msg)).not.toContainEqual(expect.stringContaining('waiting for the port'));
    for (const client of clients) client.ws.terminate();
    await going.exited;
  });
});

// pusher-js before 8.2 outside browsers loses one of two lives when a connection is closed soon after it opened, and with them all its tries.
test('who comes to a broker that is going by a connection that a proxy had kept gets 4100, or 503 where that would be the end', async () => {
  const cases: [query: string, origin: string | undefined, expected: 503 | 4100][] = [
    ['client=js&version=4.4.0', undefined, 503],
    ['client=js&version=7.0.3', undefined, 503],
    ['client=js&version=8.0.0-beta.1', undefined, 503],
    ['client=js&version=8.1.0', undefined, 503],
    ['client=js&version=8.2.0', undefined, 4100],
    ['client=js&version=8.6.0', undefined, 4100],
    ['client=js&version=10.0.0', undefined, 4100],
    ['client=js&version=7.0.3', 'https://page.example', 4100],
    ['client=java-client&version=2.4.0', undefined, 4100],
    ['client=pusher-websocket-swift&version=7.0.0', undefined, 4100],
    ['client=js', undefined, 4100],
    ['', undefined, 4100],
  ];
  const broker = await startProcess({ apps: [APP], settings: { 'drain.seconds': 600 } });
  for (let count = 0; count < 2; count += 1) await RawClient.connect(broker.wsUrl);
  const kept = await KeptConnection.openMany(broker.port, cases.length);
  broker.signal('SIGTERM');
  await untilDeaf(broker);
  const outcomes = cases.map(
    ([query, origin], index) =>
      new Promise((resolve) => {
        const socket = kept[index]?.webSocket(`/app/${APP.key}?protocol=7&${query}`, origin);
        socket?.on('unexpected-response', (_request, { statusCode, headers }) => {
          resolve(`${statusCode} ${headers['x-kulkul-error']} ${headers.connection}`);
        });
        socket?.on('close', (code) => resolve(code));
      }),
  );
  const expected = cases.map(([, , code]) => (code === 503 ? '503 stopping close' : code));
  expect(await Promise.all(outcomes)).toEqual(expected);
});

/** Connects as soon as somebody listens. */
async function knock(port: number, isOver: () => boolean): Promise<string[]> {
  const outcomes: string[] = [];
  while (!isOver()) {
    const socket = connect(port, '127.0.0.1');
    outcomes.push(
      await new Promise((resolve) => {
        socket.on('connect', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
        socket.on('data', () => resolve('answered'));
        socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)));
        socket.on('close', () => resolve('closed without an answer'));
      }),
    );
    socket.destroy();
  }
  return outcomes;
}

// To see whether the port was free, the start listened on it, and closed it again: who connected just then was reset.
test('whoever can connect to a broker that starts is answered', async () => {
  const outcomes = new Set<string>();
  for (let round = 1; round <= 5; round += 1) {
    const port = await freePort();
    let isOver = false;
    const knocking = Array.from({ length: 4 }, () => knock(port, () => isOver));
    const broker = await startProcess({ port });
    isOver = true;
    for (const outcome of (await Promise.all(knocking)).flat()) outcomes.add(outcome);
    await broker.kill();
  }
  expect([...outcomes].sort()).toEqual(['ECONNREFUSED', 'answered']);
});
