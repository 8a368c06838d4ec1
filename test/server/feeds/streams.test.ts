import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FeedEvent } from '../../../server/feeds/feed-frames.ts';
import { call } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { parseRecord, StreamReader } from '../../support/stream-reader.ts';
import { encodeRequest, parseAnswers } from '../http/raw-http.ts';
import { RawSocket } from '../robustness/raw-socket.ts';
import { expectNothingLeft, onlyLeft } from '../robustness/witness.ts';
import { FEEDS_APP, publish, token } from './feeds-app.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ cors: { origin: ['https://page.example'] } }, [FEEDS_APP]);
});
afterAll(() => broker.kill());

const open = (path: string, headers?: Record<string, string>): Promise<StreamReader> =>
  StreamReader.open(`${broker.url}${path}`, headers);
const ask = (path: string, headers?: Record<string, string>, method?: string): Promise<StreamReader> =>
  StreamReader.ask(`${broker.url}${path}`, headers, method);

describe('a stream', () => {
  test('begins with when to come back, and is not to be cached, gathered or changed', async () => {
    const reader = await ask('/feeds/data');
    expect(reader.status).toBe(200);
    expect(reader.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    expect(await reader.next()).toEqual({ retry: '2000' });
    reader.close();
    await expectNothingLeft(broker);
  });

  test('names each event and tells it apart, whatever the format', async () => {
    const data = await open('/feeds/data');
    const event = await open('/feeds/event');
    await publish(broker.url, 'news', '{"a": 1.0}', 'price.changed');
    await publish(broker.url, 'news', '{"a": 1.0}', 'price.changed');
    const [first, second] = [await data.nextEvent(), await data.nextEvent()];
    expect(first).toEqual({ id: expect.any(String), event: 'price.changed', data: '{"a": 1.0}' });
    expect(second).toEqual({ ...first, id: expect.any(String) });
    expect(second.id).not.toBe(first.id);
    expect(await event.nextEvent()).toEqual({
      ...first,
      data: '{"event":"price.changed","channel":"news","data":{"a": 1.0}}',
    });
    data.close();
    event.close();
  });

  test('gives several events of one request as one piece', async () => {
    const reader = await open('/feeds/data');
    const pieces: number[] = [];
    reader.response.on('data', (text: string) => pieces.push(text.split('\n\n').length - 1));
    const batch = Array.from({ length: 10 }, (_, index) => ({ name: 'e', channel: 'news', data: String(index) }));
    await call(broker.url, 'POST', `/apps/${APP.id}/batch_events`, { body: { batch } });
    for (const { data } of batch) expect(await reader.nextData()).toBe(data);
    expect(pieces).toEqual([10]);
    reader.close();
  });

  test('says nothing of the protocol, and does not read on', async () => {
    const reader = await open(`/feeds/presence?token=${token()}`);
    const client = await RawClient.connect(broker.wsUrl);
    client.send({ event: 'pusher:subscribe', data: { channel: 'presence-room', auth: token({ sub: '1' }) } });
    await client.next('pusher_internal:subscription_succeeded');
    client.send({ event: 'client-hello', channel: 'presence-room', data: '1' });
    await client.close();
    await publish(broker.url, 'presence-room', '2');
    expect(await reader.nextEvent()).toMatchObject({ event: 'client-hello', data: '1' });
    expect(await reader.nextEvent()).toMatchObject({ event: 'e', data: '2' });
    reader.close();
    await expectNothingLeft(broker);
  });

  test('carries lines and letters of all kinds', async () => {
    const reader = await open('/feeds/data');
    for (const data of ['a\nb', 'a\r\nb\rc\n', '', '\n', ' x', ':', 'data: x', 'ü\u2028💡\u0000', 'x'.repeat(95_000)]) {
      await publish(broker.url, 'news', data, 'two\nlines');
      expect(await reader.nextEvent()).toMatchObject({ event: 'two lines', data: data.replace(/\r\n?/g, '\n') });
    }
    reader.close();
  });

  test('holds any data so that a reader finds it again, whole and in one record', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('\r', '\n', ':', ' ', 'x') }),
    );
    fc.assert(
      fc.property(text, text, (name, data) => {
        fc.pre(!/^pusher(_internal)?:/.test(name));
        const frame = JSON.stringify({ event: name, channel: 'c', data });
        const written = Buffer.from(FeedEvent.from(frame, '1')?.record('data') ?? []).toString();
        const [record, rest, ...more] = written.split('\n\n');
        expect([rest, ...more]).toEqual(['']);
        const wellFormed = (part: string): string => Buffer.from(part).toString();
        expect(parseRecord((record ?? '').split('\n'))).toEqual({
          id: '1',
          event: wellFormed(name).replace(/[\r\n]+/g, ' '),
          data: wellFormed(data).replace(/\r\n?/g, '\n'),
        });
      }),
    );
  });
});

