import { vi } from 'vitest';
import { APP, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { APPS, DATA_LIMIT_BYTES, loggedCause, type Row, type Seen, SOCKET_LIMIT_BYTES } from './errors-broker.ts';

type Act = (client: RawClient, broker: TestBroker) => unknown;

interface ErrorFrame {
  readonly data: { readonly code: number | null; readonly message: string };
}

/** What the act is answered with; the connection must still work then. */
async function refusal(broker: TestBroker, act: Act, key: string): Promise<{ client: RawClient; texts: string[] }> {
  const client = await RawClient.connect(broker.wsUrl, { key });
  await act(client, broker);
  const texts = [...(await client.flush())];
  await client.close();
  return { client, texts };
}

/** A message that is answered with `pusher:error` only. */
export function message(id: string, act: Act, key: string = APP.key): Row {
  return {
    kind: 'PusherError',
    id,
    raise: async (broker): Promise<Seen> => {
      const { client, texts } = await refusal(broker, act, key);
      const text = texts.findLast((frame) => frame.startsWith('{"event":"pusher:error"')) ?? '{}';
      const frame = JSON.parse(text) as ErrorFrame;
      if (frame.data.message.length < 15) throw new Error(`no useful text: ${frame.data.message}`);
      return { id: loggedCause(broker, 'message refused', client.socketId), code: String(frame.data.code) };
    },
  };
}

/** A subscription that is refused. */
export function subscription(id: string, act: Act, key: string = APP.key): Row {
  return {
    kind: 'SubscriptionError',
    id,
    raise: async (broker): Promise<Seen> => {
      const { client, texts } = await refusal(broker, act, key);
      const error = JSON.parse(texts.at(-2) ?? '{}') as ErrorFrame;
      const onChannel = JSON.parse(texts.at(-1) ?? '{}') as { event: string; channel: string; data: string };
      const told = JSON.parse(onChannel.data) as { type: string; error: string; status: number };
      if (
        onChannel.event !== 'pusher:subscription_error' ||
        told.error !== error.data.message ||
        error.data.code !== null
      ) {
        throw new Error(`not a refused subscription: ${texts.join(' ')}`);
      }
      return { id: loggedCause(broker, 'subscription refused', client.socketId), code: `${told.type} ${told.status}` };
    },
  };
}

const say =
  (frame: unknown): Act =>
  (client) =>
    client.send(frame);
const whisper = (event: string, data: unknown): Act => {
  return async (client) => {
    await client.subscribed('private-whispers');
    await client.next('pusher_internal:subscription_count');
    client.send({ event, channel: 'private-whispers', data });
  };
};
const signInWith = (auth: string): Act => say({ event: 'pusher:signin', data: { auth, user_data: '{"id":"1"}' } });
const enter = (channel: string, fields: object = {}): Act =>
  say({ event: 'pusher:subscribe', data: { channel, ...fields } });
const join =
  (channelData: string): Act =>
  (client) =>
    client.subscribe('presence-x', channelData);

export const MESSAGE_ERRORS: readonly Row[] = [
  message('client-event-rate', async (client) => {
    await client.subscribed('private-whispers');
    for (let count = 0; count < 2; count += 1)
      client.send({ event: 'client-e', channel: 'private-whispers', data: '' });
  }),
  message('watchlist-limit', (client) => {
    client.signIn(JSON.stringify({ id: '1', watchlist: Array.from({ length: 101 }, (_, index) => `u${index}`) }));
    return client.next('pusher:signin_success');
  }),
  message('already-subscribed', async (client) => {
    await client.subscribed('news');
    client.subscribe('news');
  }),
  message('auth-format', signInWith('none')),
  message('auth-signature', signInWith(`${APP.key}:${'0'.repeat(64)}`)),
  message('auth-unknown-key', signInWith(`nobody:${'0'.repeat(64)}`)),
  message('client-event-channel', say({ event: 'client-e', channel: 'news', data: '' })),
  message('client-event-name', whisper(`client-${'n'.repeat(200)}`, '')),
  message('client-event-not-subscribed', say({ event: 'client-e', channel: 'private-x', data: '' })),
  message('client-event-too-large', whisper('client-e', 'x'.repeat(DATA_LIMIT_BYTES + 1))),
  message('client-events-disabled', say({ event: 'client-e', channel: 'private-x', data: '' }), APPS.plain.key),
  message('frame-too-large', say('x'.repeat(SOCKET_LIMIT_BYTES + 1))),
  message('invalid-client-event', say({ event: 'client-e', data: {} })),
  message('invalid-json', say('hello')),
  message('invalid-message', say({ event: 'pusher:subscribe' })),
  message('invalid-user-data', (client) => client.signIn('{"id":7}')),
  message('not-subscribed', say({ event: 'pusher:unsubscribe', data: { channel: 'news' } })),
  message('signed-in-already', async (client) => {
    client.signIn('{"id":"1"}');
    await client.next('pusher:signin_success');
    client.signIn('{"id":"2"}');
  }),
  message('temporarily-unavailable', (client, { node }) => {
    vi.spyOn(node.store, 'signIn').mockImplementationOnce(() => Promise.reject(new Error('a seam that failed')));
    client.signIn('{"id":"1"}');
  }),
  message('unsupported-event', say({ event: 'message', data: {} })),
  subscription('auth-format', enter('private-x', { auth: 'none' })),
  subscription('auth-signature', enter('private-x', { auth: `${APP.key}:${'0'.repeat(64)}` })),
  subscription('auth-unknown-key', enter('private-x', { auth: `nobody:${'0'.repeat(64)}` })),
  subscription('missing-channel-data', (client) => client.subscribe('presence-x')),
  subscription('not-this-user', enter('#server-to-user-2')),
  subscription('invalid-channel-data', join('{}')),
  subscription('invalid-channel', enter('not a name')),
  subscription('member-too-large', join(JSON.stringify({ user_id: '1', user_info: { text: 'x'.repeat(1024) } }))),
  subscription('too-many-subscriptions', (client) => {
    for (const channel of ['cache-1', 'cache-2', 'cache-3', 'cache-4']) client.subscribe(channel);
  }),
  subscription('channel-full', async (client, { wsUrl }) => {
    const member = await RawClient.connect(wsUrl);
    await member.subscribed('presence-full', '{"user_id":"1"}');
    client.subscribe('presence-full', '{"user_id":"2"}');
  }),
  subscription('temporarily-unavailable', (client, { node }) => {
    vi.spyOn(node.store, 'join').mockImplementationOnce(() => Promise.reject(new Error('a seam that failed')));
    client.subscribe('presence-x', '{"user_id":"1"}');
  }),
];
