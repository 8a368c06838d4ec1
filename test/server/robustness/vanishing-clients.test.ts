import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hmacHex } from '../../../auth/hmac.ts';
import { atLength } from '../../support/at-length.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { SEED, signedSubscription } from './arbitraries.ts';
import { RawSocket, textFrame, upgradeRequest } from './raw-socket.ts';
import { expectNothingLeft, onlyLeft } from './witness.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.kill());

const PATH = `/app/${APP.key}?protocol=7`;
const USER_DATA = '{"id":"1","watchlist":["2"]}';

/** All that a client says in a life. The ids of sockets are not known before, so the signatures are made late. */
function life(socketId: string): Buffer {
  const auth = `${APP.key}:${hmacHex(APP.secret, `${socketId}::user::${USER_DATA}`)}`;
  const messages = [
    { event: 'pusher:signin', data: { auth, user_data: USER_DATA } },
    { event: 'pusher:subscribe', data: { channel: 'news' } },
    signedSubscription(socketId, 'private-cache-a'),
    signedSubscription(socketId, 'presence-a', '{"user_id":"1"}'),
    { event: 'pusher:subscribe', data: { channel: '#server-to-user-1' } },
    { event: 'client-e', channel: 'presence-a', data: '' },
    { event: 'pusher:unsubscribe', data: { channel: 'news' } },
  ];
  return Buffer.concat(messages.map((message) => textFrame(JSON.stringify(message))));
}

async function connected(): Promise<{ raw: RawSocket; socketId: string }> {
  const raw = await RawSocket.upgraded(broker.port, PATH);
  await raw.until('activity_timeout');
  return { raw, socketId: /socket_id\\":\\"([\d.]+)/.exec(raw.text)?.[1] ?? '' };
}

const ENDINGS = ['reset', 'half-close'] as const;

async function vanish(raw: RawSocket, ending: (typeof ENDINGS)[number]): Promise<void> {
  if (ending === 'reset') raw.reset();
  else await raw.finish();
}

test('a client that vanishes anywhere in its upgrade leaves nothing behind', async () => {
  const request = upgradeRequest(PATH);
  const property = fc.asyncProperty(fc.nat(request.length), fc.constantFrom(...ENDINGS), async (length, ending) => {
    const raw = await RawSocket.open(broker.port);
    raw.write(request.slice(0, length));
    await vanish(raw, ending);
  });
  await fc.assert(property, { seed: SEED, numRuns: atLength(40, 100) });
  await expectNothingLeft(broker);
});

test('clients that vanish anywhere in what they say leave nothing behind', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.tuple(fc.nat(2000), fc.constantFrom(...ENDINGS)), { minLength: 1, maxLength: 4 }),
    async (clients) => {
      await Promise.all(
        clients.map(async ([length, ending]) => {
          const { raw, socketId } = await connected();
          raw.write(life(socketId).subarray(0, length));
          await vanish(raw, ending);
        }),
      );
      await onlyLeft(broker, 0);
    },
  );
  await fc.assert(property, { seed: SEED, numRuns: atLength(60, 200) });
  await expectNothingLeft(broker);
});

test.for(ENDINGS)('others hear that a member is gone which ends by %s', async (ending) => {
  const other = await RawClient.connect(broker.wsUrl);
  await other.subscribed('presence-a', '{"user_id":"other"}');
  const { raw, socketId } = await connected();
  raw.write(life(socketId));
  expect(await other.next('pusher_internal:member_added')).toMatchObject({ channel: 'presence-a' });
  await other.next('client-e');
  await vanish(raw, ending);
  expect(await other.next('pusher_internal:member_removed')).toMatchObject({ data: '{"user_id":"1"}' });
  await other.close();
  await expectNothingLeft(broker);
});
