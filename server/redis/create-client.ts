import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import type { HostAndPort } from './redis-options.ts';

/** A connection to one server. Answers keep the form in which the scripts and their callers expect them. */
export function createClient({ replyMapping: _, ...options }: RedisOptions): Redis {
  return new Redis(options);
}

export function createCluster(nodes: HostAndPort[], { redisOptions = {}, ...options }: ClusterOptions): Cluster {
  const { replyMapping: _, ...ofNode } = redisOptions;
  return new Cluster(nodes, { ...options, redisOptions: ofNode });
}
