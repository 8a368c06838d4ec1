import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { signTarget } from '../server/http/raw-http.ts';
import { read, trigger } from '../support/api-client.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import { KeptConnection } from '../support/kept-connection.ts';
import { run, startProcess, temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { Authority, type IssuedCertificate } from '../support/tls.ts';
import { WorkersBroker } from '../support/workers.ts';

async function eachOf(workers: WorkersBroker): Promise<[RawClient, RawClient]> {
  const [first, second] = await workers.clientOfEach();
  if (!first || !second) throw new Error('fewer than two workers');
  return [first, second];
}

/** Events in the order in which they come; others are passed over. */
async function events(client: RawClient, ...names: string[]): Promise<unknown[]> {
  const data: unknown[] = [];
  for (const name of names) {
    let frame = await client.next();
    while (frame.event !== name) frame = await client.next();
    data.push(frame.data);
  }
  return data;
}

describe('a worker that dies', () => {
  test('takes its members, counts, users and quota with it, and is replaced', async () => {
    const limited = { ...FULL_APP, maxConnections: 4 };
    const workers = await WorkersBroker.start({ apps: [limited] });
    const { broker } = workers;
    const [stays, goes] = await eachOf(workers);
    const former = workers.pid(2);
    stays.signIn('{"id":"ann","watchlist":["bob"]}');
    await events(stays, 'pusher_internal:watchlist_events');
    goes.signIn('{"id":"bob"}');
    await goes.next('pusher:signin_success');
    await events(stays, 'pusher_internal:watchlist_events');
    await stays.subscribed('presence-room', '{"user_id":"ann"}');
    await goes.subscribed('presence-room', '{"user_id":"bob"}');
    await goes.subscribed('presence-empty', '{"user_id":"bob"}');
    await events(stays, 'pusher_internal:member_added');
    await stays.subscribed('private-scada');
    await goes.subscribed('private-scada');
    // One for each of the two; how many of them the later one sees is open.
    for (let count = 0; count < 2; count += 1) await events(stays, 'pusher_internal:subscription_count');
    await stays.flush();

    process.kill(former, 'SIGKILL');
    expect(await goes.closed()).toMatchObject({ code: 1006 });
    // In the order in which the facts are taken out.
    expect(
      await events(
        stays,
        'pusher_internal:member_removed',
        'pusher_internal:watchlist_events',
        'pusher_internal:subscription_count',
      ),
    ).toEqual(['{"user_id":"bob"}', '{"events":[{"name":"offline","user_ids":["bob"]}]}', '{"subscription_count":1}']);
    expect(await broker.logged('worker ended')).toMatchObject({ worker: 2, signal: 'SIGKILL', level: 50 });
    const replaced = await broker.logged('worker started', 3);
    expect(replaced.worker).toBe(2);
    expect(replaced.pid).not.toBe(former);

    expect(await read(broker.url, '/channels', { filter_by_prefix: 'presence-', info: 'user_count' })).toEqual({
      channels: { 'presence-room': { user_count: 1 } },
    });
    const clients = await eachOf(workers);
    for (const client of clients) await client.subscribed('private-scada');
    // Five would be too many if the dead one still counted.
    const last = await RawClient.connect(broker.wsUrl);
    await trigger(broker.url, { name: 'rvm.status.updated', channel: 'private-scada', data: 'again' });
    for (const client of [stays, ...clients]) expect(await events(client, 'rvm.status.updated')).toEqual(['again']);
    expect(await workers.getFromEach('/ready')).toEqual(['200 OK', '200 OK']);
    expect((await workers.getFromEach('/usage')).every((usage) => usage.includes('"connections":4'))).toBe(true);
    await last.close();
    await broker.kill();
  });

  test('leaves behind every event that it answered with 200', async () => {
    const workers = await WorkersBroker.start();
    const [stays] = await eachOf(workers);
    await stays.subscribed('private-scada');
    const answered: string[] = [];
    const publish = async (data: string): Promise<void> => {
      const { status } = await trigger(workers.broker.url, { name: 'e', channel: 'private-scada', data });
      if (status !== 200) return;
      answered.push(data);
      if (answered.length === 100) process.kill(workers.pid(2), 'SIGKILL');
    };
    // A few at a time, so that the worker dies just after an answer.
    const rest = Array.from({ length: 400 }, (_, index) => `${index}`);
    const publishers = Array.from({ length: 8 }, async () => {
      // What is under way on the worker when it dies is not answered.
      for (let data = rest.pop(); data !== undefined; data = rest.pop()) await publish(data).catch(() => {});
    });
    await Promise.all(publishers);
    await workers.broker.logged('worker started', 3);
    await publish('last');
    const heard: string[] = [];
    while (heard.at(-1) !== 'last') heard.push(String((await events(stays, 'e'))[0]));
    expect(answered.length).toBeGreaterThan(100);
    expect(answered.filter((data) => !heard.includes(data))).toEqual([]);
    expect(new Set(heard).size).toBe(heard.length);
    await workers.broker.kill();
  });

  test('is one that hangs, too', async () => {
    const workers = await WorkersBroker.start();
    const [stays, goes] = await eachOf(workers);
    await stays.subscribed('presence-room', '{"user_id":"ann"}');
    await goes.subscribed('presence-room', '{"user_id":"bob"}');
    process.kill(workers.pid(2), 'SIGSTOP');
    expect(await events(stays, 'pusher_internal:member_removed')).toEqual(['{"user_id":"bob"}']);
    expect(await workers.broker.logged('worker does not answer')).toMatchObject({ worker: 2 });
    await goes.closed();
    await workers.broker.logged('worker started', 3);
    await workers.broker.kill();
  });

  test('again and again is started again more and more slowly', async () => {
    const workers = await WorkersBroker.start();
    for (let death = 1; death <= 3; death += 1) {
      process.kill(workers.pid(1), 'SIGKILL');
      await workers.broker.logged('worker started', 2 + death);
    }
    const delays = workers.broker.log.filter(({ msg }) => String(msg).startsWith('worker ended'));
    expect(delays.map(({ delayMs }) => delayMs)).toEqual([100, 200, 400]);
    await workers.broker.kill();
  });
});

test('workers end with their main process, however it ends', async () => {
  const workers = await WorkersBroker.start();
  const clients = await eachOf(workers);
  await workers.broker.kill();
  for (const client of clients) expect(await client.closed()).toMatchObject({ code: 1006 });
  const next = await WorkersBroker.start({ port: workers.broker.port });
  await next.broker.kill();
});

describe('after SIGTERM', () => {
  test('all workers stop listening, and those that are left are still served', async () => {
    const workers = await WorkersBroker.start({ apps: [APP], settings: { 'drain.seconds': 600 } });
    const clients = await Promise.all(Array.from({ length: 200 }, () => RawClient.connect(workers.broker.wsUrl)));
    await Promise.all(clients.map((client) => client.subscribed('scada')));
    const owners = workers.workersOf(clients);
    const ends = clients.map((client) => client.closed());
    const [ready, publishing, later] = await KeptConnection.openMany(workers.broker.port, 3);
    const firstOf = (worker: number): Promise<unknown> =>
      Promise.race(ends.filter((_, index) => owners[index] === worker));
    workers.broker.signal('SIGTERM');
    // Each moves its own.
    for (const worker of [1, 2]) expect(await firstOf(worker)).toMatchObject({ code: 4200 });
    await expect(fetch(`${workers.broker.url}/`)).rejects.toThrow('fetch failed');
    expect(await ready?.get('/ready')).toMatchObject({ status: 503, connection: 'close' });
    const body = JSON.stringify({ name: 'e', channel: 'scada', data: 'still here' });
    const target = signTarget({ method: 'POST', path: `/apps/${APP.id}/events`, body });
    expect(await publishing?.send('POST', target, body)).toMatchObject({ status: 200 });
    await later?.get('/');
    workers.broker.signal('SIGINT');
    expect(await workers.broker.exited).toEqual({ code: 1, signal: null });
    const heard = (await Promise.all(ends)).filter(({ before }) => before.some((text) => text.includes('still here')));
    expect(heard.length).toBeGreaterThan(0);
  });

  test('a worker without clients takes new ones too until the load balancer has had its time', async () => {
    const workers = await WorkersBroker.start({ settings: { 'drain.readyDelaySeconds': 600 } });
    const client = await RawClient.connect(workers.broker.wsUrl);
    workers.broker.signal('SIGTERM');
    while ((await workers.getFromEach('/ready')).some((answer) => answer.startsWith('200')));
    for (const late of await eachOf(workers)) await late.subscribed('scada');
    await client.subscribed('scada');
    workers.broker.signal('SIGTERM');
    expect(await workers.broker.exited).toEqual({ code: 1, signal: null });
  });

  test('all clients are closed with 4200, and the exit code is 0', async () => {
    const workers = await WorkersBroker.start({ settings: { 'drain.seconds': 0.3 } });
    const clients = await Promise.all(Array.from({ length: 30 }, () => RawClient.connect(workers.broker.wsUrl)));
    expect(workers.spread.every((count) => count > 0)).toBe(true);
    workers.broker.signal('SIGTERM');
    const ends = await Promise.all(clients.map((client) => client.closed()));
    expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([4200]));
    expect(await workers.broker.exited).toEqual({ code: 0, signal: null });
    expect(workers.broker.log.map(({ msg }) => msg)).not.toContain('worker ended');
  });
});

