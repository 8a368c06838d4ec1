/**
 * Every key and topic that Kulkul uses in Redis. docs/scaling.md lists them for operators.
 *
 * What belongs to one channel carries the same hash tag, `{app/channel}`, so that Redis Cluster keeps it in one slot, where a script
 * can change it in one step and publish about it, and spreads the channels over its masters.
 */
export class RedisKeys {
  readonly #prefix: string;

  /** @param prefix - the operator's, in front of every key and topic; '' for none */
  constructor(prefix: string) {
    this.#prefix = `${prefix}kulkul:`;
  }

  /** Prefix of all that belongs to a channel; also its pub/sub topic. */
  topic(appId: string, channel: string): string {
    return `${this.#prefix}{${appId}/${channel}}`;
  }

  /** Hash: `position` of the channel's last message, and of its last `event`. */
  position(appId: string, channel: string): string {
    return `${this.topic(appId, channel)}:position`;
  }

  /** String `position\nframe`: last event of a cache channel. */
  lastEvent(appId: string, channel: string): string {
    return `${this.topic(appId, channel)}:last`;
  }

  /** Hash user id → `[user id, user_id as JSON, user_info as JSON or null]`: members of a presence channel. */
  members(appId: string, channel: string): string {
    return `${this.topic(appId, channel)}:members`;
  }

  /** Hash `node/socket/user` → user id: connections in a presence channel, or signed in (on the user's watch channel). */
  sockets(appId: string, channel: string): string {
    return `${this.topic(appId, channel)}:sockets`;
  }

  /** Hash user id → number of connections in a presence channel. */
  userSockets(appId: string, channel: string): string {
    return `${this.topic(appId, channel)}:users`;
  }

  /** Hash node → its own number of subscriptions. */
  counts(appId: string, channel: string): string {
    return `${this.topic(appId, channel)}:counts`;
  }

  /** String that expires: a large channel's count was announced a moment ago. */
  announced(appId: string, channel: string): string {
    return `${this.topic(appId, channel)}:announced`;
  }

  /** Sorted set node → milliseconds at which its lease ends. */
  nodes(): string {
    return `${this.#prefix}{nodes}:leases`;
  }

  /** Sorted set node → milliseconds at which the claim to clean up after it ends. */
  dead(): string {
    return `${this.#prefix}{nodes}:dead`;
  }

  /** String: version of what live nodes share, see `LAYOUT`. */
  layout(): string {
    return `${this.#prefix}{nodes}:layout`;
  }

  /** Sorted set JSON `{appId, channel, target}` → milliseconds at which it was revoked. */
  revocations(): string {
    return `${this.#prefix}{nodes}:revocations`;
  }

  /** Hash `app/channel` → number of subscriptions of one node. */
  nodeChannels(nodeId: string): string {
    return `${this.#prefix}{node/${nodeId}}:channels`;
  }

  /** Set of JSON `[app, channel, socket, user]`: presence members and sign-ins that a node answers for. */
  nodeMembers(nodeId: string): string {
    return `${this.#prefix}{node/${nodeId}}:members`;
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
}
