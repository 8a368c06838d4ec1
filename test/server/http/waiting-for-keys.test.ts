import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { askAuth, startTokenBroker, TOKEN_APP, type TokenBroker } from '../../support/auth-client.ts';
import { APP } from '../../support/broker.ts';
import { Issuer, jwk, publishes } from '../../support/issuer.ts';
import { RawClient } from '../../support/raw-client.ts';
import { rsaPair, sign } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';
import { RawSocket } from '../robustness/raw-socket.ts';
import { encodeRequest } from './raw-http.ts';

const pair = rsaPair();
const token = sign({ sub: '42', role: 'admin' }, { key: pair.privateKey, alg: 'RS256', header: { kid: 'one' } });
const publishKeys = publishes(jwk('one', pair, { alg: 'RS256' }));

let issuer: Issuer;
let broker: TokenBroker;
/** Requests for the keys that the issuer has not answered. */
let waiting: (() => void)[];
beforeEach(async () => {
  waiting = [];
  issuer = new Issuer();
  issuer.reply = (request, response: ServerResponse) => waiting.push(() => publishKeys(request, response));
  await issuer.start();
  broker = await startTokenBroker({}, [{ ...TOKEN_APP, auth: { jwt: { jwksUrl: issuer.url } } }]);
});
afterEach(async () => {
  broker.kill();
  await issuer.stop();
});

/** Answers all that asked for keys, once somebody has. */
async function release(): Promise<void> {
  await until(() => waiting.length > 0);
  for (const answer of waiting.splice(0)) answer();
}

test('a request to publish waits for the keys, and its body with it', async () => {
  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed('rvm-status');
  await client.next('pusher_internal:subscription_count');
  const answer = fetch(`${broker.url}/apps/${APP.id}/events`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    body: JSON.stringify({ name: 'e', channel: 'rvm-status', data: 'x'.repeat(1000) }),
  });
  await release();
  expect((await answer).status).toBe(200);
  expect((await client.next('e')).data).toBe('x'.repeat(1000));
  await client.close();
});

test('many requests to an auth endpoint share one question for the keys', async () => {
  const asked = Array.from({ length: 20 }, () => askAuth(broker, { token }));
  await release();
  const answers = await Promise.all(asked);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(issuer.asked).toHaveLength(1);
});

test('a client may go before the keys come, and the others are answered', async () => {
  const gone = await RawSocket.open(broker.port);
  const fields = 'socket_id=1.2&channel_name=private-admin-dashboard';
  gone.write(encodeRequest('POST', '/broadcasting/auth', fields, [`Authorization: Bearer ${token}`]));
  await until(() => waiting.length > 0);
  gone.reset();
  await once(gone.socket, 'close');
  const stays = askAuth(broker, { token });
  await release();
  expect((await stays).status).toBe(200);
  expect(broker.log.filter(({ msg }) => String(msg).includes('unexpected'))).toEqual([]);
});
