import type { RedisCommands } from './redis-commands.ts';

/**
 * The connections of a node to its Redis, be it one server, behind Sentinel or a cluster.
 * Up means: commands can be sent and all topics are subscribed.
 */
export interface RedisLink {
  readonly commands: RedisCommands;
  /** Sharded on Redis Cluster, where PUBLISH would reach every master. */
  readonly publishCommand: 'PUBLISH' | 'SPUBLISH';
  readonly isUp: boolean;
  /** Why it is not up, for people; undefined when it is. */
  readonly problem: string | undefined;
  whenUp(): Promise<void>;
  subscribe(topic: string): Promise<void>;
  unsubscribe(topic: string): Promise<void>;
  /** Answered after every message that was published before. */
  barrier(): Promise<void>;
  onMessage(handler: (topic: string, payload: string) => void): void;
  /** The connection for commands or one for topics is gone. */
  onLost(handler: () => void): void;
  /** Up again after a loss. */
  onRestored(handler: () => void): void;
  close(): void;
}
