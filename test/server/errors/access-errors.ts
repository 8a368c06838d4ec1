import { vi } from 'vitest';
import { ChannelPattern } from '../../../auth/channel-pattern.ts';
import { SeamUnavailable } from '../../../channels/broker.ts';
import { replaceApp } from '../../../channels/replace-app.ts';
import type { RevocationTarget } from '../../../channels/revocations.ts';
import { type ApiAnswer, call } from '../../support/api-client.ts';
import { askAuth } from '../../support/auth-client.ts';
import type { TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { sign } from '../../support/tokens.ts';
import { ended, seen } from './connection-errors.ts';
import { APPS, api, loggedCause, type Row } from './errors-broker.ts';
import { message, subscription } from './message-errors.ts';
import { row } from './request-errors.ts';

const { access: ACCESS } = APPS;
const exp = Math.floor(Date.now() / 1000) + 3600;
const token = (claims: object = {}): string => sign({ sub: '42', exp, ...claims });
const nobody = token({ sub: undefined });

const enter = (channel: string, fields: object) => (client: RawClient) =>
  client.send({ event: 'pusher:subscribe', data: { channel, ...fields } });
const signIn = (fields: object) => (client: RawClient) => client.send({ event: 'pusher:signin', data: fields });
/** What the broker's own auth endpoint would have signed. */
const granted = (grant: object, fields: object = {}): string =>
  JSON.stringify({ ...fields, grant: { roles: [], claims: {}, ...grant } });

const EVERYONE: RevocationTarget = { kind: 'everyone' };
const revoke = ({ node }: TestBroker, appId: string, channel: string) =>
  node.store.revoke({ appId, channel, target: EVERYONE, atMs: Date.now() });

const ask = (url: string, options: Parameters<typeof askAuth>[1] = {}): Promise<ApiAnswer> =>
  askAuth({ url }, { path: `/apps/${ACCESS.id}/auth/channel`, token: token(), ...options });

async function publish(url: string, event: object): Promise<ApiAnswer> {
  const answer = await fetch(`${url}/apps/${ACCESS.id}/events`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token()}` },
    body: JSON.stringify({ name: 'e', channel: 'private-x', data: '', ...event }),
  });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

const REQUESTS: readonly Row[] = [
  row('app-not-named', (url) => ask(url, { path: '/broadcasting/auth' })),
  row('invalid-callback', (url) => ask(url, { method: 'GET', fields: { callback: 'alert(1)' } })),
  row('invalid-channel-pattern', (url) => call(url, 'DELETE', api('/channels/a{b}/subscriptions'))),
  row('public-channel', (url) => ask(url, { fields: { channel_name: 'news' } })),
  row('token-required', (url) => ask(url, { token: undefined })),
  row('token-without-user', (url) => ask(url, { token: nobody, fields: { channel_name: 'presence-x' } })),
  row('access-revoked', async (url, broker) => {
    await revoke(broker, ACCESS.id, 'private-gone');
    return ask(url, { fields: { channel_name: 'private-gone' } });
  }),
  row('too-many-revocations', async (url, { node }) => {
    const { revocations } = node.nodesChannel;
    const ofOther = (count: number) => ({
      appId: APPS.plain.id,
      channel: `${count}-*`,
      target: EVERYONE,
      atMs: Date.now(),
    });
    for (let count = 0; count < 1000; count += 1) revocations.add(ofOther(count), 0);
    return call(url, 'DELETE', `/apps/${APPS.plain.id}/channels/a*/subscriptions`, { app: APPS.plain });
  }),
  row('cross-origin-cookie', (url) =>
    ask(url, { token: undefined, headers: { Cookie: `session=${token()}`, Origin: 'https://good.example' } }),
  ),
  row('no-encryption-key', (url) => ask(url, { fields: { channel_name: 'private-encrypted-x' } })),
  row('not-allowed', (url) => publish(url, { channel: 'news' })),
  row('origin-refused', (url) => ask(url, { headers: { Origin: 'https://bad.example' } })),
  row('reserved-event', (url) => publish(url, { name: 'pusher_internal:member_removed' })),
  row('unknown-app-key', (url) => ask(url, { path: '/pusher/auth', fields: { app_key: 'nobody' } })),
];

const CONNECTIONS: readonly Row[] = [
  ended('app-removed', async (_client, { node }) => replaceApp(node, ACCESS.id, undefined), ACCESS.key),
  ended(
    'key-retired',
    async ({ socketId }, { node }) => {
      const app = node.connections.get(socketId)?.app;
      if (app) replaceApp(node, app.id, { ...app, keys: [{ key: 'new', secret: 'new' }] });
    },
    ACCESS.key,
  ),
  {
    kind: 'Disconnect',
    id: 'temporarily-unavailable',
    raise: async (broker) => {
      vi.spyOn(broker.node.store, 'addConnection').mockImplementationOnce(() =>
        Promise.reject(new SeamUnavailable('Redis is away')),
      );
      const client = new RawClient(`${broker.wsUrl}/app/${ACCESS.key}?protocol=7`, { origin: 'https://good.example' });
      return seen(client, () => loggedCause(broker, 'connection refused'));
    },
  },
];

const MESSAGES: readonly Row[] = [
  {
    kind: 'SubscriptionError',
    id: 'unsubscribed-by-operator',
    raise: async (broker) => {
      const client = await RawClient.connect(broker.wsUrl, { key: ACCESS.key });
      enter('private-x', { auth: token() })(client);
      await client.next('pusher_internal:subscription_succeeded');
      const asked = { app: ACCESS.id, socket: client.socketId, channel: 'private-x' };
      await broker.node.questions.ask({ kind: 'unsubscribe', ...asked });
      const { data } = await client.next('pusher:subscription_error');
      await client.close();
      const { type, status } = JSON.parse(String(data)) as { type: string; status: number };
      return { id: loggedCause(broker, 'subscription ended', client.socketId), code: `${type} ${status}` };
    },
  },
  {
    kind: 'SubscriptionError',
    id: 'rules-changed',
    raise: async (broker) => {
      const client = await RawClient.connect(broker.wsUrl, { key: ACCESS.key });
      enter('private-x', { auth: token() })(client);
      await client.next('pusher_internal:subscription_succeeded');
      const app = broker.node.connections.get(client.socketId)?.app;
      if (!app) throw new Error('the connection is gone');
      const own = { kind: 'holder', roles: undefined, isOwn: true } as const;
      const pattern = new ChannelPattern('private-{tenant}');
      const channelRules = [{ pattern, subscribe: [own], clientEvents: [], publish: [] }];
      replaceApp(broker.node, app.id, { ...app, channelRules });
      replaceApp(broker.node, app.id, app);
      const { data } = await client.next('pusher:subscription_error');
      await client.close();
      const { type, status } = JSON.parse(String(data)) as { type: string; status: number };
      return { id: loggedCause(broker, 'subscription ended', client.socketId), code: `${type} ${status}` };
    },
  },
  message(
    'client-event-not-allowed',
    async (client) => {
      enter('private-quiet', { auth: token() })(client);
      await client.next('pusher_internal:subscription_succeeded');
      client.send({ event: 'client-e', channel: 'private-quiet', data: '' });
    },
    ACCESS.key,
  ),
  message('member-mismatch', signIn({ auth: token(), user_data: '{"id":"1"}' }), ACCESS.key),
  message('sign-in-expired', (client) => client.signIn(granted({ exp: 1 }, { id: '1' }))),
  message('token-without-user', signIn({ auth: nobody }), ACCESS.key),
  subscription('subscription-expired', (client) => client.subscribe('private-x', granted({ exp: 1 }))),
  subscription('token-required', enter('members-only', {}), ACCESS.key),
  subscription('token-without-user', enter('presence-x', { auth: nobody }), ACCESS.key),
  subscription(
    'access-revoked',
    async (client, broker) => {
      await revoke(broker, ACCESS.id, 'private-closed');
      enter('private-closed', { auth: token() })(client);
    },
    ACCESS.key,
  ),
  subscription('member-mismatch', enter('presence-x', { auth: token(), channel_data: '{"user_id":"1"}' }), ACCESS.key),
  subscription('not-allowed', (client) => client.subscribe('private-x', granted({ exp }))),
];

/** Who may enter, and who no longer: by token, by rule, and by what was taken back. */
export const ACCESS_ERRORS: readonly Row[] = [...REQUESTS, ...CONNECTIONS, ...MESSAGES];
