import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { trigger } from '../support/api-client.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import { BrokerProcess, startProcess, temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { WorkersBroker } from '../support/workers.ts';

const OTHER = { id: '2', key: 'other-key', secret: 'other-secret' };
const UNKNOWN_APP = 4001;
const RELOADED = 'apps reloaded';

function contentWith(apps: readonly object[], settings: object = {}): string {
  return JSON.stringify({
    host: '127.0.0.1',
    port: 0,
    'log.format': 'json',
    'appManager.array.apps': apps,
    ...settings,
  });
}

/** As editors do: another file in the place of the former. */
function replaceFile(file: string, content: string): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

/** How a connection with a key begins: the first event, or the code with which it is closed. */
async function greeting({ wsUrl }: BrokerProcess, key: string): Promise<string | number> {
  const client = new RawClient(`${wsUrl}/app/${key}?protocol=7`);
  const item = await client.nextItem();
  if (!('text' in item)) return item.code;
  const { event } = JSON.parse(item.text) as { event: string };
  if (event !== 'pusher:error') {
    await client.close();
    return event;
  }
  return (await client.closed()).code;
}

/** Likewise of so many connections that each worker has some; each that occurs once. */
async function greetings(broker: BrokerProcess, key: string): Promise<(string | number)[]> {
  const all = await Promise.all(Array.from({ length: 16 }, () => greeting(broker, key)));
  return [...new Set(all)];
}

describe('a configuration file that is changed', () => {
  test('brings new apps, and takes away those that are gone, their connections included', async () => {
    const broker = await startProcess({ apps: [APP] });
    const former = await RawClient.connect(broker.wsUrl);
    replaceFile(broker.configFile, contentWith([OTHER]));
    expect(await broker.logged(RELOADED)).toMatchObject({ added: ['2'], changed: [], removed: [APP.id] });

    expect(await former.closed()).toMatchObject({ code: UNKNOWN_APP });
    expect(await greeting(broker, APP.key)).toBe(UNKNOWN_APP);
    const client = await RawClient.connect(broker.wsUrl, { key: OTHER.key });
    await client.subscribed('news');
    const event = { name: 'opened', channel: 'news', data: 'today' };
    expect((await trigger(broker.url, event, { app: OTHER })).status).toBe(200);
    expect(await client.next('opened')).toMatchObject({ data: 'today' });
    expect((await trigger(broker.url, event)).status).toBe(404);
  });

  test('changes apps under their connections', async () => {
    const broker = await startProcess({ apps: [{ ...APP, maxEventNameLength: 20 }] });
    const client = await RawClient.connect(broker.wsUrl);
    await client.subscribed('private-room');
    client.send({ event: 'client-typing', channel: 'private-room', data: {} });
    expect(await client.nextText()).toContain('enableClientMessages');
    writeFileSync(broker.configFile, contentWith([{ ...APP, enableClientMessages: true }]));
    expect(await broker.logged(RELOADED)).toMatchObject({ added: [], changed: [APP.id], removed: [] });
    client.send({ event: 'client-typing', channel: 'private-room', data: {} });
    expect(await client.flush()).toEqual([]);

    writeFileSync(broker.configFile, contentWith([{ ...APP, enabled: false }]));
    await broker.logged(RELOADED, 2);
    expect(await client.closed()).toMatchObject({ code: 4003 });
    expect(await greeting(broker, APP.key)).toBe(4003);
  });

  test('and is broken keeps the apps and says where; SIGHUP says it again', async () => {
    const broker = await startProcess({ apps: [APP] });
    const client = await RawClient.connect(broker.wsUrl);
    writeFileSync(broker.configFile, contentWith([OTHER]).replace('"2"', '\n  "2" x'));
    const problem = { where: `${broker.configFile}:2:7`, problem: expect.stringContaining('syntax error') };
    expect(await broker.logged('problem in the configuration')).toMatchObject(problem);
    await broker.logged('the configuration can not be used: the apps stay as they are');
    broker.signal('SIGHUP');
    expect(await broker.logged('problem in the configuration', 2)).toMatchObject(problem);
    await broker.logged('the configuration can not be used: the apps stay as they are', 2);
    expect(await client.flush()).toEqual([]);
    expect(await greeting(broker, APP.key)).toBe('pusher:connection_established');
    expect(await greeting(broker, OTHER.key)).toBe(UNKNOWN_APP);
    expect(broker.stdout).not.toContain(OTHER.secret);
  });

  test('as Kubernetes does it, by another folder behind a link, is seen', async () => {
    const folder = temporaryFolder();
    const mount = (name: string, content: string): void => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'kulkul.json'), content);
      symlinkSync(name, join(folder, '..data.new'));
      renameSync(join(folder, '..data.new'), join(folder, '..data'));
    };
    mount('..first', contentWith([APP]));
    symlinkSync(join('..data', 'kulkul.json'), join(folder, 'kulkul.json'));
    const broker = new BrokerProcess(['start', '--config', 'kulkul.json'], false, { cwd: folder });
    broker.port = Number((await broker.logged('listening')).port);
    mount('..second', contentWith([APP, OTHER]));
    rmSync(join(folder, '..first'), { recursive: true });
    expect(await broker.logged(RELOADED)).toMatchObject({ added: ['2'] });
    expect(await greeting(broker, OTHER.key)).toBe('pusher:connection_established');
  });
});

