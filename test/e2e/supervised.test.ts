import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { SteadyPublisher } from '../cluster/steady.ts';
import { atLength } from '../support/at-length.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import { freePort } from '../support/free-port.ts';
import { type BrokerOptions, type BrokerProcess, CommandProcess, startProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { until, untilEqual } from '../support/until.ts';
import { Visitor } from '../support/visitor.ts';

const brokers: BrokerProcess[] = [];
afterEach(async () => {
  Visitor.leaveAll();
  // What it started ends with it.
  for (const broker of brokers.splice(0)) await stop(broker);
});

async function start(options: BrokerOptions = {}): Promise<BrokerProcess> {
  const broker = await startProcess({ ...options, args: ['--supervised'] });
  brokers.push(broker);
  return broker;
}

async function stop(broker: BrokerProcess): Promise<void> {
  broker.signal('SIGTERM');
  expect(await broker.exited).toEqual({ code: 0, signal: null });
}

/** Has the next process take over, and waits until the former one is gone. */
async function takeOver(broker: BrokerProcess): Promise<void> {
  const count = said(broker, 'takeover: the former broker has ended').length;
  broker.signal('SIGUSR2');
  await broker.logged('takeover: the former broker has ended', count + 1);
}

function said({ log }: BrokerProcess, text: string): unknown[] {
  return log.filter(({ msg }) => String(msg).startsWith(text));
}

function pidOfBroker(broker: BrokerProcess): number {
  return Number(broker.log.filter(({ msg }) => msg === 'listening').at(-1)?.pid);
}

/** Writes other settings into the configuration file. */
function change({ configFile }: BrokerProcess, settings: Record<string, unknown>): void {
  writeFileSync(configFile, JSON.stringify({ ...JSON.parse(readFileSync(configFile, 'utf8')), ...settings }));
}

describe.each(atLength([2], [1, 2]))('a takeover (%i workers)', (workers) => {
  test('moves stock clients to the next process under steady publishing: each connects again once', async () => {
    const broker = await start({ port: await freePort(), settings: { workers } });
    const users = ['ann', 'bob', 'cid', 'dan'];
    const visitors = await Promise.all(users.map((user) => Visitor.arrive('8.6', user, broker)));
    const publisher = new SteadyPublisher(broker.url, 'news', 'p');
    for (let round = 1; round <= 3; round += 1) {
      await takeOver(broker);
      await until(() => visitors.every(({ isIn, socketIds }) => isIn && socketIds.size === round + 1));
      for (const { errors, states } of visitors) {
        // The word of the close code, and nothing else.
        expect(JSON.stringify(errors).replaceAll('"code":4200', '')).not.toContain('"code"');
        expect(states.filter((state) => state !== 'connected' && state !== 'connecting')).toEqual([]);
      }
      await publisher.goOn(20);
    }
    await publisher.stop();
    // One on a connection that is just being closed may fail.
    expect(publisher.refused.filter((answer) => !answer.startsWith('0 '))).toEqual([]);
    const last = await Visitor.arrive('8.6', 'eve', broker);
    await until(() => last.members.length === 5);
    expect(last.members).toEqual([...users, 'eve']);
  });
});

test('a takeover takes up a changed configuration; the admin API goes over, too', async () => {
  const port = await freePort();
  const broker = await start({
    settings: { 'admin.port': port },
    env: { KULKUL_ADMIN_ENABLED: 'true' },
  });
  const nodes = async (): Promise<unknown> => (await fetch(`http://127.0.0.1:${port}/`)).status;
  await untilEqual(nodes, 200);
  change(broker, { activityTimeoutSeconds: 77 });
  await takeOver(broker);
  await broker.logged('admin API', 2);
  expect(await nodes()).toBe(200);
  const client = new RawClient(`${broker.wsUrl}/app/${APP.key}`);
  expect((await client.next('pusher:connection_established')).data).toContain('"activity_timeout":77');
});

test('a next process that can not start leaves the running one in its place, and the log says why', async () => {
  const broker = await start();
  const client = await RawClient.connect(broker.wsUrl);
  change(broker, { activityTimeoutSeconds: 'often' });
  broker.signal('SIGUSR2');
  expect(await broker.logged('takeover failed')).toMatchObject({ level: 50, end: 'code 2' });
  expect(broker.stderr).toContain('activityTimeoutSeconds: expected');
  expect(await client.flush()).toEqual([]);
  change(broker, { activityTimeoutSeconds: 120 });
  await takeOver(broker);
  expect(await client.closed()).toMatchObject({ code: 4200 });
});

test('a process that dies is replaced, on the same port and with the same app, whatever they were', async () => {
  const broker = new CommandProcess(['start', '--supervised', '--host', '127.0.0.1', '--port', '0'], {
    env: { KULKUL_LOG_FORMAT: 'auto' },
  });
  const { port, pid } = await broker.logged('listening');
  const key = /PUSHER_APP_KEY=(\w+)/.exec(await broker.printed(/PUSHER_APP_KEY=/))?.[1] ?? '';
  process.kill(Number(pid), 'SIGKILL');
  expect(await broker.logged('the broker exited unexpectedly')).toMatchObject({
    level: 50,
    end: 'SIGKILL',
    delayMs: 100,
  });
  expect(await broker.logged('listening', 2)).toMatchObject({ port });
  await RawClient.connect(`ws://127.0.0.1:${port}`, { key });
  // Once is enough for people.
  expect(broker.stdout.match(/PUSHER_APP_KEY/g)).toHaveLength(1);
  broker.signal('SIGINT');
  expect(await broker.exited).toEqual({ code: 0, signal: null });
});

test('a process that dies while the next one starts is replaced by that one', async () => {
  const broker = await start();
  const former = pidOfBroker(broker);
  broker.signal('SIGUSR2');
  await broker.logged('takeover: starting');
  process.kill(former, 'SIGKILL');
  await broker.logged('listening', 2);
  expect(pidOfBroker(broker)).not.toBe(former);
  await RawClient.connect(broker.wsUrl);
  expect(said(broker, 'the broker exited unexpectedly')).toEqual([]);
});

test('SIGHUP takes up changed apps in the process that runs', async () => {
  const broker = await start({ apps: [FULL_APP] });
  await takeOver(broker);
  change(broker, { 'appManager.array.apps': [FULL_APP, { id: '7', key: 'seventh', secret: 'secret-of-seven' }] });
  broker.signal('SIGHUP');
  expect(await broker.logged('apps reloaded')).toMatchObject({ added: ['7'], pid: pidOfBroker(broker) });
  await RawClient.connect(broker.wsUrl, { key: 'seventh' });
});

test('a signal to stop ends it properly, a second one at once, also when it goes to all processes', async () => {
  const broker = await start({ settings: { 'drain.seconds': 600 } });
  const clients = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl)];
  process.kill(pidOfBroker(broker), 'SIGTERM');
  broker.signal('SIGTERM');
  await Promise.race(clients.map((client) => client.closed()));
  broker.signal('SIGTERM');
  expect(await broker.exited).toEqual({ code: 1, signal: null });
  brokers.pop();
});

test('a broker whose supervising process was killed ends', async () => {
  const broker = await start();
  const client = await RawClient.connect(broker.wsUrl);
  await broker.kill();
  brokers.pop();
  expect(await client.closed()).toMatchObject({ code: 1001 });
});

test('a first start that fails is the end, with its own words and exit code', async () => {
  const broker = new CommandProcess(['start', '--supervised', '--port', '1', '--host', '192.0.2.1']);
  expect(await broker.exited).toEqual({ code: 1, signal: null });
  expect(broker.stderr).toMatch(/^kulkul: Can't listen on 192\.0\.2\.1:1: [^\n]+\n$/);
  const unknown = new CommandProcess(['start', '--supervised', '--workers', 'many']);
  expect(await unknown.exited).toEqual({ code: 2, signal: null });
});

test('a broker of another version of these messages than its supervising process refuses, in words', async () => {
  const flag = JSON.stringify({ version: 2, port: null, isTakeover: false });
  const broker = new CommandProcess(['start', '--supervision', flag]);
  expect(await broker.exited).toEqual({ code: 2, signal: null });
  expect(broker.stderr).toContain(
    'the supervising process has another version of Kulkul (2, this one knows 1): restart it as a whole',
  );
});
