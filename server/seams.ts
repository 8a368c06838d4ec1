import type { Broker } from '../channels/broker.ts';
import type { ChannelStore } from '../channels/channel-store.ts';
import type { Clock } from '../channels/clock.ts';
import type { EdgesOf, OnEdge } from '../channels/edge.ts';
import { after } from '../channels/maybe-promise.ts';
import { MemoryBroker } from '../channels/memory-broker.ts';
import { MemoryChannelStore } from '../channels/memory-channel-store.ts';
import { MemoryOutbox } from '../channels/memory-outbox.ts';
import type { Node } from '../channels/node.ts';
import type { Outbox } from '../channels/outbox.ts';
import type { OutboxJournal } from '../channels/outbox-journal.ts';
import { wantsOf } from '../channels/webhook-wants.ts';
import type { WebhookFilter } from '../protocol/webhook.ts';
import type { AppDirectory } from './apps/app-directory.ts';
import type { Settings } from './config/index.ts';
import type { Logger } from './log.ts';
import { redisPrefix } from './redis/redis-options.ts';
import { FileJournal } from './webhooks/file-journal.ts';

/** Why something does not work. */
export interface Problem {
  /** For anybody. */
  readonly text: string;
  /** The same with addresses and errors, for operators. */
  readonly detail: string;
}

/** What operators want to know of the way to the other nodes. The counts are those of this process. */
export interface SeamsFigures {
  readonly isUp: boolean;
  readonly isWritable: boolean;
  /** How often the connection was lost. */
  readonly losses: number;
  /** Gaps that were found in channels. */
  readonly missed: number;
  /** Dead nodes that this one cleaned up after. */
  readonly sweeps: number;
  /** How often the others considered this node dead. */
  readonly leaseLosses: number;
}

/** What connects a node to the others, or takes their place. */
export interface Seams {
  readonly broker: Broker;
  readonly store: ChannelStore;
  readonly outbox: Outbox;
  /** Why the node is not fit to serve because of them, or undefined. */
  problem(): Problem | undefined;
  /** Called once, when the node is made and before it listens. */
  start(node: Node): Promise<void>;
  /** An app is configured otherwise. Left out: the seams ask when they need to know. */
  appChanged?(id: string): void;
  /** Another process takes over the clients of this node. Left out: the seams outlive both. */
  handOver?(): void;
  /** Sets who hears that something waits in the outbox that nobody may work on. Left out: nothing outlives a node. */
  onWaiting?(found: () => void): void;
  /** How it goes with Redis. Left out: there is none. */
  figures?(): SeamsFigures;
  /** Asks Redis for its time, in milliseconds since 1970. Left out: there is none. */
  readonly time?: () => Promise<number>;
  /** Called last, when the node is closed. */
  stop(): Promise<void>;
}

/**
 * The seams that the settings ask for.
 *
 * @param onEdge - left out where nobody listens, which costs nothing then
 * @throws {JournalError} why the journal of webhooks can't be used
 * @throws {RedisStartError} which part of the connection to Redis does not work, and why
 */
export async function createSeams(
  settings: Settings,
  directory: AppDirectory,
  clock: Clock,
  log: Logger,
  onEdge?: OnEdge,
): Promise<Seams> {
  switch (settings.adapter.driver) {
    case 'local':
      return createMemorySeams(clock, {
        graceMs: settings.webhooks.graceSeconds * 1000,
        journal: createJournal(settings, clock, log),
        webhooksOf: (appId) => directory.known(appId)?.webhooks ?? [],
        onEdge,
      });
    case 'redis': {
      // Loaded on demand: a single broker needs no Redis client.
      const { connectRedis } = await import('./redis/connect-redis.ts');
      const { RedisSeams } = await import('./redis/redis-seams.ts');
      return new RedisSeams(await connectRedis(settings, log), {
        prefix: redisPrefix(settings),
        nodeTimeoutMs: settings.adapter.nodeTimeoutSeconds * 1000,
        isCountAnnounced: (appId) => after(directory.byId(appId), (app) => app?.enableSubscriptionCountEvents === true),
        log,
        onEdge,
        webhooks: {
          graceMs: settings.webhooks.graceSeconds * 1000,
          wants: (appId, channel) => {
            const app = directory.known(appId);
            return app && wantsOf(app.webhooks, channel);
          },
        },
      });
    }
  }
}

export interface MemorySeamsOptions {
  /** How long ends are held back from webhooks, in milliseconds. */
  readonly graceMs?: number;
  /** Left out: what is in the outbox ends with the process. */
  readonly journal?: OutboxJournal | undefined;
  /** Which events the webhooks of an app are for. */
  readonly webhooksOf?: (appId: string) => readonly WebhookFilter[];
  /** Left out where nobody listens. */
  readonly onEdge?: OnEdge | undefined;
}

/** @throws {JournalError} */
export function createJournal({ webhooks }: Settings, clock: Clock, log: Logger): OutboxJournal | undefined {
  return webhooks.journal === '' ? undefined : new FileJournal({ path: webhooks.journal, clock, log });
}

/** A node by itself. */
export function createMemorySeams(
  clock: Clock,
  { graceMs = 0, journal, webhooksOf = () => [], onEdge }: MemorySeamsOptions = {},
): Seams {
  const outbox = new MemoryOutbox(clock, {
    graceMs,
    journal,
    wants: (appId, channel) => wantsOf(webhooksOf(appId), channel),
  });
  const broker = new MemoryBroker(clock, (appId, event) => outbox.append(appId, event));
  const tellBoth: OnEdge = (edge) => {
    outbox.onEdge(edge);
    onEdge?.(edge);
  };
  // Of an app without webhooks nobody is told, and its edges are not made.
  const edgesOf: EdgesOf = (appId) => (webhooksOf(appId).length > 0 ? tellBoth : onEdge);
  return {
    broker,
    store: new MemoryChannelStore(clock, (message) => broker.publish(message), edgesOf),
    outbox,
    problem: () => undefined,
    start: async () => {},
    handOver: () => outbox.handOver(),
    stop: async () => outbox.close(),
  };
}
