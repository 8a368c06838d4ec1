import type { Ending, Observer } from '../../channels/observer.ts';
import type { AllAppCounters } from './app-counters.ts';
import type { ConnectionAges } from './connection-ages.ts';

/** Why clients are cut off that do not read, or not fast enough. */
const SLOW: ReadonlySet<string> = new Set([
  'subscriber-too-slow',
  'reader-too-slow',
  'reader-stalled',
  'not-reading',
  'buffers-full',
]);

/** Codes that a client or its browser ends a connection with as a rule; it may send any other, too. */
const CLIENT_CODES: ReadonlySet<number> = new Set([1000, 1001, 1005, 1006]);

/** Error ids of client events over a limit. */
const EVENT_RATE = 'client-event-rate';

export interface CountingParts {
  readonly apps: AllAppCounters;
  readonly ages: ConnectionAges;
  readonly counts: { failures: number };
  /** Told of a message that has a time of publishing, when it was handed to the connections here. */
  readonly handedOn: (publishedMs: number, isHeldBack: boolean) => void;
}

/** Counts what happens on a node. Nothing of it depends on how many receive an event. */
export function countingObserver({ apps, ages, counts, handedOn }: CountingParts): Observer {
  return {
    connected: ({ connection }) => {
      apps.of(connection.app.id).opened += 1;
      ages.opened(connection);
    },
    refused: ({ reason }) => apps.of('').refused('connection', reason.id),
    disconnected: ({ connection, ...ending }) => {
      const app = apps.of(connection.app.id);
      ages.closed(connection);
      app.closed.count(codeLabel(ending));
      const { cause } = ending;
      if (cause === undefined) return;
      app.cutOff.count(cause);
      if (SLOW.has(cause)) app.slow.count(cause);
    },
    received: ({ connection, frame }) => {
      const app = apps.of(connection.app.id);
      app.messagesIn += 1;
      app.bytesIn += frame.length;
    },
    sent: ({ connection, frame }) => {
      const app = apps.of(connection?.app.id ?? '');
      app.messagesOut += 1;
      app.bytesOut += Buffer.byteLength(frame);
    },
    messageRefused: ({ connection, error: { id } }) => {
      const app = apps.of(connection.app.id);
      app.refused('message', id);
      if (id === EVENT_RATE) app.rateLimited.count('client_events');
    },
    subscribed: ({ connection }) => {
      apps.of(connection.app.id).subscribed += 1;
    },
    subscriptionRefused: ({ connection, error: { id } }) => apps.of(connection.app.id).refused('subscription', id),
    published: ({ app, channelNames }) => {
      apps.of(app.id).publishedByBackend += channelNames.length;
    },
    clientEvent: ({ connection }) => {
      apps.of(connection.app.id).publishedByClients += 1;
    },
    delivered: ({ channel, frame, receivers, publishedMs }) => {
      const app = apps.of(channel.app.id);
      app.deliveries += receivers;
      app.messagesOut += receivers;
      app.bytesOut += receivers * Buffer.byteLength(frame);
      if (publishedMs !== undefined) handedOn(publishedMs, channel.coalescingMs > 0);
    },
    cacheMissed: ({ connection }) => {
      apps.of(connection.app.id).cacheMisses += 1;
    },
    failed: () => {
      counts.failures += 1;
    },
  };
}

/** A client's own code is not to be trusted: it must not become a label. */
function codeLabel({ code, cause }: Ending): string {
  return cause !== undefined || CLIENT_CODES.has(code) ? String(code) : 'other';
}
