import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { call } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { encodeRequest, parseAnswers } from '../http/raw-http.ts';
import { RawSocket } from '../robustness/raw-socket.ts';
import { expectNothingLeft } from '../robustness/witness.ts';
import { FEEDS_APP, publish, token } from './feeds-app.ts';

const PAGE = 'https://page.example';
const GUARDED = {
  id: 'guarded',
  key: 'guarded-key',
  secret: 's',
  allowedOrigins: [PAGE],
  maxConnections: 0,
  maxReadRequestsPerSecond: 2,
  feeds: [{ path: '/guarded', channel: 'news', last: true }],
};
const TLS = {
  id: 'tls',
  key: 'tls-key',
  secret: 's',
  forceTls: true,
  feeds: [{ path: '/tls', channel: 'news', last: true }],
};
const OFF = { ...TLS, id: 'off', key: 'off-key', enabled: false, feeds: [{ path: '/off', channel: 'a', last: true }] };

let broker: TestBroker;
let clock: FakeClock;
beforeAll(async () => {
  clock = new FakeClock(Math.floor(Date.now() / 1000) * 1000);
  const settings = { 'channelLimits.cacheTtl': 10, cors: { origin: [PAGE] } };
  broker = await startBroker(settings, [FEEDS_APP, GUARDED, TLS, OFF], clock);
});
afterAll(async () => {
  await expectNothingLeft(broker);
  broker.kill();
});
/** Whatever was published before is forgotten. */
beforeEach(() => clock.advance(10_000));

