import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiAnswer, call, trigger } from '../../support/api-client.ts';
import { operator, refusalIn, startTokenBroker, TOKEN_APP, type TokenBroker } from '../../support/auth-client.ts';
import { APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';

const CHANNEL = 'private-admin-dashboard';
const QUIET = { ...TOKEN_APP, enableSubscriptionCountEvents: false };
const OTHER = { ...QUIET, id: 'other', key: 'other-key', secret: 'other-secret' };

let broker: TokenBroker;
beforeAll(async () => {
  broker = await startTokenBroker({}, [QUIET, OTHER]);
});
afterAll(() => broker.kill());

const seconds = (): number => Math.floor(broker.clock.now() / 1000);

function revoke(rest: string, options: Parameters<typeof call>[3] = {}): Promise<ApiAnswer> {
  const { app = APP } = options;
  return call(broker.url, 'DELETE', `/apps/${app.id}/channels/${rest}`, { timestamp: seconds(), ...options });
}

/** A connection that entered by a token of this moment. */
async function entered(
  sub: string,
  channels: readonly string[] = [CHANNEL],
  key: string = APP.key,
): Promise<RawClient> {
  const client = await RawClient.connect(broker.wsUrl, { key });
  for (const channel of channels) {
    const auth = operator({ sub, iat: seconds(), exp: seconds() + 3600 });
    client.send({ event: 'pusher:subscribe', data: { channel, auth } });
    await client.next('pusher_internal:subscription_succeeded');
  }
  return client;
}

/** Channels that a connection was put out of, with the status it was told. */
async function putOut(client: RawClient): Promise<readonly string[]> {
  return (await client.flush()).map((text) => {
    const { event, channel, data } = JSON.parse(text) as { event: string; channel: string; data: string };
    if (event !== 'pusher:subscription_error') throw new Error(`not the end of a subscription: ${text}`);
    return `${channel} ${(JSON.parse(data) as { status: number }).status}`;
  });
}

async function closeAll(...clients: readonly RawClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}

test('a user is put out of a channel, is told so, and gets nothing more from there', async () => {
  const [mallory, again, other] = [await entered('mallory'), await entered('mallory'), await entered('other')];
  const answer = await revoke(`${CHANNEL}/users/mallory`);
  expect([answer.status, answer.text, answer.headers.get('content-type')]).toEqual([200, '{}', 'application/json']);
  expect(await putOut(mallory)).toEqual([`${CHANNEL} 403`]);
  expect(await putOut(again)).toEqual([`${CHANNEL} 403`]);
  await trigger(broker.url, { name: 'e', channel: CHANNEL, data: '' }, { timestamp: seconds() });
  expect(await mallory.flush()).toEqual([]);
  expect(await other.flush()).toEqual([`{"event":"e","channel":"${CHANNEL}","data":""}`]);
  await closeAll(mallory, again, other);
});

test('the user comes back with a token of later only', async () => {
  const auth = operator({ sub: 'back', iat: seconds(), exp: seconds() + 3600 });
  const client = await entered('back');
  await revoke(`${CHANNEL}/users/back`);
  await putOut(client);
  client.send({ event: 'pusher:subscribe', data: { channel: CHANNEL, auth } });
  expect((await client.next('pusher:error')).data).toMatchObject({ message: expect.stringContaining('was revoked') });
  await client.next('pusher:subscription_error');
  broker.clock.advance(1000);
  const later = operator({ sub: 'back', iat: seconds(), exp: seconds() + 3600 });
  client.send({ event: 'pusher:subscribe', data: { channel: CHANNEL, auth: later } });
  await client.next('pusher_internal:subscription_succeeded');
  await client.close();
});

test('one connection is put out, and others of the user stay', async () => {
  const [one, two] = [await entered('both'), await entered('both')];
  expect((await revoke(`${CHANNEL}/sockets/${one.socketId}`)).status).toBe(200);
  expect([await putOut(one), await putOut(two)]).toEqual([[`${CHANNEL} 403`], []]);
  await closeAll(one, two);
});

test('everyone is put out of the channels of a pattern, of this app', async () => {
  const client = await entered('1', [CHANNEL, 'private-user.1', 'presence-hall']);
  const stranger = await entered('1', [CHANNEL], OTHER.key);
  expect((await revoke('private-*/subscriptions')).status).toBe(200);
  expect([await putOut(client), await putOut(stranger)]).toEqual([[`${CHANNEL} 403`, 'private-user.1 403'], []]);
  await closeAll(client, stranger);
});

test('a user id may hold any letter, escaped', async () => {
  broker.clock.advance(2000);
  const client = await entered('Ünï/code 7');
  expect((await revoke(`${CHANNEL}/users/${encodeURIComponent('Ünï/code 7')}`)).status).toBe(200);
  expect(await putOut(client)).toEqual([`${CHANNEL} 403`]);
  await client.close();
});

test('a pattern may be escaped, too', async () => {
  broker.clock.advance(2000);
  const client = await entered('1');
  expect((await revoke('private-%2A/users/1')).status).toBe(200);
  expect(await putOut(client)).toEqual([`${CHANNEL} 403`]);
  await client.close();
});

test.for<[string, string, Parameters<typeof call>[3], number, string]>([
  ['a pattern with other signs', 'private-%7Bsub%7D/subscriptions', {}, 400, 'invalid-channel-pattern'],
  ['a pattern with spaces', 'a%20b/subscriptions', {}, 400, 'invalid-channel-pattern'],
  ['an empty pattern', '/subscriptions', {}, 400, 'invalid-channel-pattern'],
  ['a pattern without end', `${'x'.repeat(401)}/subscriptions`, {}, 400, 'invalid-channel-pattern'],
  ['an empty user id', 'x/users/', {}, 400, 'invalid-user-id'],
  ['a user id with a line break', 'x/users/a%0Ab', {}, 400, 'invalid-user-id'],
  ['a socket id that is none', 'x/sockets/me', {}, 400, 'invalid-socket-id'],
  ['a wrong signature', 'x/users/1', { app: { ...APP, secret: 'wrong' } }, 401, 'invalid-signature'],
  ["another app's key", 'x/users/1', { app: { ...OTHER, id: APP.id } }, 401, 'unknown-auth-key'],
])('%s is refused', async ([, rest, options, status, id]) => {
  expect(refusalIn(await revoke(rest, options))).toEqual([status, id]);
});

test('a token revokes nothing', async () => {
  const answer = await fetch(`${broker.url}/apps/${APP.id}/channels/${CHANNEL}/subscriptions`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${operator({ role: 'admin', exp: seconds() + 60 })}` },
  });
  expect([answer.status, answer.headers.get('x-kulkul-error')]).toEqual([401, 'missing-auth-key']);
});

test('revoking what nobody has is no error', async () => {
  expect((await revoke('private-nowhere/users/nobody')).text).toBe('{}');
});
