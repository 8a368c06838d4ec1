import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { ClusterLink } from './cluster-link.ts';
import type { RedisLink } from './redis-link.ts';
import {
  clientOptions,
  clusterOptions,
  type HostAndPort,
  hasOneServer,
  isRedisCluster,
  nodeOptions,
  type RedisSettings,
  sentinelOptions,
  startupNodes,
} from './redis-options.ts';
import { SingleLink } from './single-link.ts';

/**
 * Connects to Redis as configured: one server, the master behind Sentinels, or a cluster. Connects again after every loss,
 * for ever.
 *
 * @throws {RedisStartError} a certificate that can't be read
 */
export function createRedisLink(settings: RedisSettings): RedisLink {
  if (isRedisCluster(settings)) {
    const topicOptions = nodeOptions(settings, 'topics');
    return new ClusterLink(createCluster(startupNodes(settings), clusterOptions(settings)), ({ host, port }) =>
      createClient({ ...topicOptions, host, port }),
    );
  }
  const { sentinels, name } = settings.database.redis;
  return new SingleLink((role) => createClient(clientOptions(settings, role)), {
    isOneServer: hasOneServer(settings),
    watch:
      sentinels.length === 0 ? undefined : (onSwitch) => new SentinelWatch(sentinelOptions(settings), name, onSwitch),
  });
}

/** A connection to one server. Answers keep the form in which the scripts and their callers expect them. */
export function createClient({ replyMapping: _, ...options }: RedisOptions): Redis {
  return new Redis(options);
}

function createCluster(nodes: HostAndPort[], { redisOptions = {}, ...options }: ClusterOptions): Cluster {
  const { replyMapping: _, ...ofNode } = redisOptions;
  return new Cluster(nodes, { ...options, redisOptions: ofNode });
}

/**
 * Listens to Sentinels for a new master. An old master that is only cut off from its Sentinels would be talked to for ever:
 * it does not know that it was replaced.
 */
class SentinelWatch {
  readonly #clients: readonly Redis[];

  /** @param sentinels - how to connect to each */
  constructor(sentinels: readonly RedisOptions[], masterName: string, onSwitch: () => void) {
    this.#clients = sentinels.map((options) => {
      const client = createClient(options);
      // The link itself tells what keeps it from its master.
      client.on('error', () => {});
      client.on('message', (_topic, text) => {
        if (text.startsWith(`${masterName} `)) onSwitch();
      });
      client.subscribe('+switch-master').catch(() => {});
      return client;
    });
  }

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }
}
