/**
 * Version of what nodes share: keys, scripts, topics, messages. To be raised with any change that a node of the version before would misread;
 * nodes of two versions never use the same Redis and prefix at a time. Fields that are added to a message need no new version: a reader
 * passes over those that it doesn't know.
 */
export const LAYOUT = 3;

/** What belongs to channels is spread over so many parts, each in one slot of a Redis Cluster. A change is another layout. */
export const PARTITIONS = 64;

const SLOTS = 16_384;
const SLOTS_PER_PARTITION = SLOTS / PARTITIONS;
/** x^16 + x^12 + x^5 + 1. */
const POLYNOMIAL = 0x1021;

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
  return crc & 0xffff;
});

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

  /** Hash: `position` of the channel's last message, of its last `event`, the `count` that subscribers were last told, and `named` when events are kept by their names. */
  position(appId: string, channel: string): string {
    return this.#ofChannel('position', appId, channel);
  }

  /** String `position\nframe`: last event of a channel that keeps it, or the last one of a name. */
  lastEvent(appId: string, channel: string, name?: string): string {
    if (name === undefined) return this.#ofChannel('last', appId, channel);
    return `${this.#ofChannel('last-named', appId, channel)}/${name}`;
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

  /** Hash: `subscriptions` in the channels of an app in a partition, and `presenceUsers`, their members. Without what is 0. */
  totals(appId: string, partition: number): string {
    return `${this.#ofPartition(partition)}:totals:${appId}`;
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

  /** Stream: what webhooks are to be told of a partition's channels and users, see `OutboxEntry`. */
  outbox(partition: number): string {
    return `${this.#ofPartition(partition)}:outbox`;
  }

  /** Sorted set: what is held back, by the time in microseconds at which it goes to the outbox. See `outbox-scripts.ts`. */
  due(partition: number): string {
    return `${this.#ofPartition(partition)}:due`;
  }

  /** Hash `app/channel` → bits of `WANTS`: so that whoever cleans up after a node need not know the app. */
  wants(partition: number): string {
    return `${this.#ofPartition(partition)}:wants`;
  }

  /** Hash id in the stream → webhooks that have the entry, parted by spaces. */
  told(partition: number): string {
    return `${this.#ofPartition(partition)}:told`;
  }

  /** String that expires: the node that works on the partition's outbox. */
  worker(partition: number): string {
    return `${this.#ofPartition(partition)}:worker`;
  }

  /** String that expires: webhooks were told of a missed event of the channel a moment ago. */
  missed(appId: string, channel: string): string {
    return this.#ofChannel('missed', appId, channel);
  }

  /** Sorted set of the nodes that work on outboxes → milliseconds at which their claim to a share ends. */
  workers(): string {
    return `${this.#prefix}{nodes}:workers`;
  }

  /** Hash event id → dead letter of a webhook, as JSON. */
  letters(appId: string, webhookId: string): string {
    return `${this.#prefix}{app/${appId}}:letters:${webhookId}`;
  }

  /** Sorted set: ids of the dead letters of a webhook by when they came, in microseconds. */
  letterOrder(appId: string, webhookId: string): string {
    return `${this.#prefix}{app/${appId}}:letter-order:${webhookId}`;
  }

  /** Set of the webhooks of an app that have, or had, dead letters. */
  letterWebhooks(appId: string): string {
    return `${this.#prefix}{app/${appId}}:letter-webhooks`;
  }

  /** Hash `webhook/node` → time in milliseconds, tab, state of a webhook as JSON. */
  webhookStates(appId: string): string {
    return `${this.#prefix}{app/${appId}}:webhook-states`;
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

/**
 * The slot of a key or topic in a Redis Cluster: CRC16 of its hash tag, if it has one, else of all of it.
 *
 * @see Redis Cluster specification, "Key distribution model" and "Hash tags"
 */
export function keySlot(key: string): number {
  return slotOf(hashTag(key));
}

/** The slot of a text without a hash tag, which may come in several parts. */
function slotOf(...parts: readonly string[]): number {
  let crc = 0;
  for (const part of parts) crc = addText(crc, part);
  return crc % SLOTS;
}

function addText(crc: number, text: string): number {
  let sum = crc;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127) return addBytes(crc, Buffer.from(text));
    sum = add(sum, code);
  }
  return sum;
}

function addBytes(crc: number, bytes: Iterable<number>): number {
  let sum = crc;
  for (const byte of bytes) sum = add(sum, byte);
  return sum;
}

function add(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] as number);
}

function hashTag(key: string): string {
  const start = key.indexOf('{');
  const end = start < 0 ? -1 : key.indexOf('}', start + 1);
  return end > start + 1 ? key.slice(start + 1, end) : key;
}
