import type { Connection } from '../../channels/connection.ts';
import type { Observer, VisitorFacts } from '../../channels/observer.ts';
import { withoutTokens } from '../log.ts';
import type { LiveFact, LiveType } from './contract.ts';
import type { FactHead } from './live-filter.ts';

/** What a fact says beyond its head. */
export type FactBody = Omit<LiveFact, keyof FactHead | 'time' | 'node'>;

/**
 * Told of a fact.
 *
 * @param body - writes the rest, where anybody wants it
 */
export type OnFact = (head: FactHead, body: () => FactBody) => void;

export const MAX_DATA_LENGTH = 4096;
const MAX_TEXT_LENGTH = 500;
/** Of an event, or of a request that was refused. */
export const MAX_NAMES = 20;

/** Types that an observer of the node tells. */
const OBSERVED = {
  connected: 'connected',
  refused: 'refused',
  disconnected: 'disconnected',
  subscribed: 'subscribed',
  subscriptionRefused: 'subscription-refused',
  unsubscribed: 'unsubscribed',
  signedIn: 'signed-in',
  signedOut: 'signed-out',
  published: 'published',
  publishRefused: 'publish-refused',
  clientEvent: 'client-event',
  messageRefused: 'message-refused',
  cacheMissed: 'cache-missed',
} as const satisfies Partial<Record<keyof Observer, LiveType>>;

/**
 * Turns what a node tells into facts of the live log.
 *
 * @param wants - types that somebody wants; for the others nothing is told at all
 */
export function factObserver(wants: (type: LiveType) => boolean, tell: OnFact): Observer {
  const all = createObserver(tell);
  const wanted = Object.entries(OBSERVED).filter(([, type]) => wants(type));
  return Object.fromEntries(wanted.map(([name]) => [name, all[name as keyof typeof OBSERVED]]));
}

function createObserver(tell: OnFact): Required<Pick<Observer, keyof typeof OBSERVED>> {
  return {
    connected: ({ connection, visitor }) => tell({ type: 'connected', ...about(connection) }, () => whence(visitor)),
    refused: ({ visitor, reason: { code, id, message } }) =>
      tell({ type: 'refused' }, () => ({
        ...whence(visitor),
        code,
        cause: id,
        reason: cut(message),
        what: cut(visitor.path),
      })),
    disconnected: ({ connection, code, reason, cause }) =>
      tell({ type: 'disconnected', ...about(connection) }, () => ({
        code,
        reason: cut(reason),
        ...(cause !== undefined && { cause }),
        ...userOf(connection),
      })),
    subscribed: ({ connection, channel, member }) =>
      tell({ type: 'subscribed', ...about(connection), channel: channel.name }, () => ({
        ...userOf(connection),
        ...(member && { user: member.userId }),
        receivers: channel.connections.size,
      })),
    subscriptionRefused: ({ connection, error: { id, channel, message } }) =>
      tell({ type: 'subscription-refused', ...about(connection), channel: cut(channel) }, () => ({
        ...userOf(connection),
        cause: id,
        reason: cut(withoutTokens(message)),
      })),
    unsubscribed: ({ connection, channel, member, reason }) =>
      tell({ type: 'unsubscribed', ...about(connection), channel: channel.name }, () => ({
        ...userOf(connection),
        ...(member && { user: member.userId }),
        ...(reason && { cause: reason.id, reason: cut(reason.message) }),
        receivers: channel.connections.size,
      })),
    signedIn: ({ connection, user }) => tell({ type: 'signed-in', ...about(connection) }, () => ({ user: user.id })),
    signedOut: ({ connection, user }) => tell({ type: 'signed-out', ...about(connection) }, () => ({ user: user.id })),
    published: (published) => {
      const { app, publisher, event, channelNames } = published;
      tell({ type: 'published', app: app.id, event, ...namesOf(channelNames) }, () => {
        // Each of these costs something, which an event that nobody wants to see is spared.
        const { data, bytes, channels } = published;
        return {
          data: data.slice(0, MAX_DATA_LENGTH),
          bytes,
          receivers: channels.reduce((sum, { receiversHere }) => sum + receiversHere, 0),
          ...(publisher?.visitor && whence(publisher.visitor)),
          ...(publisher?.grant?.userId !== undefined && { user: publisher.grant.userId }),
        };
      });
    },
    publishRefused: ({ app, publisher, events, channels, bytes, error: { id, status, message } }) =>
      tell(
        {
          type: 'publish-refused',
          app: app.id,
          ...(events[0] !== undefined && { event: cut(events[0]) }),
          ...namesOf(channels.slice(0, MAX_NAMES).map(cut)),
        },
        () => ({
          ...(publisher.visitor && whence(publisher.visitor)),
          bytes,
          code: status,
          cause: id,
          reason: cut(withoutTokens(message)),
        }),
      ),
    clientEvent: ({ connection, channel, event, data, userId, receiversHere }) =>
      tell({ type: 'client-event', ...about(connection), channel: channel.name, event }, () => ({
        data: data.slice(0, MAX_DATA_LENGTH),
        bytes: Buffer.byteLength(data),
        receivers: receiversHere,
        ...userOf(connection),
        ...(userId !== undefined && { user: userId }),
      })),
    messageRefused: ({ connection, message, error: { id, message: reason } }) =>
      tell(
        {
          type: 'message-refused',
          ...about(connection),
          ...(message && 'channel' in message && { channel: cut(message.channel) }),
          ...(message?.kind === 'client-event' && { event: cut(message.event) }),
        },
        () => ({ ...userOf(connection), cause: id, reason: cut(withoutTokens(reason)) }),
      ),
    cacheMissed: ({ connection, channel }) =>
      tell({ type: 'cache-missed', ...about(connection), channel: channel.name }, () => ({})),
  };
}

function about({ app, socketId }: Connection): Pick<FactHead, 'app' | 'socket'> & { readonly app: string } {
  return { app: app.id, socket: socketId };
}

function userOf({ user }: Connection): { user?: string } {
  return user ? { user: user.id } : {};
}

function namesOf(names: readonly string[]): Pick<FactHead, 'channel' | 'channels'> {
  const [first] = names;
  if (first === undefined) return {};
  return names.length === 1 ? { channel: first } : { channels: names.slice(0, MAX_NAMES) };
}

function whence({ ip, origin, userAgent }: VisitorFacts): Pick<FactBody, 'ip' | 'origin' | 'userAgent'> {
  return {
    ...(ip !== '' && { ip }),
    ...(origin !== '' && { origin: cut(origin) }),
    ...(userAgent !== '' && { userAgent: cut(userAgent) }),
  };
}

function cut(text: string): string {
  return text.length <= MAX_TEXT_LENGTH ? text : `${text.slice(0, MAX_TEXT_LENGTH)}…`;
}