describe('what makes a start fail', () => {
  test('is a port that another program has, even one that shares', async () => {
    const { broker } = await WorkersBroker.start();
    const file = join(temporaryFolder(), 'kulkul.json');
    writeFileSync(file, '{}');
    for (const workers of ['1', '2']) {
      const port = String(broker.port);
      const second = await run(['start', '--host', '127.0.0.1', '--port', port, '--workers', workers]);
      expect(second).toMatchObject({ code: 1, stdout: '' });
      expect(second.stderr).toBe(
        `kulkul: Can't listen on 127.0.0.1:${port}: another program has port ${port}: stop it, or choose another port with --port\n`,
      );
    }
    await broker.kill();
    const single = await startProcess();
    const { code } = await run(['start', '--host', '127.0.0.1', '--port', String(single.port), '--workers', '2']);
    expect(code).toBe(1);
    await single.kill();
  });

  test('is what a worker finds wrong, told as by a broker without workers', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'kulkul.json');
    const path = join(folder, 'none.pem');
    writeFileSync(file, JSON.stringify({ host: '127.0.0.1', port: 0, 'ssl.certPath': path, 'ssl.keyPath': path }));
    const [one, two] = await Promise.all(
      ['1', '2'].map((count) => run(['start', '--config', file, '--workers', count])),
    );
    expect(two).toMatchObject({ code: 2, stderr: expect.stringContaining(`ssl.certPath ${path} can't be read`) });
    expect(two).toEqual(one);
  });
});