const get = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${broker.url}${path}`, init);
const tell = (channel: string, data: string, name?: string): Promise<void> =>
  publish(broker.url, channel, data, name, Math.floor(clock.now() / 1000));
const fresh = (claims: object = {}): string => token({ exp: clock.now() / 1000 + 60, ...claims });
const errorOf = ({ status, headers }: Response): unknown[] => [status, headers.get('x-kulkul-error')];

describe('a plain GET of a feed', () => {
  test('is answered with the last event as it was published, in the format of the feed', async () => {
    await tell('state', '{"a": 1.0}', 'price.changed');
    const data = await get('/feeds/last');
    expect([data.status, await data.text()]).toEqual([200, '{"a": 1.0}']);
    expect(data.headers.get('content-type')).toBe('application/json');
    expect(data.headers.get('cache-control')).toBe('no-store');
    const event = await get('/feeds/last-event', { headers: { Accept: 'text/html, */*' } });
    expect(await event.text()).toBe('{"event":"price.changed","channel":"state","data":{"a": 1.0}}');
  });

  test('is answered as text where the data is no JSON', async () => {
    await tell('state', 'hello');
    const data = await get('/feeds/last');
    expect([data.headers.get('content-type'), await data.text()]).toEqual(['text/plain; charset=utf-8', 'hello']);
    expect(await (await get('/feeds/last-event')).json()).toMatchObject({ data: 'hello' });
  });

  test('is answered with the event that last names, whatever came after it', async () => {
    await tell('servers', '{"cpu":1}', 'metrics');
    await tell('servers', '"hot"', 'alert');
    expect(await (await get('/feeds/named')).json()).toEqual({ cpu: 1 });
  });

  test('is answered with nothing before there is an event, or when it is not kept any more', async () => {
    const none = await get('/feeds/last');
    expect([none.status, await none.text(), none.headers.get('content-type')]).toEqual([204, '', null]);
    await tell('servers', '"hot"', 'alert');
    expect((await get('/feeds/named')).status).toBe(204);
    await tell('state', '1');
    clock.advance(9000);
    expect((await get('/feeds/last')).status).toBe(200);
    clock.advance(1000);
    expect((await get('/feeds/last')).status).toBe(204);
  });

  test('of a feed without last is told of that option', async () => {
    for (const path of ['/feeds/data', '/feeds/cache', '/feeds/private']) {
      const answer = await get(path);
      expect(errorOf(answer)).toEqual([404, 'feed-without-last']);
      expect(await answer.text()).toMatch(
        /^This is a feed: connect with a WebSocket, or ask for a stream .* option last \(more: \/errors\/feed-without-last\)$/,
      );
    }
  });

  test('takes the token that a reader would need, in either way', async () => {
    await tell('private-state', '1');
    const refused = await get('/feeds/private-last');
    expect(errorOf(refused)).toEqual([401, 'feed-without-token']);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(errorOf(await get(`/feeds/private-last?token=${fresh({ exp: 1 })}`))[0]).toBe(401);
    const keySignature = `${APP.key}:${'0'.repeat(64)}`;
    expect(errorOf(await get(`/feeds/private-last?token=${keySignature}`))[0]).toBe(401);
    expect((await get(`/feeds/private-last?token=${fresh()}`)).status).toBe(200);
    const headers = { Authorization: `Bearer ${fresh()}` };
    expect((await get('/feeds/private-last', { headers })).status).toBe(200);
  });

  test('is refused when the access was taken back', async () => {
    const [mine, other] = [fresh({ sub: 'revoked' }), fresh({ sub: 'other' })];
    const path = `/apps/${APP.id}/channels/private-state/users/revoked`;
    const options = { timestamp: Math.floor(clock.now() / 1000) };
    expect((await call(broker.url, 'DELETE', path, options)).status).toBe(200);
    expect((await get(`/feeds/private-last?token=${mine}`)).status).toBe(403);
    expect((await get(`/feeds/private-last?token=${other}`)).status).toBe(204);
  });

  test('comes from a page that the app allows, and CORS lets it read the answer', async () => {
    const mine = await get('/guarded', { headers: { Origin: PAGE } });
    expect([mine.status, mine.headers.get('access-control-allow-origin')]).toEqual([204, PAGE]);
    const other = await get('/guarded', { headers: { Origin: 'https://other.example' } });
    expect([...errorOf(other), other.headers.get('access-control-allow-origin')]).toEqual([
      403,
      'origin-refused',
      null,
    ]);
  });

  test('counts as a request that reads, and not as a connection', async () => {
    const headers = { Origin: PAGE };
    clock.advance(1000);
    expect((await get('/guarded', { headers })).status).toBe(204);
    expect((await get('/guarded', { headers })).status).toBe(204);
    const refused = await get('/guarded', { headers });
    expect(errorOf(refused)).toEqual([429, 'rate-limited']);
    expect(refused.headers.get('retry-after')).toBe('1');
  });

  test('comes over TLS where the app wants that, be it to a proxy', async () => {
    expect(errorOf(await get('/tls'))).toEqual([403, 'tls-required']);
    expect((await get('/tls', { headers: { 'X-Forwarded-Proto': 'https' } })).status).toBe(204);
  });

  test('of an app that is off is refused', async () => {
    expect(errorOf(await get('/off'))).toEqual([403, 'app-disabled']);
  });

  test('with HEAD gets the same without the body', async () => {
    await tell('state', '{"a":1}');
    const head = await get('/feeds/last', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '7', '']);
    const stream = await get('/feeds/last', { method: 'HEAD', headers: { Accept: 'text/event-stream' } });
    expect(stream.headers.get('content-type')).toBe('application/json');
    expect((await get('/feeds/named', { method: 'HEAD' })).status).toBe(204);
    expect((await get('/feeds/data', { method: 'HEAD' })).status).toBe(404);
  });

  test('leaves the connection good for the next one, whether there is an event or none', async () => {
    const raw = await RawSocket.open(broker.port);
    raw.write(encodeRequest('GET', '/feeds/named', ''));
    await raw.until('204');
    await tell('servers', '{"cpu":1}', 'metrics');
    raw.write(encodeRequest('GET', '/feeds/named', ''));
    await raw.until('{"cpu":1}');
    raw.write(encodeRequest('GET', '/feeds/data', ''));
    await raw.until('option last');
    expect(parseAnswers(raw.text).map(({ status }) => status)).toEqual([204, 200, 404]);
    raw.reset();
  });
});

test('many requests at once, which anybody may send, are answered up to a number', async () => {
  const raw = await RawSocket.open(broker.port);
  raw.write(encodeRequest('GET', '/feeds/last', '').toString().repeat(500));
  await raw.ended();
  expect(raw.text.split('HTTP/1.1 204').length).toBeLessThan(300);
});
