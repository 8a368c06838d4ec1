import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { trigger } from '../../support/api-client.ts';
import {
  askAuth,
  operator,
  refusalIn,
  startTokenBroker,
  TOKEN_APP,
  type TokenBroker,
} from '../../support/auth-client.ts';
import { APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { rsaPair, sign } from '../../support/tokens.ts';

const CHANNEL = 'private-admin-dashboard';
const AUDIENCE = (audience: string, name: string) => ({
  id: name,
  key: `${name}-key`,
  secret: `${name}-secret`,
  auth: { jwt: { ...TOKEN_APP.auth.jwt, issuer: 'https://issuer.example', audience } },
  channels: TOKEN_APP.channels,
});
const pair = rsaPair();
const RSA = {
  id: 'rsa',
  key: 'rsa-key',
  secret: 'rsa-secret',
  auth: { jwt: { keys: [{ publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }) }] } },
  channels: TOKEN_APP.channels,
};

let broker: TokenBroker;
beforeAll(async () => {
  broker = await startTokenBroker({}, [TOKEN_APP, AUDIENCE('a', 'first'), AUDIENCE('b', 'second'), RSA]);
});
afterAll(() => broker.kill());

interface Authorization {
  readonly auth: string;
  readonly channel_data: string;
  readonly user_data: string;
}

/** What the endpoint answers for one connection. */
async function authorization(
  { socketId }: RawClient,
  channel: string,
  { token = operator(), path = `/apps/${APP.id}/auth/channel` } = {},
): Promise<Authorization> {
  const { status, text } = await askAuth(broker, {
    path,
    token,
    fields: { socket_id: socketId, channel_name: channel },
  });
  if (status !== 200) throw new Error(`${status}: ${text}`);
  return JSON.parse(text) as Authorization;
}

/** Sends what pusher-js sends when the endpoint has answered. */
function subscribe(client: RawClient, channel: string, data: Partial<Authorization>): void {
  client.send({ event: 'pusher:subscribe', data: { channel, ...data } });
}

/** How the broker refused the last subscription. */
async function refusal(client: RawClient): Promise<unknown> {
  const [, onChannel = '{}'] = await client.flush();
  return (JSON.parse((JSON.parse(onChannel) as { data: string }).data) as { status: unknown }).status;
}

test('the answer opens the channel until the token ends, and not a moment longer', async () => {
  const client = await RawClient.connect(broker.wsUrl);
  const seconds = broker.clock.now() / 1000;
  subscribe(client, CHANNEL, await authorization(client, CHANNEL, { token: operator({ exp: seconds + 60 }) }));
  await client.next('pusher_internal:subscription_succeeded');
  await client.next('pusher_internal:subscription_count');
  const publish = () =>
    trigger(broker.url, { name: 'e', channel: CHANNEL, data: '1' }, { timestamp: broker.clock.now() / 1000 });
  broker.clock.advance(59_000);
  await publish();
  expect(await client.next('e')).toMatchObject({ channel: CHANNEL });
  broker.clock.advance(1000);
  const end = await client.next('pusher:subscription_error');
  expect(end.channel).toBe(CHANNEL);
  expect(JSON.parse(String(end.data))).toMatchObject({ type: 'AuthError', status: 401 });
  await publish();
  expect(await client.flush()).toEqual([]);
  await client.close();
});

test('a presence channel is left when the token ends, for the others to see', async () => {
  const token = operator({ exp: broker.clock.now() / 1000 + 10, user_info: { name: 'Ada' } });
  const [watcher, client] = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl)];
  await watcher.subscribed('presence-hall', '{"user_id":"watcher"}');
  subscribe(client, 'presence-hall', await authorization(client, 'presence-hall', { token }));
  await client.next('pusher_internal:subscription_succeeded');
  expect((await watcher.next('pusher_internal:member_added')).data).toBe('{"user_id":"42","user_info":{"name":"Ada"}}');
  broker.clock.advance(10_000);
  expect((await watcher.next('pusher_internal:member_removed')).data).toBe('{"user_id":"42"}');
  await Promise.all([watcher.close(), client.close()]);
});

test('a fresh answer before the end lets the subscription go on', async () => {
  const client = await RawClient.connect(broker.wsUrl);
  const seconds = broker.clock.now() / 1000;
  for (const exp of [seconds + 10, seconds + 100]) {
    subscribe(client, CHANNEL, await authorization(client, CHANNEL, { token: operator({ exp }) }));
    await client.next('pusher_internal:subscription_succeeded');
    if (exp === seconds + 10) await client.next('pusher_internal:subscription_count');
  }
  broker.clock.advance(99_000);
  expect(await client.flush()).toEqual([]);
  broker.clock.advance(1000);
  await client.next('pusher:subscription_error');
  await client.close();
});

test('the answer for a user signs in, until the token ends', async () => {
  const client = await RawClient.connect(broker.wsUrl);
  const token = operator({ exp: broker.clock.now() / 1000 + 10 });
  const { auth, user_data } = await authorization(client, '', { token, path: `/apps/${APP.id}/auth/user` });
  client.send({ event: 'pusher:signin', data: { auth, user_data } });
  await client.next('pusher:signin_success');
  await client.subscribed('#server-to-user-42');
  broker.clock.advance(10_000);
  expect((await client.next('pusher:error')).data).toMatchObject({ message: expect.stringMatching(/^Sign-in ended/) });
  await client.next('pusher:subscription_error');
  await client.close();
});