test('each worker serves TLS and takes up a new certificate', async () => {
  const authority = await Authority.create();
  const folder = temporaryFolder();
  const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const install = ({ cert, key }: IssuedCertificate): void => {
    writeFileSync(paths.cert, cert);
    writeFileSync(paths.key, key);
  };
  install(await authority.issue({ commonName: 'former' }));
  const tls = { 'ssl.certPath': paths.cert, 'ssl.keyPath': paths.key };
  const workers = await WorkersBroker.start({ settings: tls }, 2, { ca: authority.cert });
  const names = (clients: readonly RawClient[]): unknown[] =>
    clients.map(({ ws }) => (ws as unknown as { _socket: TLSSocket })._socket.getPeerCertificate().subject.CN);
  const before = await eachOf(workers);
  expect(names(before)).toEqual(['former', 'former']);
  install(await authority.issue({ commonName: 'next' }));
  for (const count of [1, 2]) await workers.broker.logged('TLS certificate reloaded', count);
  const after = await eachOf(workers);
  expect(names(after)).toEqual(['next', 'next']);
  await after[0].subscribed('scada');
  await before[1].subscribed('scada');
  await workers.broker.kill();
});

test('lines of the log are whole, and say which worker wrote them', async () => {
  const workers = await WorkersBroker.start({ args: ['--debug'], settings: { maxFrameBytes: 1_000_000 } });
  const clients = await eachOf(workers);
  await Promise.all(
    clients.map(async (client) => {
      for (let round = 0; round < 20; round += 1) client.send({ event: 'x', data: 'ü'.repeat(100_000) });
      await client.flush();
      await client.close();
    }),
  );
  workers.broker.signal('SIGTERM');
  await workers.broker.exited;
  expect(workers.broker.stdout).toMatch(/^(\{.*\}\n)*$/);
  const frames = workers.broker.log.filter(
    ({ msg, frame }) => msg === 'message in' && String(frame).endsWith(' characters)'),
  );
  expect(frames).toHaveLength(40);
  expect(new Set(frames.map(({ worker }) => worker))).toEqual(new Set([1, 2]));
});
