import type { Connection } from '../channels/connection.ts';
import type { Observer } from '../channels/observer.ts';
import { loggableFrame, type SampledLog } from './log.ts';

/** Writes what happens to the log. What happens with every message is written, and told at all, at the level `debug` only. */
export function logObserver(log: SampledLog): Observer {
  const { eachStep } = log;
  return {
    disconnected: ({ connection, reason: { id, code, message } }) => {
      // All clients at once: how many they are is said once.
      const facts = { ...who(connection), code, cause: id, reason: message };
      if (id === 'restarting') eachStep?.debug(facts, 'connection ended');
      else log.info(facts, 'connection ended');
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
      messageRefused: ({ connection, error: { id, message } }) =>
        eachStep.debug({ ...who(connection), cause: id, reason: message }, 'message refused'),
      published: ({ app, event, channels }) => {
        const names = channels.map(({ name }) => name);
        const subscribersHere = channels.reduce((sum, { receiversHere }) => sum + receiversHere, 0);
        eachStep.debug({ app: app.id, event, channels: names, subscribersHere }, 'event published');
      },
      delivered: ({ channel: { topic }, frame }) =>
        eachStep.debug({ topic, frame: loggableFrame(frame) }, 'message out to subscribers'),
    }),
  };
}

function who({ socketId, app }: Connection): { socketId: string; app: string } {
  return { socketId, app: app.id };
}
