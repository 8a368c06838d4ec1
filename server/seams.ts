import type { Broker } from '../channels/broker.ts';
import type { ChannelStore } from '../channels/channel-store.ts';
import type { Clock } from '../channels/clock.ts';
import type { OnEdge } from '../channels/edge.ts';
import { after } from '../channels/maybe-promise.ts';
import { MemoryBroker } from '../channels/memory-broker.ts';
import { MemoryChannelStore } from '../channels/memory-channel-store.ts';
import type { Node } from '../channels/node.ts';
import type { AppDirectory } from './apps/app-directory.ts';
import type { Settings } from './config/index.ts';
import type { Logger } from './log.ts';
import { redisPrefix } from './redis/redis-options.ts';

/** Why something does not work. */
export interface Problem {
  /** For anybody. */
  readonly text: string;
  /** The same with addresses and errors, for operators. */
  readonly detail: string;
}

/** What connects a node to the others, or takes their place. */
export interface Seams {
  readonly broker: Broker;
  readonly store: ChannelStore;
  /** Why the node is not fit to serve because of them, or undefined. */
  problem(): Problem | undefined;
  /** Called once, when the node is made and before it listens. */
  start(node: Node): Promise<void>;
  /** Called last, when the node is closed. */
  stop(): Promise<void>;
}

/**
 * The seams that the settings ask for.
 *
 * @param onEdge - left out where nobody listens, which costs nothing then
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
      return createMemorySeams(clock, onEdge);
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
      });
    }
  }
}

/** A node by itself. */
export function createMemorySeams(clock: Clock, onEdge?: OnEdge): Seams {
  const broker = new MemoryBroker(clock);
  return {
    broker,
    store: new MemoryChannelStore(clock, (message) => broker.publish(message), onEdge),
    problem: () => undefined,
    start: async () => {},
    stop: async () => {},
  };
}
