import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { untilEqual } from '../../support/until.ts';
import { encodeFrame, RawSocket, textFrame, upgradeRequest } from '../robustness/raw-socket.ts';
import { expectNothingLeft } from '../robustness/witness.ts';
import { FEEDS_APP, openSocket, publish, token } from './feeds-app.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ maxFrameBytes: 1024 }, [FEEDS_APP]);
});
afterAll(() => broker.kill());

/** How many read feeds of a channel, or subscribe to it. */
const subscribers = (channel: string): number =>
  broker.node.channels.get(`${channel.length}/${channel}/${APP.id}`)?.connections.size ?? 0;

describe('a message', () => {
  test('is the data of an event, or the event, from the first one on', async () => {
    const data = await openSocket(broker, '/feeds/data');
    const event = await openSocket(broker, '/feeds/event');
    await publish(broker.url, 'news', '{"a": 1.0}', 'price.changed');
    expect(await data.nextText()).toBe('{"a": 1.0}');
    expect(await event.nextText()).toBe('{"event":"price.changed","channel":"news","data":{"a": 1.0}}');
    await data.close();
    await event.close();
    await expectNothingLeft(broker);
  });

  test.each([
    ['text', 'hello', '"hello"'],
    ['nothing', '', '""'],
    ['a number', '12345678901234567890', '12345678901234567890'],
    ['JSON in lines', '{\n  "a": [1,\r\n2] }\n', '{\n  "a": [1,\r\n2] }\n'],
    ['text in lines', 'a\nb\u2028c', '"a\\nb\u2028c"'],
    ['a text in JSON', '"\\ud83d\\ude00"', '"\\ud83d\\ude00"'],
    ['half a surrogate pair', 'a\ud83db', '"a\ufffdb"'],
    ['much', 'x'.repeat(90_000), `"${'x'.repeat(90_000)}"`],
  ])('carries %s', async (_, data, inEvent) => {
    const plain = await openSocket(broker, '/feeds/data');
    const event = await openSocket(broker, '/feeds/event');
    await publish(broker.url, 'news', data);
    expect(await plain.nextText()).toBe(data.replace('\ud83db', '\ufffdb'));
    expect(await event.nextText()).toBe(`{"event":"e","channel":"news","data":${inEvent}}`);
    await plain.close();
    await event.close();
  });

  test('is what a Pusher client publishes, too, and never what the protocol says', async () => {
    const auth = token({ sub: 'reader' });
    const room = await openSocket(broker, `/feeds/presence?token=${auth}`);
    const reader = await openSocket(broker, `/feeds/private?token=${auth}`);
    const client = await RawClient.connect(broker.wsUrl);
    await client.subscribed('private-news');
    client.send({ event: 'pusher:subscribe', data: { channel: 'presence-room', auth: token({ sub: 'other' }) } });
    await untilEqual(() => subscribers('presence-room'), 2);
    client.send({ event: 'client-typing', channel: 'private-news', data: { on: true } });
    client.send({ event: 'client-typing', channel: 'presence-room', data: 'x' });
    expect(await reader.nextText()).toBe('{"on":true}');
    expect(await room.nextText()).toBe('x');
    const { status } = await call(broker.url, 'POST', `/apps/${APP.id}/events`, {
      body: { name: 'pusher:error', channels: ['presence-room', 'private-news'], data: 'by the backend' },
    });
    expect(status).toBe(200);
    await client.close();
    await publish(broker.url, 'presence-room', 'end');
    await publish(broker.url, 'private-news', 'end');
    expect(await room.nextText()).toBe('end');
    expect(await reader.nextText()).toBe('end');
    await room.close();
    await reader.close();
    await expectNothingLeft(broker);
  });
});

describe('last', () => {
  test('that names an event sends the last one of that name, though others came after it', async () => {
    await publish(broker.url, 'servers', '{"cpu":1}', 'metrics');
    await publish(broker.url, 'servers', '{"cpu":2}', 'metrics');
    await publish(broker.url, 'servers', '"hot"', 'alert');
    const reader = await openSocket(broker, '/feeds/named');
    const inEvent = await openSocket(broker, '/feeds/named-event');
    expect(await reader.nextText()).toBe('{"cpu":2}');
    expect(await inEvent.nextText()).toBe('{"event":"metrics","channel":"servers","data":{"cpu":2}}');
    await publish(broker.url, 'servers', '"cool"', 'recovery');
    expect(await reader.nextText()).toBe('"cool"');
    await reader.close();
    await inEvent.close();
  });

  test('sends the last event on connecting, and then what comes', async () => {
    const early = await openSocket(broker, '/feeds/last');
    await publish(broker.url, 'state', 'first');
    expect(await early.nextText()).toBe('first');
    const late = await openSocket(broker, '/feeds/last-event');
    await publish(broker.url, 'state', 'second');
    expect(await late.nextText()).toBe('{"event":"e","channel":"state","data":"first"}');
    expect(await late.nextText()).toBe('{"event":"e","channel":"state","data":"second"}');
    expect(await early.nextText()).toBe('second');
    await early.close();
    await late.close();
  });

  test('is for the feed only: subscribers of the channel begin with what comes', async () => {
    await publish(broker.url, 'state', 'kept');
    const client = await RawClient.connect(broker.wsUrl);
    await client.subscribed('state');
    expect((await client.flush()).filter((text) => text.includes('kept'))).toEqual([]);
    await client.close();
  });

  test('is asked for: a feed of a cache channel begins with what comes without it', async () => {
    await publish(broker.url, 'cache-news', 'kept');
    const reader = await openSocket(broker, '/feeds/cache');
    await publish(broker.url, 'cache-news', 'new');
    expect(await reader.nextText()).toBe('new');
    await reader.close();
  });
});

