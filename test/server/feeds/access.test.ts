import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { call } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RawClient } from '../../support/raw-client.ts';
import { StreamReader } from '../../support/stream-reader.ts';
import { expectNothingLeft } from '../robustness/witness.ts';
import { WAYS } from './either.ts';
import { FEEDS_APP, publish, token } from './feeds-app.ts';

/** What is asked of the app by those who come, one quota and one origin each. */
const GUARDED = {
  id: 'guarded',
  key: 'guarded-key',
  secret: 's',
  allowedOrigins: ['https://page.example'],
  maxConnections: 1,
  feeds: [{ path: '/guarded', channel: 'news' }],
};
const TLS = { id: 'tls', key: 'tls-key', secret: 's', forceTls: true, feeds: [{ path: '/tls', channel: 'news' }] };
const OFF = { id: 'off', key: 'off-key', secret: 's', enabled: false, feeds: [{ path: '/off', channel: 'news' }] };

describe.each(WAYS.map((way) => [way.name, way] as const))('a reader by %s', (name, way) => {
  const codes = name === 'WebSocket' ? { unauthorized: 4009, forbidden: 4009 } : { unauthorized: 401, forbidden: 403 };
  let broker: TestBroker;
  let clock: FakeClock;
  beforeEach(async () => {
    clock = new FakeClock(Math.floor(Date.now() / 1000) * 1000);
    broker = await startBroker({}, [FEEDS_APP, GUARDED, TLS, OFF], clock);
  });
  afterEach(async () => {
    await expectNothingLeft(broker);
    broker.kill();
  });

  test('of a public channel needs no token', async () => {
    const reader = await way.open(broker, '/feeds/data');
    await publish(broker.url, 'news', 'x');
    expect(await reader.nextData()).toBe('x');
    reader.vanish();
  });

  test("of a public channel may bring any token: it is nobody's business there", async () => {
    const readers = [
      await way.open(broker, '/feeds/data?token=nonsense'),
      await way.open(broker, '/feeds/data', { Authorization: 'Bearer of.another.server' }),
      await way.open(broker, `/feeds/data?token=${token({ exp: 1 })}`),
    ];
    await publish(broker.url, 'news', 'x');
    for (const reader of readers) {
      expect(await reader.nextData()).toBe('x');
      reader.vanish();
    }
  });

  test('of a private channel brings a token, in the URL or as bearer', async () => {
    const byQuery = await way.open(broker, `/feeds/private?a=b&token=${token()}`);
    const byHeader = await way.open(broker, '/feeds/private?token=', { Authorization: `bearer ${token()}` });
    await publish(broker.url, 'private-news', 'x');
    expect(await byQuery.nextData()).toBe('x');
    expect(await byHeader.nextData()).toBe('x');
    byQuery.vanish();
    byHeader.vanish();
  });

  test('of a channel that rules close brings one, too', async () => {
    expect(await way.refused(broker, '/feeds/closed')).toMatchObject({
      code: codes.unauthorized,
      reason: expect.stringContaining('This feed reads closed, which takes a token'),
    });
    const reader = await way.open(broker, `/feeds/closed?token=${token()}`);
    reader.vanish();
  });

  test('with a token that does not do is told why', async () => {
    const refusals: readonly [token: string, code: number, reason: RegExp][] = [
      ['', codes.unauthorized, /This feed reads private-news, which takes a token: add \?token=/],
      ['nonsense', codes.unauthorized, /The token can't be read/],
      ['a.b.c', codes.unauthorized, /token/],
      [`${APP.key}:${'0'.repeat(64)}`, codes.unauthorized, /./],
      [token({ exp: 1 }), codes.unauthorized, /expired/],
      [token({ exp: undefined }), codes.unauthorized, /exp/],
      [`${token()}x`, codes.unauthorized, /signature/],
    ];
    for (const [given, code, reason] of refusals) {
      const refused = await way.refused(broker, `/feeds/private?token=${encodeURIComponent(given)}`);
      expect(refused).toEqual({ code, reason: expect.stringMatching(reason) });
      if (given !== '') expect(refused.reason).not.toContain(given);
    }
    expect(JSON.stringify(broker.log)).not.toContain('eyJ');
  });

  test('whose roles the rules do not admit is refused', async () => {
    const admins = { ...FEEDS_APP, channels: [{ name: 'private-*', subscribe: { roles: ['admin'] } }] };
    broker.replaceApps([admins]);
    const path = (roles: readonly string[]): string => `/feeds/private?token=${token({ roles })}`;
    expect(await way.refused(broker, path(['viewer']))).toEqual({
      code: codes.forbidden,
      reason: expect.stringContaining('takes the role admin'),
    });
    const reader = await way.open(broker, path(['admin']));
    reader.vanish();
  });

  test('stays as long as its token is good', async () => {
    const exp = clock.now() / 1000 + 60;
    const reader = await way.open(broker, `/feeds/private?token=${token({ exp })}`);
    clock.advance(59_000);
    await publish(broker.url, 'private-news', 'x', 'e', Math.floor(clock.now() / 1000));
    expect(await reader.nextData()).toBe('x');
    clock.advance(1000);
    expect(await reader.ended()).toMatchObject({ reason: expect.stringContaining('its token expired at') });
  });

  test('goes when its access is taken back, and can not come again with the same token', async () => {
    const [mine, other] = [token({ sub: '1' }), token({ sub: '2' })];
    const reader = await way.open(broker, `/feeds/private?token=${mine}`);
    const stays = await way.open(broker, `/feeds/private?token=${other}`);
    const { status } = await call(broker.url, 'DELETE', `/apps/${APP.id}/channels/private-news/users/1`);
    expect(status).toBe(200);
    expect(await reader.ended()).toMatchObject({ reason: expect.stringContaining('was revoked') });
    expect(await way.refused(broker, `/feeds/private?token=${mine}`)).toMatchObject({ code: codes.forbidden });
    await publish(broker.url, 'private-news', 'x');
    expect(await stays.nextData()).toBe('x');
    stays.vanish();
  });

  test('goes when the rules no longer admit it', async () => {
    const reader = await way.open(broker, `/feeds/private?token=${token()}`);
    broker.replaceApps([{ ...FEEDS_APP, channels: [] }]);
    expect(await reader.ended()).toMatchObject({ reason: expect.stringContaining('Not allowed to subscribe') });
  });

  test('counts as a connection of the app', async () => {
    const headers = { Origin: 'https://page.example' };
    const first = await way.open(broker, '/guarded', headers);
    expect(await way.refused(broker, '/guarded', headers)).toEqual({
      code: name === 'WebSocket' ? 4004 : 503,
      reason: expect.stringContaining('over connection quota: limit 1'),
    });
    const client = new RawClient(`${broker.wsUrl}/app/guarded-key?protocol=7`, { headers });
    expect(await client.closed()).toMatchObject({ code: 4004 });
    first.vanish();
    await expectNothingLeft(broker);
    const next = await way.open(broker, '/guarded', headers);
    next.vanish();
  });

  test('comes from a page that the app allows, or from none', async () => {
    expect(await way.refused(broker, '/guarded', { Origin: 'https://other.example' })).toEqual({
      code: codes.forbidden,
      reason: expect.stringContaining("is not one of the app's allowedOrigins"),
    });
  });

  test('comes from a page, where the app lets nobody else in', async () => {
    broker.replaceApps([FEEDS_APP, { ...GUARDED, allowMissingOrigin: false }, TLS, OFF]);
    expect(await way.refused(broker, '/guarded')).toEqual({
      code: codes.forbidden,
      reason: expect.stringContaining('No Origin: the app only accepts pages of its allowedOrigins'),
    });
    const reader = await way.open(broker, '/guarded', { Origin: 'https://page.example' });
    reader.vanish();
  });

  test('comes over TLS where the app wants that, be it to a proxy', async () => {
    expect(await way.refused(broker, '/tls')).toMatchObject({ code: name === 'WebSocket' ? 4000 : 403 });
    const reader = await way.open(broker, '/tls', { 'X-Forwarded-Proto': 'https' });
    reader.vanish();
  });

  test('of an app that is off is refused', async () => {
    expect(await way.refused(broker, '/off')).toMatchObject({ code: name === 'WebSocket' ? 4003 : 403 });
  });

  test('stays when a key of the app is retired: it came with none', async () => {
    const reader = await way.open(broker, '/feeds/data');
    broker.replaceApps([{ ...FEEDS_APP, key: 'new-key' }]);
    clock.advance(1000);
    broker.replaceApps([FEEDS_APP]);
    await publish(broker.url, 'news', 'x');
    expect(await reader.nextData()).toBe('x');
    reader.vanish();
  });

  test('is a member of a presence channel', async () => {
    const reader = await way.open(broker, `/feeds/presence?token=${token({ sub: 'reader' })}`);
    const client = await RawClient.connect(broker.wsUrl);
    client.send({ event: 'pusher:subscribe', data: { channel: 'presence-room', auth: token({ sub: 'client' }) } });
    const { data } = await client.next('pusher_internal:subscription_succeeded');
    expect(JSON.parse(String(data))).toMatchObject({ presence: { ids: ['reader', 'client'] } });
    reader.vanish();
    expect(await client.next('pusher_internal:member_removed')).toMatchObject({ data: '{"user_id":"reader"}' });
    await client.close();
  });
});

test('a stream without a token says how to bring one, as HTTP does', async () => {
  const broker = await startBroker({}, [FEEDS_APP]);
  const answer = await StreamReader.ask(`${broker.url}/feeds/private`);
  expect(answer.headers).toMatchObject({ 'www-authenticate': 'Bearer', 'x-kulkul-error': 'feed-without-token' });
  broker.kill();
});