describe('SIGHUP', () => {
  test('reloads, and stops nothing; what only a start takes is named', async () => {
    const broker = await startProcess({ apps: [APP] });
    const client = await RawClient.connect(broker.wsUrl);
    broker.signal('SIGHUP');
    expect(await broker.logged(RELOADED)).toMatchObject({ added: [], changed: [], removed: [] });
    writeFileSync(broker.configFile, contentWith([APP], { 'httpApi.bodyTimeoutSeconds': 3 }));
    broker.signal('SIGHUP');
    expect(await broker.logged('settings differ')).toMatchObject({ settings: ['httpApi.bodyTimeoutSeconds'] });
    expect(await client.flush()).toEqual([]);
  });

  test('says that there is nothing to reload without a file', async () => {
    const env = { KULKUL_PORT: '0', KULKUL_HOST: '127.0.0.1', KULKUL_LOG_FORMAT: 'json' };
    const broker = new BrokerProcess(['start'], false, { env });
    await broker.logged('listening');
    broker.signal('SIGHUP');
    await broker.logged('nothing to reload: there is no configuration file');
    broker.signal('SIGTERM');
    expect(await broker.exited).toEqual({ code: 0, signal: null });
  });
});

describe('with workers', () => {
  test('all of them take up the apps, and one that starts later, too', async () => {
    const workers = await WorkersBroker.start({ apps: [FULL_APP] });
    const { broker } = workers;
    const former = await workers.clientOfEach();
    const secret = 'a secret of 32 characters, and more';
    const withTokens = {
      ...OTHER,
      auth: { jwt: { keys: [{ secret }] } },
      channels: [{ name: 'private-*', subscribe: 'token' }],
    };
    writeFileSync(broker.configFile, contentWith([withTokens], { workers: 2 }));
    expect(await broker.logged(RELOADED)).toMatchObject({ added: ['2'], removed: [APP.id] });
    for (const client of former) expect(await client.closed()).toMatchObject({ code: UNKNOWN_APP });
    // The former connections of both are gone: both have taken up the apps.
    expect(await greetings(broker, OTHER.key)).toEqual(['pusher:connection_established']);

    process.kill(workers.pid(1), 'SIGKILL');
    await broker.logged('worker started', 3);
    process.kill(workers.pid(2), 'SIGKILL');
    await broker.logged('worker started', 4);
    expect(await greetings(broker, OTHER.key)).toEqual(['pusher:connection_established']);
    expect(await greetings(broker, APP.key)).toEqual([UNKNOWN_APP]);
    broker.signal('SIGHUP');
    expect(await broker.logged(RELOADED, 2)).toMatchObject({ added: [], changed: [], removed: [] });
  });
});
