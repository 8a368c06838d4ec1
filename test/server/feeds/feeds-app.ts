import { createHmac } from 'node:crypto';
import { call } from '../../support/api-client.ts';
import { APP, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { SECRET, sign } from '../../support/tokens.ts';

/** An app with feeds of all kinds. */
export const FEEDS_APP = {
  ...APP,
  enableClientMessages: true,
  enableSubscriptionCountEvents: true,
  auth: { jwt: { keys: [{ secret: SECRET }] } },
  channels: [
    { name: 'private-*', subscribe: ['application', 'token'] },
    { name: 'presence-*', subscribe: 'token' },
    { name: 'closed', subscribe: 'token' },
  ],
  feeds: [
    { path: '/feeds/data', channel: 'news' },
    { path: '/feeds/event', channel: 'news', format: 'event' },
    { path: '/feeds/last', channel: 'state', last: true },
    { path: '/feeds/last-event', channel: 'state', last: true, format: 'event' },
    { path: '/feeds/named', channel: 'servers', last: 'metrics' },
    { path: '/feeds/named-event', channel: 'servers', last: 'metrics', format: 'event' },
    { path: '/', channel: 'root', last: true, echo: true },
    {
      path: '/feeds/welcome',
      channel: 'state',
      last: true,
      format: 'event',
      welcome: { message: 'Say $now', sentAt: '$now', $now: ['$now', null] },
    },
    { path: '/feeds/private-welcome', channel: 'private-news', welcome: 'hello' },
    { path: '/feeds/cache', channel: 'cache-news' },
    { path: '/feeds/echo', channel: 'news', echo: true },
    { path: '/feeds/private', channel: 'private-news' },
    { path: '/feeds/private-last', channel: 'private-state', last: true, echo: true },
    { path: '/feeds/presence', channel: 'presence-room' },
    { path: '/feeds/closed', channel: 'closed' },
  ],
} as const;

/** A token of an hour for the clock of this machine, unless its claims say otherwise. */
export function token(claims: object = {}): string {
  return sign({ sub: '42', iat: now() - 60, exp: now() + 3600, ...claims });
}

export function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** Publishes, which must be taken. */
export async function publish(
  url: string,
  channel: string,
  data: string,
  name = 'e',
  timestamp?: number,
): Promise<void> {
  const options = timestamp === undefined ? {} : { timestamp };
  const answer = await call(url, 'POST', `/apps/${APP.id}/events`, { body: { name, channel, data }, ...options });
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
}

/** A reader by WebSocket that has been let in. */
export async function openSocket(
  { wsUrl }: Pick<TestBroker, 'wsUrl'>,
  path: string,
  options: ConstructorParameters<typeof RawClient>[1] = {},
): Promise<RawClient> {
  const client = new RawClient(`${wsUrl}${path}`, options);
  await new Promise<void>((resolve, reject) => {
    client.ws.once('open', resolve);
    client.ws.once('error', reject);
  });
  return client;
}

/** A text that no two tests share. */
export function digest(text: string): string {
  return createHmac('sha1', 'test').update(text).digest('hex');
}
