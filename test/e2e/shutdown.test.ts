import { describe, expect, test } from 'vitest';
import { signTarget } from '../server/http/raw-http.ts';
import { trigger } from '../support/api-client.ts';
import { APP } from '../support/broker.ts';
import { KeptConnection } from '../support/kept-connection.ts';
import { type BrokerProcess, startProcess, untilDeaf } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';

/** Nothing below waits for its end. */
const LONG_SECONDS = 600;
/** So many that they are not all moved off while a test looks. */
const MANY = 200;

async function connectMany(broker: BrokerProcess, count: number, channel: string): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => RawClient.connect(broker.wsUrl)));
  await Promise.all(clients.map((client) => client.subscribed(channel)));
  return clients;
}

async function readiness({ url }: BrokerProcess): Promise<[number, string]> {
  const answer = await fetch(`${url}/ready`);
  return [answer.status, await answer.text()];
}

describe('after SIGTERM, with other nodes to move clients to', () => {
  test('listens no more, refuses who comes by a kept connection, and still serves those that are not moved off yet', async () => {
    const broker = await startProcess({ apps: [APP], settings: { 'drain.seconds': LONG_SECONDS } });
    expect(await readiness(broker)).toEqual([200, 'OK']);
    const clients = await connectMany(broker, MANY, 'scada');
    const [first, second, third, fourth] = await KeptConnection.openMany(broker.port, 4);

    const ends = clients.map((client) => client.closed());
    broker.signal('SIGTERM');
    expect(await Promise.race(ends)).toEqual({
      code: 4200,
      reason: 'Server is restarting: reconnect now',
      before: ['{"event":"pusher:error","data":{"code":4200,"message":"Server is restarting: reconnect now"}}'],
    });
    await untilDeaf(broker);
    const stopping = 'Not ready: stopping, connections are being moved away';
    expect(await first?.get('/ready')).toEqual({ status: 503, text: stopping, connection: 'close' });
    const refused = new RawClient(`${broker.wsUrl}/app/${APP.key}`, { agent: second?.agent });
    expect(await refused.closed()).toMatchObject({
      code: 4100,
      reason: 'This server is stopping: reconnect to another one',
    });
    const body = JSON.stringify({ name: 'rvm.status.updated', channel: 'scada', data: 'still here' });
    const target = signTarget({ method: 'POST', path: `/apps/${APP.id}/events`, body });
    expect(await third?.send('POST', target, body)).toMatchObject({ status: 200, connection: 'close' });
    // What was published leaves at the end of the turn of the event loop in which the answer does.
    await fourth?.get('/');
    await broker.kill();
    const heard = (await Promise.all(ends)).filter(({ before }) =>
      before.some((frame) => frame.includes('still here')),
    );
    expect(heard.length).toBeGreaterThan(0);
  });

  test('keeps listening for as long as a load balancer needs to notice', async () => {
    const broker = await startProcess({ apps: [APP], settings: { 'drain.readyDelaySeconds': LONG_SECONDS } });
    const [client] = await connectMany(broker, 1, 'scada');
    broker.signal('SIGTERM');
    await until(async () => (await readiness(broker))[0] === 503);
    const [late] = await connectMany(broker, 1, 'scada');
    await trigger(broker.url, { name: 'e', channel: 'scada', data: 'to both' });
    for (const one of [client, late]) expect(await one?.next('e')).toMatchObject({ data: 'to both' });
    await broker.kill();
  });

  test('closes every client with 4200, then exits with 0', async () => {
    const broker = await startProcess({ settings: { 'drain.mode': 'move', shutdownGracePeriod: 300 } });
    const clients = await connectMany(broker, 30, 'private-scada');
    broker.signal('SIGTERM');
    const ends = await Promise.all(clients.map((client) => client.closed()));
    expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([4200]));
    expect(await broker.exited).toEqual({ code: 0, signal: null });
    await broker.logged('stopped');
  });

  test('closes every client in one go, still with 4200, when there is no grace period', async () => {
    const broker = await startProcess({ settings: { 'drain.seconds': 0 } });
    const clients = await connectMany(broker, 30, 'scada');
    broker.signal('SIGTERM');
    const ends = await Promise.all(clients.map((client) => client.closed()));
    expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([4200]));
    expect(await broker.exited).toEqual({ code: 0, signal: null });
  });

  test('exits at once when there are no clients, for SIGINT too', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const broker = await startProcess({ settings: { 'drain.seconds': LONG_SECONDS } });
      broker.signal(signal);
      expect(await broker.exited).toEqual({ code: 0, signal: null });
      expect(await broker.logged('stopping; a second signal')).toMatchObject({ signal });
    }
  });

  test('tells those who stay in a presence channel who was moved off', async () => {
    const broker = await startProcess({ settings: { 'drain.seconds': LONG_SECONDS } });
    // The oldest connection goes first, the youngest stays for the rest of the grace period.
    const members = ['first', 'second', ...Array.from({ length: MANY }, () => 'crowd')];
    const clients: RawClient[] = [];
    for (const user of members) {
      const client = await RawClient.connect(broker.wsUrl);
      if (user !== 'crowd') await client.subscribed('presence-room', JSON.stringify({ user_id: user }));
      clients.push(client);
    }
    const last = await RawClient.connect(broker.wsUrl);
    await last.subscribed('presence-room', '{"user_id":"last"}');

    broker.signal('SIGTERM');
    for (const user of ['first', 'second']) {
      expect(await last.next('pusher_internal:member_removed')).toMatchObject({
        channel: 'presence-room',
        data: JSON.stringify({ user_id: user }),
      });
    }
  });
});

test('a second signal ends at once, with a failure', async () => {
  const broker = await startProcess({ settings: { 'drain.seconds': LONG_SECONDS } });
  const clients = await connectMany(broker, MANY, 'scada');
  broker.signal('SIGTERM');
  await broker.logged('stopping; a second signal');
  broker.signal('SIGINT');
  expect(await broker.exited).toEqual({ code: 1, signal: null });
  expect(await broker.logged('stopping at once')).toMatchObject({ signal: 'SIGINT' });
  await Promise.all(clients.map((client) => client.closed()));
});
