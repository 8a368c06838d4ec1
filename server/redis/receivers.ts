import type { Receivers } from '../../channels/broker.ts';
import { watchChannelName } from '../../channels/local-channel.ts';
import { channelKindOf } from '../../protocol/channel-name.ts';
import type { RedisKeys } from './keys.ts';
import type { NodeLease } from './node-lease.ts';
import { RedisUnavailable } from './redis-commands.ts';
import type { RedisLink } from './redis-link.ts';

/** Who receives a message on other nodes, as these have written it. */
export type ReceiversElsewhere = (
  appId: string,
  channel: string,
  exceptSocketId: string | undefined,
) => Promise<Receivers>;

const NOBODY: Receivers = { connections: 0, nodes: 0 };

/** Reads it from the counts of subscriptions; for channels of users, which have none, from who is signed in. */
export function receiversElsewhere(link: RedisLink, keys: RedisKeys, lease: NodeLease): ReceiversElsewhere {
  const subscriptions = async (appId: string, channel: string): Promise<ReadonlyMap<string, number>> => {
    const counts = await link.commands.do((client) => client.hgetall(keys.counts(appId, channel)));
    return new Map(Object.entries(counts).map(([nodeId, count]) => [nodeId, Number(count)]));
  };
  const signedIn = async (
    appId: string,
    userId: string,
    exceptSocketId: string | undefined,
  ): Promise<ReadonlyMap<string, number>> => {
    const sockets = await link.commands.do((client) => client.hkeys(keys.sockets(appId, watchChannelName(userId))));
    const counts = new Map<string, number>();
    for (const socket of sockets) {
      const [nodeId = '', socketId] = socket.split('/', 2);
      if (socketId !== exceptSocketId) counts.set(nodeId, (counts.get(nodeId) ?? 0) + 1);
    }
    return counts;
  };
  return async (appId, channel, exceptSocketId) => {
    try {
      const { isUser, prefix } = channelKindOf(channel);
      const counting = isUser
        ? signedIn(appId, channel.slice(prefix.length), exceptSocketId)
        : subscriptions(appId, channel);
      const [others, counts] = await Promise.all([lease.otherNodes(), counting]);
      const numbers = others.map((nodeId) => counts.get(nodeId) ?? 0).filter((count) => count > 0);
      return { connections: numbers.reduce((sum, count) => sum + count, 0), nodes: numbers.length };
    } catch (error) {
      // The event is published: that it can't be told to whom is no failure of it.
      if (!(error instanceof RedisUnavailable)) throw error;
      return NOBODY;
    }
  };
}
