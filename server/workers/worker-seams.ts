import type { Broker, BrokerMessage, CountReceivers } from '../../channels/broker.ts';
import type { ChannelStore } from '../../channels/channel-store.ts';
import type { OnEdge } from '../../channels/edge.ts';
import type { Outbox } from '../../channels/outbox.ts';
import type { WebhookFilter } from '../../protocol/webhook.ts';
import type { Seams } from '../seams.ts';
import { type CallLink, remote } from './calls.ts';
import { HOST_CALLS, type HostMethods, OUTBOX_CALLS, type OutboxMethods } from './messages.ts';

/** Takes what the main process has for the seams of a worker. */
export class SeamsInbox {
  deliver: (message: BrokerMessage) => void = () => {};
  count: CountReceivers = () => 0;
  reportEdge: OnEdge = () => {};
  wakeOutbox = (): void => {};

  deliverCounted(message: BrokerMessage): number {
    this.deliver(message);
    return this.count(message);
  }
}

export interface WorkerSeamsOptions {
  /** What the webhooks of an app are for; undefined: the app is not known now. */
  readonly webhooksOf: (appId: string) => readonly WebhookFilter[] | undefined;
  /** Told of the edges that this worker is to report. */
  readonly onEdge?: OnEdge | undefined;
}

/** What joins a worker to the others of its machine: broker, store and outbox are in the main process. */
export function createWorkerSeams(
  link: CallLink,
  inbox: SeamsInbox,
  { webhooksOf, onEdge }: WorkerSeamsOptions,
): Seams {
  const host = remote<HostMethods, typeof HOST_CALLS>(link, HOST_CALLS);
  if (onEdge) {
    inbox.reportEdge = onEdge;
    host.listenToEdges();
  }
  const toldWebhooks = new Map<string, readonly WebhookFilter[]>();
  /** The main process does not know the apps, and carries calls out in their order. */
  const tellWebhooks = (appId: string): void => {
    const webhooks = webhooksOf(appId);
    const told = toldWebhooks.get(appId);
    if (!webhooks || webhooks === told || (!told && webhooks.length === 0)) return;
    toldWebhooks.set(appId, webhooks);
    host.noteWebhooks(appId, webhooks.map(filterOf));
  };
  const withWebhooks =
    <A extends readonly [appId: string, ...unknown[]], R>(call: (...args: A) => R) =>
    (...args: A): R => {
      tellWebhooks(args[0]);
      return call(...args);
    };
  const store: ChannelStore = {
    ...host,
    occupy: withWebhooks(host.occupy),
    setSubscriptionCount: withWebhooks(host.setSubscriptionCount),
    announceSubscriptionCount: withWebhooks(host.announceSubscriptionCount),
    join: withWebhooks(host.join),
    leave: withWebhooks(host.leave),
    signIn: withWebhooks(host.signIn),
    signOut: withWebhooks(host.signOut),
    close: () => {},
  };
  const remoteOutbox = remote<OutboxMethods, typeof OUTBOX_CALLS>(link, OUTBOX_CALLS);
  const outbox: Outbox = {
    ...remoteOutbox,
    work(wake) {
      inbox.wakeOutbox = wake;
      remoteOutbox.work();
    },
    release() {
      inbox.wakeOutbox = () => {};
      return remoteOutbox.release();
    },
    deadLetterCounts: async (appId) => new Map(await remoteOutbox.deadLetterCounts(appId)),
    close: () => {},
  };
  const broker: Broker = {
    ...host,
    answersMayOvertake: false,
    lingerMs: 0,
    listen(deliver, count = () => 0) {
      inbox.deliver = deliver;
      inbox.count = count;
    },
    /**
     * A published message is with the system before the publisher is answered, so that it arrives even if this worker dies then; the host
     * reads it before it takes the worker for dead.
     */
    publish(message) {
      if (message.keepSeconds !== undefined || message.keepNamed) return host.publishKept(message);
      host.publish(message);
      return link.departed();
    },
    close: () => {},
  };
  return {
    broker,
    store,
    outbox,
    problem: () => undefined,
    start: async () => {},
    appChanged: tellWebhooks,
    stop: async () => {},
  };
}

function filterOf({ eventTypes, startsWith, endsWith }: WebhookFilter): WebhookFilter {
  return { eventTypes, startsWith, endsWith };
}
