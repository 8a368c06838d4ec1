import { afterAll, beforeAll, expect, test } from 'vitest';
import { hmacHex } from '../../../auth/hmac.ts';
import { call } from '../../support/api-client.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';

const OLD = { id: 'shop', key: 'old-key', secret: 'old-secret' };
const NEW = { id: 'shop', key: 'new-key', secret: 'new-secret' };
const OTHER = { id: 'other', key: 'other-key', secret: 'other-secret' };
const OFF = { id: 'off', key: 'off-key', secret: 'off-secret' };

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({}, [
    { ...OLD, keys: [{ key: NEW.key, secret: NEW.secret }] },
    OTHER,
    { ...OFF, enabled: false },
  ]);
});
afterAll(() => broker.kill());

const read = (app: typeof OLD, id = app.id) => call(broker.url, 'GET', `/apps/${id}/channels`, { app });

test.for([
  ['old', OLD, NEW],
  ['new', NEW, OLD],
] as const)(
  'while keys are rotated the %s one signs requests, channels and users, whichever the client came with',
  async ([, pair, clientPair]) => {
    expect((await read(pair)).status).toBe(200);
    const client = await RawClient.connect(broker.wsUrl, { key: clientPair.key });
    const signature = (text: string): string => `${pair.key}:${hmacHex(pair.secret, `${client.socketId}${text}`)}`;
    client.send({ event: 'pusher:subscribe', data: { channel: 'private-x', auth: signature(':private-x') } });
    await client.next('pusher_internal:subscription_succeeded');
    const userData = '{"id":"1"}';
    client.send({ event: 'pusher:signin', data: { auth: signature(`::user::${userData}`), user_data: userData } });
    await client.next('pusher:signin_success');
    await client.close();
  },
);

test("a key with the other key's secret is refused", async () => {
  const { status, text } = await read({ ...NEW, secret: OLD.secret });
  expect(status).toBe(401);
  expect(text).toMatch(/^Invalid signature: .* Is the secret the one of key new-key\?/);
});

test('the key of another app is refused', async () => {
  expect(await read(OTHER, OLD.id)).toMatchObject({
    status: 401,
    text: 'Unknown auth_key: app shop has no key other-key. Is it the key (not the id) of the app?',
  });
  const client = await RawClient.connect(broker.wsUrl, { key: OLD.key });
  const auth = `${OTHER.key}:${hmacHex(OTHER.secret, `${client.socketId}:private-x`)}`;
  client.send({ event: 'pusher:subscribe', data: { channel: 'private-x', auth } });
  expect(await client.next('pusher:error')).toMatchObject({
    data: { message: "Invalid key in subscription auth data: 'other-key'" },
  });
  await client.close();
});

test('a disabled app is refused, but says so only to those who can sign', async () => {
  expect(await read(OFF)).toMatchObject({
    status: 403,
    text: 'Application disabled: app off has enabled: false',
  });
  expect((await read({ ...OFF, secret: 'guess' })).status).toBe(401);
});

test('no answer tells a secret', async () => {
  const answers = [await read({ ...OLD, secret: 'x' }), await read(OTHER, OLD.id), await read(OLD, 'none')];
  for (const { text } of answers) expect(text).not.toMatch(/(old|new|other)-secret/);
  expect(JSON.stringify(broker.log)).not.toMatch(/(old|new|other|off)-secret/);
});
