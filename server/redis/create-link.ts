import { ClusterLink } from './cluster-link.ts';
import { createClient, createCluster } from './create-client.ts';
import type { RedisLink } from './redis-link.ts';
import {
  clientOptions,
  clusterOptions,
  hasOneServer,
  isRedisCluster,
  nodeOptions,
  type RedisSettings,
  sentinelOptions,
  startupNodes,
} from './redis-options.ts';
import { SentinelWatch } from './sentinel-watch.ts';
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
