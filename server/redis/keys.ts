import { slotOf } from './key-slot.ts';
import { LAYOUT } from './layout.ts';

/** What belongs to channels is spread over so many parts, each in one slot of a Redis Cluster. A change is another layout. */
export const PARTITIONS = 64;
const SLOTS_PER_PARTITION = 16_384 / PARTITIONS;

/** One for each partition: the smallest number whose slot is among the partition's, so that they are spread as evenly as slots are. */
const HASH_TAGS = createHashTags();

/**
 * Every key and topic that Kulkul uses in Redis. docs/scaling.md lists them for operators.
 *
 * What belongs to a channel carries the hash tag of the channel's partition. So Redis Cluster keeps all of a partition in one slot, where a
 * script can change it in one step and publish about it, and spreads the partitions over its masters.
 */
export class RedisKeys {
  /** Of what nodes of all versions understand. */
  readonly #common: string;
  readonly #prefix: string;
  /** Beginning of the keys of the channel that was asked for last: mostly several of them are asked for. */
  #last = { appId: '', channel: '', beginning: '' };

  /** @param prefix - the operator's, in front of every key and topic; '' for none */
  constructor(prefix: string) {
    this.#common = `${prefix}kulkul:`;
    this.#prefix = `${this.#common}${LAYOUT}:`;
  }

  /** Pub/sub topic of a channel. */
  topic(appId: string, channel: string): string {
    return this.#ofChannel('topic', appId, channel);
  }

  /** Hash: `position` of the channel's last message, of its last `event`, and the `count` that subscribers were last told. */
  position(appId: string, channel: string): string {
    return this.#ofChannel('position', appId, channel);
  }

  /** String `position\nframe`: last event of a cache channel. */
  lastEvent(appId: string, channel: string): string {
    return this.#ofChannel('last', appId, channel);
  }

  /** Hash user id → member, see `encodeMember`: members of a presence channel. */
  members(appId: string, channel: string): string {
    return this.#ofChannel('members', appId, channel);
  }

  /**
   * Hash `node/socket/user` → time of arrival in microseconds (16 digits) and `user_info`: connections in a presence channel. On the user's
   * watch channel `node/socket/user` → user id: signed-in connections.
   */
  sockets(appId: string, channel: string): string {
    return this.#ofChannel('sockets', appId, channel);
  }

  /** Sorted set of `user id as JSON, time of arrival, node/socket/user`, parted by tabs, all with score 0: who of a user came first. */
  arrivals(appId: string, channel: string): string {
    return this.#ofChannel('arrivals', appId, channel);
  }

  /** Hash node → its own number of subscriptions. */
  counts(appId: string, channel: string): string {
    return this.#ofChannel('counts', appId, channel);
  }

  /** String that expires: a large channel's count was announced a moment ago. */
  announced(appId: string, channel: string): string {
    return this.#ofChannel('announced', appId, channel);
  }

  /** Hash channel → its subscriptions on all nodes, of an app's occupied channels in a partition. */
  channels(appId: string, partition: number): string {
    return `${this.#ofPartition(partition)}:channels:${appId}`;
  }

  /** Set of `app/channel`: where a node has subscriptions. */
  nodeChannels(nodeId: string, partition: number): string {
    return `${this.#ofPartition(partition)}:node-channels:${nodeId}`;
  }

  /** Set of JSON `[app, channel, socket, user]`: presence members and sign-ins that a node answers for. */
  nodeMembers(nodeId: string, partition: number): string {
    return `${this.#ofPartition(partition)}:node-members:${nodeId}`;
  }

  /**
   * String: milliseconds from which on all that is true of the partition is in it, 0 when it has been for long. Missing when the partition
   * was lost: nodes need a moment to write again what they have, in which nobody can tell what is new.
   */
  settled(partition: number): string {
    return `${this.#ofPartition(partition)}:settled`;
  }

  /** Sorted set node → milliseconds at which its lease ends. Of nodes of all versions. */
  nodes(): string {
    return `${this.#common}{nodes}:leases`;
  }

  /** String: version of what live nodes share, see `LAYOUT`. Of nodes of all versions. */
  layout(): string {
    return `${this.#common}{nodes}:layout`;
  }

  /** Sorted set of `[app, channel, target]` as JSON → milliseconds at which it was revoked. It outlives a change of the layout. */
  revocations(): string {
    return `${this.#common}{nodes}:revocations`;
  }

  /** Sorted set node → milliseconds at which the claim to clean up after it ends. */
  dead(): string {
    return `${this.#prefix}{nodes}:dead`;
  }

  /** Hash node → its connections of an app. */
  connections(appId: string): string {
    return `${this.#prefix}{app/${appId}}:connections`;
  }

  /** Hash: what is left of each rate limit of an app, and `time` in milliseconds of which that is true. */
  rates(appId: string): string {
    return `${this.#prefix}{app/${appId}}:rates`;
  }

  /** Set of the apps of which a node has, or had, connections. */
  nodeApps(nodeId: string): string {
    return `${this.#prefix}{node/${nodeId}}:apps`;
  }

  #ofChannel(what: string, appId: string, channel: string): string {
    let last = this.#last;
    if (last.channel !== channel || last.appId !== appId || last.beginning === '') {
      last = { appId, channel, beginning: this.#ofPartition(partitionOf(appId, channel)) };
      this.#last = last;
    }
    return `${last.beginning}:${what}:${appId}/${channel}`;
  }

  #ofPartition(partition: number): string {
    return `${this.#prefix}{${HASH_TAGS[partition]}}`;
  }
}

/** Number of a channel's partition: its share of the slots has the one that `app/channel` would be in. */
export function partitionOf(appId: string, channel: string): number {
  return Math.floor(slotOf(appId, '/', channel) / SLOTS_PER_PARTITION);
}

function createHashTags(): readonly string[] {
  const tags: string[] = [];
  for (let number = 0, found = 0; found < PARTITIONS; number += 1) {
    const tag = String(number);
    const partition = Math.floor(slotOf(tag) / SLOTS_PER_PARTITION);
    if (tags[partition] !== undefined) continue;
    tags[partition] = tag;
    found += 1;
  }
  return tags;
}