describe('last', () => {
  test('sends the last event on connecting, but not to a reader that has it', async () => {
    await publish(broker.url, 'state', 'one');
    const reader = await open('/feeds/last');
    const last = await reader.nextEvent();
    expect(last).toMatchObject({ event: 'e', data: 'one' });
    await publish(broker.url, 'state', 'two');
    const { id = '' } = await reader.nextEvent();
    reader.close();

    const again = await open('/feeds/last', { 'Last-Event-ID': id });
    const other = await open('/feeds/last-event', { 'Last-Event-ID': last.id ?? '' });
    await publish(broker.url, 'state', 'three');
    expect(await again.nextData()).toBe('three');
    expect(JSON.parse(await other.nextData())).toMatchObject({ data: 'two' });
    expect(JSON.parse(await other.nextData())).toMatchObject({ data: 'three' });
    again.close();
    other.close();
  });

  test('sends an event again that says the same as the one that the reader has', async () => {
    await publish(broker.url, 'state', 'same');
    const reader = await open('/feeds/last');
    const { id = '' } = await reader.nextEvent();
    reader.close();
    await publish(broker.url, 'state', 'same');
    const again = await open('/feeds/last', { 'Last-Event-ID': id });
    expect(await again.nextEvent()).toMatchObject({ data: 'same', id: expect.not.stringMatching(id) });
    again.close();
  });

  test('is not lost behind events that are not kept: those have no id', async () => {
    const reader = await open(`/feeds/private-last?token=${token()}`);
    await publish(broker.url, 'private-state', 'kept');
    const client = await RawClient.connect(broker.wsUrl);
    await client.subscribed('private-state');
    client.send({ event: 'client-x', channel: 'private-state', data: 'passing' });
    expect(await reader.nextEvent()).toMatchObject({ data: 'kept', id: expect.any(String) });
    expect(await reader.nextEvent()).toEqual({ event: 'client-x', data: 'passing' });
    await client.close();
    reader.close();
  });

  test('that names an event is not lost behind other ones: those have no id', async () => {
    await publish(broker.url, 'servers', 'metrics 1', 'metrics');
    await publish(broker.url, 'servers', 'alert 1', 'alert');
    const reader = await open('/feeds/named');
    const { id = '', ...last } = await reader.nextEvent();
    expect(last).toEqual({ event: 'metrics', data: 'metrics 1' });
    await publish(broker.url, 'servers', 'alert 2', 'alert');
    expect(await reader.nextEvent()).toEqual({ event: 'alert', data: 'alert 2' });
    reader.close();
    const again = await open('/feeds/named', { 'Last-Event-ID': id });
    await publish(broker.url, 'servers', 'metrics 2', 'metrics');
    expect(await again.nextEvent()).toMatchObject({ event: 'metrics', data: 'metrics 2' });
    again.close();
  });

  test('takes anything for the id of an event that it does not know', async () => {
    await publish(broker.url, 'state', 'one');
    for (const id of ['', '0', '-', '1-', 'x'.repeat(2000)]) {
      const reader = await open('/feeds/last', { 'Last-Event-ID': id });
      expect(await reader.nextData()).toBe('one');
      reader.close();
    }
  });
});

describe('a request', () => {
  test('may list several types', async () => {
    const reader = await open('/feeds/data', { Accept: 'text/html, text/event-stream;q=0.5' });
    reader.close();
  });

  test.each([['POST'], ['PUT'], ['DELETE']])('with %s is not for feeds', async (method) => {
    expect((await ask('/feeds/data', {}, method)).status).toBe(404);
  });

  test('for a path without a feed is answered as ever', async () => {
    for (const path of ['/feeds', '/feeds/data/', '/feeds/none']) {
      const answer = await ask(path);
      expect([answer.status, answer.headers['x-kulkul-error']]).toEqual([404, 'not-found']);
    }
    expect((await ask('/ready')).status).toBe(200);
    expect((await ask('/apps/1/channels')).status).toBe(404);
  });

  test('of a page is answered as CORS wants it, in front, while it runs and when refused', async () => {
    const origin = { Origin: 'https://page.example' };
    const asking = {
      ...origin,
      'Access-Control-Request-Headers': 'authorization',
      'Access-Control-Request-Method': 'GET',
    };
    const preflight = await ask('/feeds/private', asking, 'OPTIONS');
    expect(preflight.status).toBe(204);
    const allowed = preflight.headers['access-control-allow-headers']?.toLowerCase().split(', ');
    expect(allowed).toEqual(expect.arrayContaining(['authorization', 'last-event-id', 'cache-control']));
    const reader = await open('/feeds/data', origin);
    expect(reader.headers['access-control-allow-origin']).toBe('https://page.example');
    reader.close();
    const refused = await ask('/feeds/private', origin);
    expect(refused.headers['access-control-allow-origin']).toBe('https://page.example');
    const stranger = await open('/feeds/data', { Origin: 'https://other.example' });
    expect(stranger.headers['access-control-allow-origin']).toBeUndefined();
    stranger.close();
  });

  test('behind a stream on the same connection ends it, and nothing else', async () => {
    const witness = await open('/feeds/data');
    const raw = await RawSocket.open(broker.port);
    raw.write(encodeRequest('GET', '/feeds/data', '', ['Accept: text/event-stream']));
    await raw.until('retry');
    raw.write(encodeRequest('GET', '/ready', ''));
    await raw.ended();
    await publish(broker.url, 'news', 'goes on');
    expect(await witness.nextData()).toBe('goes on');
    witness.close();
    await expectNothingLeft(broker);
  });

  test('that is refused leaves the connection good for the next one', async () => {
    const raw = await RawSocket.open(broker.port);
    raw.write(encodeRequest('GET', '/feeds/private', '', ['Accept: text/event-stream']));
    await raw.until('token');
    raw.write(encodeRequest('GET', '/feeds/data', '', ['Accept: text/event-stream']));
    await raw.until('retry');
    expect(parseAnswers(raw.text)[0]).toMatchObject({ status: 401 });
    raw.reset();
    await onlyLeft(broker, 0);
  });
});
