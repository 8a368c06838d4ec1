import { afterEach, describe, expect, test } from 'vitest';
import { AddressLimits } from '../../server/address-limits.ts';
import { trigger } from '../support/api-client.ts';
import { APP, FULL_APP, startBroker, type TestBroker } from '../support/broker.ts';
import { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { RawSocket, upgradeRequest } from './robustness/raw-socket.ts';

const PATH = `/app/${APP.key}?protocol=7`;
const FEED = 'GET /feed HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n';

describe('an address', () => {
  let now = 0;
  const start = (maxOpen: number, maxPerSecond: number) => new AddressLimits({ maxOpen, maxPerSecond }, () => now);

  test('has as many connections as it may, and again what it gave back', () => {
    const limits = start(2, -1);
    expect([limits.take('a'), limits.take('a'), limits.take('a')]).toEqual([
      undefined,
      undefined,
      'connectionsPerAddress',
    ]);
    expect(limits.take('b')).toBeUndefined();
    limits.release('a');
    expect([limits.take('a'), limits.take('a')]).toEqual([undefined, 'connectionsPerAddress']);
  });

  test('opens as many in a second as it may, however long they last', () => {
    const limits = start(-1, 4);
    const take = (count: number) =>
      Array.from({ length: count }, () => limits.take('a') === undefined).filter(Boolean).length;
    expect(take(10)).toBe(4);
    now += 500;
    expect(take(10)).toBe(2);
    now += 10_000;
    expect(take(10)).toBe(4);
  });

  test('is forgotten when it has nothing open, so that a flood of addresses takes no memory', () => {
    const limits = start(2, 5);
    limits.take('held');
    limits.take('held');
    for (let number = 0; number < 100_000; number += 1) {
      limits.take(`address-${number}`);
      limits.release(`address-${number}`);
    }
    expect(limits.size).toBeLessThanOrEqual(20_000);
    expect(limits.take('held')).toBe('connectionsPerAddress');
  });
});

describe('a broker with 5 connections for each address', () => {
  let broker: TestBroker;
  const sockets: RawSocket[] = [];
  afterEach(() => {
    for (const { socket } of sockets.splice(0)) socket.destroy();
    broker.kill();
  });

  const start = async (settings = {}): Promise<void> => {
    const app = { ...FULL_APP, feeds: [{ path: '/feed', channel: 'news' }] };
    broker = await startBroker({ 'limits.connectionsPerAddress': 5, ...settings }, [app]);
  };
  const open = async (bytes: string, address = '127.0.0.2'): Promise<RawSocket> => {
    const raw = await RawSocket.open(broker.port, address);
    sockets.push(raw);
    raw.write(bytes);
    return raw;
  };
  const isTaken = async (address = '127.0.0.2'): Promise<boolean> => {
    const raw = await open('GET / HTTP/1.1\r\nHost: x\r\n\r\n', address);
    await raw.ended();
    return raw.text.includes('200 OK');
  };

  const KINDS = [
    ['say nothing', '', undefined],
    ['never finish a request', 'GET / HTTP/1.1\r\nHost: x', undefined],
    [
      'never finish a body',
      `POST /apps/${APP.id}/events?auth_key=${APP.key} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{`,
      undefined,
    ],
    ['are WebSockets', upgradeRequest(PATH), '101 Switching'],
    ['read a feed', FEED, '200 OK'],
  ] as const;

  test.for(KINDS)(
    'closes the sixth, serves other addresses, and takes one for each that ends: they %s',
    async ([, bytes, answer]) => {
      await start();
      for (let count = 0; count < 5; count += 1) {
        const raw = await open(bytes);
        if (answer !== undefined) await raw.until(answer);
      }
      expect(await isTaken()).toBe(false);
      expect(await isTaken('127.0.0.3')).toBe(true);
      sockets[0]?.socket.destroy();
      await until(() => isTaken());
      for (let count = 0; count < 20; count += 1) expect(await isTaken()).toBe(true);
      expect(broker.log.find(({ cause }) => cause === 'connectionsPerAddress')).toMatchObject({ ip: '127.0.0.2' });
    },
  );

  test.for([
    ['requests', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['refused requests', 'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['requests for a head', 'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['preflights', 'OPTIONS /apps/1/events HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n\r\n'],
    ['pipelined requests', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3)],
    ['requests that can not be read', 'GET / HTTP/1.1\r\n\r\n'],
    ['feeds asked for as something else', 'GET /feed HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('counts none of those that are over: %s', async ([, bytes = '']) => {
    await start();
    for (let round = 0; round < 30; round += 1) await (await open(bytes)).ended();
    expect(await isTaken()).toBe(true);
    const rest = await Promise.all(Array.from({ length: 5 }, () => open('')));
    expect(await isTaken()).toBe(false);
    for (const { socket } of rest) socket.destroy();
  });

  test('counts no WebSocket that was closed, by whichever side', async () => {
    await start();
    for (let round = 0; round < 10; round += 1) {
      const raw = await open(upgradeRequest(PATH));
      await raw.until('connection_established');
      if (round % 2 === 0) raw.reset();
      else await raw.finish();
      await (await open(upgradeRequest('/app/nobody'))).ended();
    }
    await until(() => isTaken());
    expect(broker.node.connections.size).toBe(0);
  });

  test('limits how many an address opens in a second', async () => {
    await start({ 'limits.connectionsPerAddress': -1, 'limits.newConnectionsPerSecondPerAddress': 2 });
    const taken = await Promise.all(Array.from({ length: 40 }, () => isTaken()));
    expect(taken.filter(Boolean).length).toBeGreaterThanOrEqual(2);
    expect(taken.filter(Boolean).length).toBeLessThan(40);
    expect(await isTaken('127.0.0.3')).toBe(true);
    expect(broker.log.find(({ cause }) => cause === 'newConnectionsPerSecondPerAddress')).toBeDefined();
  });

  describe('and a proxy that it trusts', () => {
    const behind = (client: string) => ({ headers: { 'X-Forwarded-For': client } });
    const TRUSTED = { 'limits.trustedProxies': ['127.0.0.0/31', '10.0.0.0/8'] };

    test('counts WebSockets by the address that the proxy tells', async () => {
      await start(TRUSTED);
      const connect = (client: string) => RawClient.connect(broker.wsUrl, behind(client));
      const clients = await Promise.all(Array.from({ length: 5 }, () => connect('9.9.9.9, 1.2.3.4, 10.0.0.1')));
      const refused = await fetch(`${broker.url}/feed`, {
        headers: { ...behind('1.2.3.4').headers, Accept: 'text/event-stream' },
      });
      expect([refused.status, refused.headers.get('x-kulkul-error')]).toEqual([429, 'too-many-connections']);
      await expect(connect('1.2.3.4')).rejects.toThrow();
      await (await connect('1.2.3.5')).close();
      await (await RawClient.connect(broker.wsUrl)).close();
      await clients[0]?.close();
      await until(() =>
        connect('1.2.3.4').then(
          () => true,
          () => false,
        ),
      );
    });

    test('lets the requests of the proxy, and of backends in the list, be', async () => {
      await start(TRUSTED);
      const event = { name: 'e', channel: 'c', data: '{}' };
      const answers = await Promise.all(
        Array.from({ length: 30 }, () => trigger(broker.url, event, behind('1.2.3.4'))),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(answers[0]?.headers.get('connection')).not.toBe('close');
    });
  });
});