test.for<[string, (channelData: string) => Partial<Authorization>]>([
  ['without its grant', () => ({})],
  ['with an empty grant', () => ({ channel_data: '{"user_id":"42"}' })],
  ['with a later end', (data) => ({ channel_data: data.replace(/"exp":\d+/, '"exp":9999999999') })],
  ['without an end', (data) => ({ channel_data: data.replace(/"exp":\d+,/, '') })],
  ['with another role', (data) => ({ channel_data: data.replace('operator', 'admin') })],
  ['with another user', (data) => ({ channel_data: data.replace('"42"', '"1"') })],
  ['with a second grant', (data) => ({ channel_data: data.replace(/\}$/, ',"grant":{}}') })],
  ['with a space more', (data) => ({ channel_data: ` ${data}` })],
])('an answer that the client changed opens nothing: %s', async ([, change]) => {
  const client = await RawClient.connect(broker.wsUrl);
  for (const channel of [CHANNEL, 'presence-hall']) {
    const { auth, channel_data } = await authorization(client, channel, { token: operator({ exp: 9_999_999_998 }) });
    subscribe(client, channel, { auth, ...change(channel_data) });
    expect(await refusal(client)).toBe(401);
  }
  await client.close();
});

test('an answer is for one connection, one channel and one purpose', async () => {
  const [mine, other] = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl)];
  const token = operator({ exp: 9_999_999_999 });
  const answer = await authorization(mine, CHANNEL, { token });
  subscribe(other, CHANNEL, answer);
  expect(await refusal(other)).toBe(401);
  subscribe(mine, 'private-other', answer);
  expect(await refusal(mine)).toBe(401);
  const { auth, user_data } = await authorization(mine, '', { token, path: `/apps/${APP.id}/auth/user` });
  subscribe(mine, CHANNEL, { auth, channel_data: user_data });
  expect(await refusal(mine)).toBe(401);
  mine.send({ event: 'pusher:signin', data: { auth: answer.auth, user_data: answer.channel_data } });
  expect(await mine.flush()).toEqual([expect.stringContaining('Invalid signature')]);
  await Promise.all([mine.close(), other.close()]);
});

test('an answer that is older than the end of its token opens nothing', async () => {
  const client = await RawClient.connect(broker.wsUrl);
  const answer = await authorization(client, CHANNEL, { token: operator({ exp: broker.clock.now() / 1000 + 5 }) });
  broker.clock.advance(5000);
  subscribe(client, CHANNEL, answer);
  expect(await refusal(client)).toBe(401);
  await client.close();
});

test('a token for one app is nothing to another, though the same issuer signs both', async () => {
  const claims = { sub: '42', role: 'operator', iss: 'https://issuer.example', aud: 'a', exp: 9_999_999_999 };
  const ask = (id: string, token: string) => askAuth(broker, { path: `/apps/${id}/auth/channel`, token });
  expect((await ask('first', sign(claims))).status).toBe(200);
  expect(refusalIn(await ask('second', sign(claims)))).toEqual([401, 'token-audience']);
  expect(refusalIn(await ask('first', sign({ ...claims, iss: 'https://other.example' })))).toEqual([
    401,
    'token-issuer',
  ]);
  expect(refusalIn(await ask('rsa', sign(claims)))).toEqual([401, 'token-algorithm']);
  const signed = sign(claims, { key: pair.privateKey, alg: 'RS256' });
  expect((await ask('rsa', signed)).status).toBe(200);
  expect(refusalIn(await ask('first', signed))).toEqual([401, 'token-algorithm']);
});

test('an answer of one app is nothing to another', async () => {
  const claims = { sub: '42', role: 'operator', iss: 'https://issuer.example', aud: 'a', exp: 9_999_999_999 };
  const client = await RawClient.connect(broker.wsUrl, { key: 'second-key' });
  subscribe(
    client,
    CHANNEL,
    await authorization(client, CHANNEL, { token: sign(claims), path: '/apps/first/auth/channel' }),
  );
  expect(await refusal(client)).toBe(401);
  await client.close();
});

test('the public key of an app signs no token for its endpoint', async () => {
  const pem = pair.publicKey.export({ type: 'spki', format: 'pem' });
  const head = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');
  const body = Buffer.from(JSON.stringify({ sub: '1', role: 'admin', exp: 9_999_999_999 })).toString('base64url');
  const forged = createHmac('sha256', pem).update(`${head}.${body}`).digest('base64url');
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  for (const token of [`${head}.${body}.${forged}`, `${none}.${body}.`]) {
    const answer = await askAuth(broker, { path: '/apps/rsa/auth/channel', token });
    expect(refusalIn(answer)).toEqual([401, 'token-algorithm']);
  }
});

test('what was revoked is refused at the endpoint, until there is a token of later', async () => {
  const user = { sub: 'revoked', exp: 9_999_999_999 };
  const seconds = Math.floor(broker.clock.now() / 1000);
  const ask = (iat: number) =>
    askAuth(broker, { path: `/apps/${APP.id}/auth/channel`, token: operator({ ...user, iat }) });
  expect((await ask(seconds)).status).toBe(200);
  await broker.node.store.revoke({
    appId: APP.id,
    channel: 'private-*',
    target: { kind: 'user', userId: 'revoked' },
    atMs: broker.clock.now(),
  });
  expect(refusalIn(await ask(seconds))).toEqual([403, 'access-revoked']);
  broker.clock.advance(2000);
  expect((await ask(seconds + 2)).status).toBe(200);
});
