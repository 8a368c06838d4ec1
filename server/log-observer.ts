import type { Connection } from '../channels/connection.ts';
import type { Observer, Publisher, VisitorFacts } from '../channels/observer.ts';
import { INTERNAL_ERROR } from '../channels/receive.ts';
import { foreign, loggableFrame, type SampledLog, withoutTokens } from './log.ts';

/** Limits that lines name: who went over them was cut off. */
export interface LoggedLimits {
  readonly maxBufferedBytes: number;
  readonly hardFrameBytes: number;
}

const SUBSCRIBER_TOO_SLOW = 'subscriber too slow: it had more than maxBufferedBytes waiting and was disconnected';
const READER_TOO_SLOW = 'reader of a feed too slow: it had more than maxBufferedBytes waiting';
const READER_STALLED = 'reader of a feed disconnected with data pending: it left, or read nothing for 10 seconds';
const FAR_TOO_LARGE = 'message far over maxFrameBytes: the connection was cut off';

/** Writes what happens to the log. What happens with every message is written, and told at all, at the level `debug` only. */
export function logObserver(log: SampledLog, limits: LoggedLimits): Observer {
  const { eachStep } = log;
  return {
    refused: ({ visitor, reason, error }) => {
      const facts = { ...whence(visitor), path: visitor.path };
      if (reason === INTERNAL_ERROR) log.error({ ...facts, err: error }, 'unexpected failure while connecting');
      log.info({ ...facts, code: reason.code, cause: reason.id, reason: reason.message }, 'connection refused');
    },
    disconnected: ({ connection, code, reason, cause }) => {
      const facts = { ...who(connection), code, reason };
      switch (cause) {
        case undefined:
          eachStep?.debug(facts, 'connection closed');
          break;
        case 'restarting':
          // All clients at once: how many they are is said once.
          eachStep?.debug({ ...facts, cause }, 'connection ended');
          break;
        case 'subscriber-too-slow':
          log.warn({ ...facts, limit: limits.maxBufferedBytes }, SUBSCRIBER_TOO_SLOW);
          break;
        case 'reader-too-slow':
          log.warn({ ...who(connection), limit: limits.maxBufferedBytes }, READER_TOO_SLOW);
          break;
        case 'reader-stalled':
          log.warn(who(connection), READER_STALLED);
          break;
        case 'frame-far-too-large':
          log.warn({ ...facts, limit: limits.hardFrameBytes }, FAR_TOO_LARGE);
          break;
        default:
          log.info({ ...facts, cause }, 'connection ended');
      }
    },
    subscriptionRefused: ({ connection, error: { id, channel, message } }) =>
      log.info({ ...who(connection), cause: id, reason: message, channel }, 'subscription refused'),
    unsubscribed: ({ connection, reason }) => {
      if (!reason) return;
      const { id, channel, message } = reason;
      log.info({ ...who(connection), channel, cause: id, reason: message }, 'subscription ended');
    },
    failed: ({ error, during }) => log.error({ err: error, during }, 'unexpected failure'),
    ...(eachStep && {
      connected: ({ connection, visitor }) =>
        eachStep.debug({ ...who(connection), ...whence(visitor) }, 'connection opened'),
      received: ({ connection: { socketId }, frame }) => {
        eachStep.debug({ socketId, frame: loggableFrame(frame.toString()) }, 'message in');
      },
      sent: ({ frame }) => eachStep.debug({ frame: loggableFrame(frame) }, 'message out'),
      messageRefused: ({ connection, message, error: { id, message: reason } }) => {
        const what =
          message?.kind === 'client-event' ? clientEventFacts(message.event, message.channel, message.data) : {};
        eachStep.debug({ ...who(connection), ...what, cause: id, reason }, 'message refused');
      },
      published: ({ app, publisher, event, bytes, channels }) => {
        const names = channels.map(({ name }) => name);
        const subscribersHere = channels.reduce((sum, { receiversHere }) => sum + receiversHere, 0);
        const facts = { app: app.id, ...publisherFacts(publisher), event, bytes, channels: names, subscribersHere };
        eachStep.debug(facts, 'event published');
      },
      publishRefused: ({ app, publisher, events, channels, bytes, error: { id, message } }) => {
        const names = channels.slice(0, MAX_NAMES).map((name) => foreign(name));
        const what = { event: events.slice(0, MAX_NAMES).join(', '), bytes, channels: names };
        eachStep.debug(
          { app: app.id, ...publisherFacts(publisher), ...what, cause: id, reason: withoutTokens(message) },
          'event refused',
        );
      },
      clientEvent: ({ connection, channel: { name }, event, data, userId, receiversHere }) => {
        const facts = { ...who(connection), user: userId, ...clientEventFacts(event, name, data) };
        eachStep.debug({ ...facts, subscribersHere: receiversHere }, 'client event published');
      },
      delivered: ({ channel: { topic }, frame }) =>
        eachStep.debug({ topic, frame: loggableFrame(frame) }, 'message out to subscribers'),
    }),
  };
}

function who({ socketId, app }: Connection): { socketId: string; app: string } {
  return { socketId, app: app.id };
}

/** As many as an event may have channels. */
const MAX_NAMES = 100;

function clientEventFacts(event: string, channel: string, data: string): object {
  return { event, channel, bytes: Buffer.byteLength(data) };
}

function publisherFacts(publisher: Publisher | undefined): object {
  return { user: publisher?.grant?.userId, ...(publisher?.visitor && whence(publisher.visitor)) };
}

function whence({ ip, forwardedFor, origin, userAgent }: VisitorFacts): object {
  return {
    ip,
    forwardedFor: forwardedFor || undefined,
    origin: origin || undefined,
    userAgent: userAgent || undefined,
  };
}
