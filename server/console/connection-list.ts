import type { Connection } from '../../channels/connection.ts';
import { topicOf } from '../../channels/local-channel.ts';
import type { Node } from '../../channels/node.ts';
import type { Observer } from '../../channels/observer.ts';
import { endSubscription } from '../../channels/unsubscribe.ts';
import { channelKindOf } from '../../protocol/channel-name.ts';
import { CLOSE_CODES, Disconnect, SubscriptionError } from '../../protocol/errors.ts';
import { kindNameOf } from './channel-pages.ts';
import type { ConnectionDetail, ConnectionRow, LastRefusal } from './contract.ts';

/** Which connections of an app are wanted. JSON, as it goes to each node. */
export interface ConnectionQuery {
  /** The beginning of a socket id. */
  readonly socket?: string | undefined;
  readonly user?: string | undefined;
  readonly channel?: string | undefined;
  /** Only socket ids after this one. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** What a node has of them: the first ones, by socket id. */
export interface ConnectionPart {
  readonly rows: readonly ConnectionRow[];
  /** How many match, whatever `after` and `limit` are. */
  readonly total: number;
}

/** Channels of one connection that are shown. */
const MAX_CHANNELS = 500;

const ENDED_BY_OPERATOR = new Disconnect(
  'ended-by-operator',
  CLOSE_CODES.unauthorized,
  'Connection ended by an operator of this server',
);

/** The connections of this node, as operators see them. */
export class ConnectionList {
  readonly #node: Node;
  readonly #refusals: LastRefusals;

  constructor(node: Node, refusals: LastRefusals) {
    this.#node = node;
    this.#refusals = refusals;
  }

  /** Costs one look at each connection of this node, or of the channel on it. */
  find(appId: string, { socket = '', user, channel, after = '', limit }: ConnectionQuery): ConnectionPart {
    const { connections, channels } = this.#node;
    const there =
      channel === undefined ? connections.values() : (channels.get(topicOf(appId, channel))?.connections ?? []);
    const first = new FirstBySocket(limit);
    let total = 0;
    for (const connection of there) {
      const { app, socketId } = connection;
      if (app.id !== appId || !socketId.startsWith(socket)) continue;
      if (user !== undefined && connection.user?.id !== user) continue;
      total += 1;
      if (socketId > after) first.add(connection);
    }
    return { rows: first.sorted().map((connection) => this.#row(connection)), total };
  }

  /** Null: it is none of this node's. */
  detail(appId: string, socketId: string): ConnectionDetail | null {
    const connection = this.#of(appId, socketId);
    if (!connection) return null;
    const channels = connection.subscriptions.values().slice(0, MAX_CHANNELS);
    return {
      ...this.#row(connection),
      key: connection.appKey,
      lastReceived: this.#timeOf(connection.lastReceivedSeconds),
      channels: channels.map(({ channel: { name }, member }) => ({
        name,
        kind: kindNameOf(channelKindOf(name)),
        user: member?.userId ?? null,
      })),
      lastRefusal: this.#refusals.of(connection),
    };
  }

  /** Whether it was one of this node's. */
  disconnect(appId: string, socketId: string): boolean {
    const connection = this.#of(appId, socketId);
    if (!connection) return false;
    this.#node.end(connection, ENDED_BY_OPERATOR);
    return true;
  }

  /** Whether it was one of this node's, and in the channel. */
  unsubscribe(appId: string, socketId: string, channel: string): boolean {
    const connection = this.#of(appId, socketId);
    if (!connection?.subscriptions.has(channel)) return false;
    const message = `An operator of this server took this connection out of ${channel}. It may subscribe again`;
    endSubscription(
      this.#node,
      connection,
      new SubscriptionError('unsubscribed-by-operator', channel, 'AuthError', 403, message),
    );
    return true;
  }

  #of(appId: string, socketId: string): Connection | undefined {
    const connection = this.#node.connections.get(socketId);
    return connection?.app.id === appId ? connection : undefined;
  }

  #row({ socketId, openedSeconds, origin, user, subscriptions, transport, reader }: Connection): ConnectionRow {
    return {
      socket: socketId,
      node: this.#node.questions.nodeId,
      since: this.#timeOf(openedSeconds),
      origin,
      user: user?.id ?? null,
      subscriptions: subscriptions.size,
      bufferedBytes: transport.bufferedBytes,
      readsFeed: reader !== undefined,
    };
  }

  /** @param seconds - of the node's clock, as a time of the calendar */
  #timeOf(seconds: number): string {
    const { clock } = this.#node;
    const agoMs = Math.max(0, clock.elapsedMs() - seconds * 1000);
    return new Date(clock.now() - agoMs).toISOString();
  }
}

/** The connections with the first socket ids. Of many, few are kept at any time. */
class FirstBySocket {
  readonly #limit: number;
  #kept: Connection[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(connection: Connection): void {
    this.#kept.push(connection);
    if (this.#kept.length >= 2 * this.#limit + 100) this.#kept = this.sorted();
  }

  sorted(): Connection[] {
    return this.#kept.sort((one, other) => (one.socketId < other.socketId ? -1 : 1)).slice(0, this.#limit);
  }
}

/** Of why something was refused. */
const MAX_TEXT_LENGTH = 500;

/** Remembers why each connection was refused something last, as long as it is there. */
export class LastRefusals {
  readonly #refusals = new WeakMap<Connection, LastRefusal>();
  readonly #now: () => number;

  /** @param now - milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
  }

  readonly observer: Observer = {
    messageRefused: ({ connection, message, error: { id, message: reason } }) =>
      this.#note(connection, id, reason, message && 'channel' in message ? message.channel : null),
    subscriptionRefused: ({ connection, error: { id, channel, message } }) =>
      this.#note(connection, id, message, channel),
  };

  of(connection: Connection): LastRefusal | null {
    return this.#refusals.get(connection) ?? null;
  }

  #note(connection: Connection, cause: string, reason: string, channel: string | null): void {
    this.#refusals.set(connection, {
      time: new Date(this.#now()).toISOString(),
      cause,
      reason: reason.slice(0, MAX_TEXT_LENGTH),
      channel: channel?.slice(0, MAX_TEXT_LENGTH) ?? null,
    });
  }
}