describe('what a reader says', () => {
  test('is ignored: it gets no answer, and no way to the protocol', async () => {
    const reader = await openSocket(broker, '/feeds/data');
    for (const text of [
      'hello',
      '{"event":"pusher:ping","data":{}}',
      '{"event":"pusher:subscribe","data":{"channel":"cache-news"}}',
      '{"event":"client-x","channel":"news","data":"x"}',
      'x'.repeat(5000),
    ]) {
      reader.send(text);
    }
    reader.ws.send(Buffer.from([0, 255, 1]));
    const pong = new Promise((resolve) => reader.ws.once('pong', resolve));
    reader.ws.ping();
    await pong;
    expect(subscribers('cache-news')).toBe(0);
    await publish(broker.url, 'news', 'next');
    expect(await reader.nextText()).toBe('next');
    await reader.close();
  });

  test('is sent back by a feed with echo, as text and with the time', async () => {
    const reader = await openSocket(broker, '/feeds/echo');
    const before = Date.now();
    const answers: string[] = [];
    for (const text of ['hello', '', '{"a":"b"}', 'ü\n\u2028 💡']) {
      reader.send(text);
      const { message, sentAt } = JSON.parse(await reader.nextText()) as { message: string; sentAt: number };
      expect(sentAt).toBeGreaterThanOrEqual(before);
      expect(sentAt).toBeLessThanOrEqual(Date.now());
      answers.push(message);
    }
    expect(answers).toEqual(['Echo: hello', 'Echo: ', 'Echo: {"a":"b"}', 'Echo: ü\n\u2028 💡']);
    await reader.close();
  });

  test('is sent back when it is text in bytes, and ignored when it is none or too long', async () => {
    const reader = await openSocket(broker, '/feeds/echo');
    reader.ws.send(Buffer.from([0xff, 0xfe]));
    reader.send('x'.repeat(1025));
    reader.ws.send(Buffer.from('bytes'));
    expect(JSON.parse(await reader.nextText())).toMatchObject({ message: 'Echo: bytes' });
    await reader.close();
  });
});

describe('a WebSocket', () => {
  test.each([
    ['/feeds/dat', 4005],
    ['/feeds/data/', 4005],
    ['/FEEDS/data', 4005],
    ['/feeds/private', 4009],
  ])('%s is refused with %i', async (path, code) => {
    expect(await new RawClient(`${broker.wsUrl}${path}`).closed()).toMatchObject({ code });
  });

  test('takes any query beside the token', async () => {
    const reader = await openSocket(broker, '/feeds/data?x=1&protocol=2&token=');
    await publish(broker.url, 'news', 'x');
    expect(await reader.nextText()).toBe('x');
    await reader.close();
  });

  test.each([
    ['bytes that are no frames', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    [
      'frames without a mask',
      encodeFrame({ fin: true, rsv: 0, opcode: 1, masked: false, payload: Buffer.from('x'), lie: undefined }),
    ],
    [
      'text that is no text',
      encodeFrame({ fin: true, rsv: 0, opcode: 1, masked: true, payload: Buffer.from([0xff]), lie: undefined }),
    ],
    [
      'a frame without an end',
      encodeFrame({ fin: true, rsv: 0, opcode: 1, masked: true, payload: Buffer.from('x'), lie: 2 ** 40 }),
    ],
    ['many frames at once', Buffer.concat(Array.from({ length: 500 }, () => textFrame('x'.repeat(100))))],
  ])('that sends %s harms nobody', async (_, bytes) => {
    const reader = await openSocket(broker, '/feeds/echo');
    for (const path of ['/feeds/echo', '/feeds/data']) {
      const raw = await RawSocket.upgraded(broker.port, path);
      raw.write(bytes);
      await publish(broker.url, 'news', 'meanwhile');
      expect(await reader.nextText()).toBe('meanwhile');
      raw.reset();
    }
    const hasty = await RawSocket.open(broker.port);
    hasty.write(Buffer.concat([Buffer.from(upgradeRequest('/feeds/echo')), bytes]));
    hasty.reset();
    await reader.close();
    await expectNothingLeft(broker);
  });
});
