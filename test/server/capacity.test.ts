import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { trigger } from '../support/api-client.ts';
import { APP, FULL_APP, startBroker, type TestBroker } from '../support/broker.ts';
import { temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { RedirectedBroker } from '../support/redirected.ts';
import { Authority } from '../support/tls.ts';
import { untilEqual } from '../support/until.ts';
import { RawSocket, upgradeRequest } from './robustness/raw-socket.ts';

const PATH = `/app/${APP.key}?protocol=7`;
const HALF_A_REQUEST = 'GET / HTTP/1.1\r\nHost: x';

const readyStatus = async (url: string): Promise<number> => (await fetch(`${url}/ready`)).status;

describe('a process with room for 40 connections', () => {
  let broker: TestBroker;
  const sockets: RawSocket[] = [];
  afterEach(async () => {
    for (const { socket } of sockets.splice(0)) socket.destroy();
    broker.kill();
  });

  const start = async (settings = {}): Promise<void> => {
    const app = { ...FULL_APP, feeds: [{ path: '/feed', channel: 'news' }] };
    broker = await startBroker({ 'limits.maxConnections': 40, ...settings }, [app]);
  };
  const open = async (count: number): Promise<void> => {
    for (let number = 0; number < count; number += 1) sockets.push(await RawSocket.open(broker.port));
  };
  const messages = (text: string) => broker.log.filter(({ msg }) => String(msg).startsWith(text));

  test('tells WebSockets from the 31st on to come back later, and answers requests', async () => {
    await start();
    const clients = await Promise.all(Array.from({ length: 30 }, () => RawClient.connect(broker.wsUrl)));
    const refused = new RawClient(`${broker.wsUrl}${PATH}`);
    expect(await refused.closed()).toMatchObject({ code: 4100, before: [expect.stringContaining('Over capacity')] });
    expect(messages('over capacity')).toEqual([expect.objectContaining({ level: 40, connections: 31, limit: 30 })]);
    expect(await readyStatus(broker.url)).toBe(503);
    expect(await fetch(`${broker.url}/ready`).then((answer) => answer.text())).toContain('limits.maxConnections');
    await clients[0]?.subscribed('news');
    expect((await trigger(broker.url, { name: 'e', channel: 'news', data: '{}' })).text).toBe('{}');
    expect((await clients[0]?.flush())?.join()).toContain('"event":"e"');
    for (const client of clients) client.ws.terminate();
    await untilEqual(() => readyStatus(broker.url), 200);
    await (await RawClient.connect(broker.wsUrl)).close();
    expect(messages('no longer over capacity')).toHaveLength(1);
    expect(messages('over capacity')).toHaveLength(1);
  });

  test('has readers of feeds come back later, too', async () => {
    await start();
    await open(31);
    await untilEqual(() => messages('over capacity').length, 1);
    const headers = { Accept: 'text/event-stream' };
    expect(await fetch(`${broker.url}/feed`, { headers }).then((answer) => answer.text())).toContain('Over capacity');
    expect(await new RawClient(`${broker.wsUrl}/feed`).closed()).toMatchObject({ code: 4100 });
  });

  test.for([
    ['connections that say nothing', ''],
    ['half-sent requests', HALF_A_REQUEST],
    ['WebSockets', upgradeRequest(PATH)],
    ['readers of a feed', 'GET /feed HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n'],
  ])('closes the 41st at once, and serves those that it has: %s', async ([, bytes = '']) => {
    await start();
    const witness = await RawClient.connect(broker.wsUrl);
    await open(39);
    for (const socket of sockets) socket.write(bytes);
    await expect(witness.flush()).resolves.toEqual([]);
    const late = await RawSocket.open(broker.port);
    await late.ended();
    expect(late.text).toBe('');
    expect(messages('full')).toEqual([expect.objectContaining({ level: 50, limit: 40 })]);
    await expect(witness.flush()).resolves.toEqual([]);
    for (const { socket } of sockets.splice(0)) socket.destroy();
    await untilEqual(() => readyStatus(broker.url).catch(() => 0), 200);
    expect(messages('no longer full')).toHaveLength(1);
    await (await RawClient.connect(broker.wsUrl)).close();
  });

  test('counts connections over TLS, and those that never begin with it', async () => {
    const { cert, key } = await (await Authority.create()).issue();
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'cert.pem'), cert);
    writeFileSync(join(folder, 'key.pem'), key);
    await start({ 'ssl.certPath': join(folder, 'cert.pem'), 'ssl.keyPath': join(folder, 'key.pem') });
    const options = { rejectUnauthorized: false };
    for (let round = 0; round < 50; round += 1) (await RawClient.connect(broker.wsUrl, options)).ws.terminate();
    await open(31);
    await untilEqual(() => messages('over capacity').length, 1);
    await expect(RawClient.connect(broker.wsUrl, options)).rejects.toThrow();
    for (const { socket } of sockets.splice(0)) socket.destroy();
    await untilEqual(() => messages('no longer over capacity').length, 1);
    await (await RawClient.connect(broker.wsUrl, options)).close();
  });

  test('is not kept full by WebSockets that came and went', async () => {
    await start();
    for (let round = 0; round < 100; round += 1) await (await RawClient.connect(broker.wsUrl)).close();
    for (let round = 0; round < 100; round += 1) await new RawClient(`${broker.wsUrl}/app/nobody`).closed();
    await (await RawClient.connect(broker.wsUrl)).close();
    expect(await readyStatus(broker.url)).toBe(200);
  });
});

// Cause: at the open-file limit no connection can be taken, and the system went on telling of it. Symptom: a core at 100 %, and whoever came waited for ever.
describe('a broker with 300 open files, and 400 who come', () => {
  const limited = (line: string) => ['sh', '-c', `ulimit -n 300; ${line}`] as const;

  test.for([
    ['say nothing', '', false],
    ['never finish a request', HALF_A_REQUEST, false],
    ['open a WebSocket', upgradeRequest(PATH), false],
    ['are refused, and never close their side', upgradeRequest('/app/nobody'), true],
  ] as const)('closes those that are too many, and serves the others: they %s', async ([, bytes, isStubborn]) => {
    const broker = await RedirectedBroker.start({ below: limited, stdio: ['ignore', 'pipe', 'inherit'] });
    let log = '';
    broker.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const witness = await RawClient.connect(`ws://127.0.0.1:${broker.port}`);
    const comers = await Promise.all(Array.from({ length: 400 }, () => RawSocket.open(broker.port)));
    for (const comer of comers) {
      comer.socket.allowHalfOpen = isStubborn;
      comer.write(bytes);
    }
    await untilEqual(() => log.includes('"msg":"full: '), true);
    // Without having to wait for others to leave.
    if (!isStubborn) await Promise.race(comers.map((comer) => comer.ended()));
    await expect(witness.flush()).resolves.toEqual([]);
    for (const { socket } of comers) socket.resetAndDestroy();
    await untilEqual(() => broker.answers(), true);
    await expect(witness.flush()).resolves.toEqual([]);
    expect(log).toContain('"msg":"the open-file limit is low: raise it"');
    await witness.close();
  });

  test('says in the message at the start for how many there is room', async () => {
    const settings = { 'log.format': 'auto' };
    const broker = await RedirectedBroker.start({ below: limited, stdio: ['ignore', 'pipe', 'inherit'], settings });
    let text = '';
    broker.child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    await untilEqual(() => /^ {2}open files 300 at the most .*: room for 2\d\d connections/m.test(text), true);
  });
});
