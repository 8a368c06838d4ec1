import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { Issuer, jwk, publishes, type Reply } from '../../support/issuer.ts';
import { RawClient } from '../../support/raw-client.ts';
import { rsaPair, sign } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';

const PAIR = rsaPair();
const CHANNEL = 'private-admin-dashboard';

let issuer: Issuer;
let broker: TestBroker;
beforeEach(async () => {
  issuer = new Issuer();
  await issuer.start();
  const channels = [
    { name: CHANNEL, subscribe: { roles: ['admin'] } },
    { name: 'presence-room', subscribe: 'token' },
  ];
  broker = await startBroker({}, [{ ...APP, auth: { jwt: { jwksUrl: issuer.url } }, channels }]);
});
afterEach(async () => {
  broker.kill();
  await issuer.stop();
});

function token(role: string, sub = '42'): string {
  const exp = Math.floor(Date.now() / 1000) + 3600;
  return sign({ sub, role, exp }, { key: PAIR.privateKey, alg: 'RS256', header: { kid: 'a' } });
}

const subscribe = (channel: string, auth: string): object => ({ event: 'pusher:subscribe', data: { channel, auth } });

/** Keeps the issuer's answer back until it is called for. */
function heldReply(): { readonly reply: Reply; readonly answer: () => void } {
  const waiting: (() => void)[] = [];
  return {
    reply: (...exchange) => waiting.push(() => publishes(jwk('a', PAIR))(...exchange)),
    answer: () => {
      for (const answer of waiting) answer();
    },
  };
}

describe('while keys are fetched', () => {
  test('what a client sends after its token waits, in its order', async () => {
    const { reply, answer } = heldReply();
    issuer.reply = reply;
    const client = await RawClient.connect(broker.wsUrl);
    const asked = once(issuer.server, 'request');
    client.send(subscribe(CHANNEL, token('admin')));
    client.send({ event: 'pusher:unsubscribe', data: { channel: CHANNEL } });
    client.send(subscribe(CHANNEL, token('viewer')));
    await asked;
    answer();
    expect(await client.next()).toMatchObject({ event: 'pusher_internal:subscription_succeeded', channel: CHANNEL });
    await client.next('pusher:error');
    const { data } = await client.next('pusher:subscription_error');
    expect(JSON.parse(String(data))).toMatchObject({ status: 403, error: expect.stringContaining('the role viewer') });
    expect(await client.flush()).toEqual([]);
    expect(issuer.asked.length).toBe(1);
    await client.close();
  });

  test('other clients are served', async () => {
    const { reply, answer } = heldReply();
    issuer.reply = reply;
    const [waiting, other] = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl)];
    const asked = once(issuer.server, 'request');
    waiting.send(subscribe(CHANNEL, token('admin')));
    await asked;
    await other.subscribed(CHANNEL);
    expect(await other.flush()).toEqual([]);
    answer();
    await waiting.next('pusher_internal:subscription_succeeded');
    await Promise.all([waiting.close(), other.close()]);
  });

  test('a client may go, and leaves nothing behind', async () => {
    const { reply, answer } = heldReply();
    issuer.reply = reply;
    const client = await RawClient.connect(broker.wsUrl);
    const asked = once(issuer.server, 'request');
    client.send(subscribe('presence-room', token('admin')));
    await asked;
    await client.close();
    await until(() => broker.node.connections.size === 0);
    answer();
    const next = await RawClient.connect(broker.wsUrl);
    next.send(subscribe('presence-room', token('admin', '7')));
    const { data } = await next.next('pusher_internal:subscription_succeeded');
    expect(JSON.parse(String(data))).toEqual({ presence: { count: 1, ids: ['7'], hash: { 7: null } } });
    await next.close();
    expect(broker.log.filter(({ msg }) => String(msg).includes('unexpected'))).toEqual([]);
  });
});

test('a client is told when they can not be fetched, at a sign-in too', async () => {
  issuer.reply = ({ socket }) => socket.destroy();
  const client = await RawClient.connect(broker.wsUrl);
  client.send(subscribe(CHANNEL, token('admin')));
  await client.next('pusher:error');
  const { data } = await client.next('pusher:subscription_error');
  expect(JSON.parse(String(data))).toMatchObject({ type: 'AuthError', status: 503 });
  client.send({ event: 'pusher:signin', data: { auth: token('admin') } });
  expect(await client.next('pusher:error')).toMatchObject({
    data: { code: null, message: expect.stringContaining('try again later') },
  });
  expect(broker.log).toContainEqual(
    expect.objectContaining({ msg: "the keys for tokens can't be fetched", url: issuer.url }),
  );
  await client.close();
});
