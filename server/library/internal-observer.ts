import type { Edge } from '../../channels/edge.ts';
import type { Observer } from '../../channels/observer.ts';
import type { WireMember } from '../../protocol/server-message.ts';
import type { BrokerObserver, Member } from '../../types/index.d.ts';

/** Has an observer of the library told in plain values. Of what it does not want to know, nothing is made. */
export function internalObserver(observer: BrokerObserver): Observer {
  const { connected, disconnected, subscribed, unsubscribed, subscriptionRefused, signedIn, published, clientEvent } =
    observer;
  return {
    connected:
      connected && (({ connection, visitor: { ip, userAgent } }) => connected({ ...idsOf(connection), ip, userAgent })),
    disconnected:
      disconnected && (({ connection, code, reason }) => disconnected({ ...idsOf(connection), code, reason })),
    subscribed:
      subscribed &&
      (({ connection, channel, member }) =>
        subscribed({ ...idsOf(connection), channel: channel.name, member: member && publicMember(member) })),
    unsubscribed:
      unsubscribed && (({ connection, channel }) => unsubscribed({ ...idsOf(connection), channel: channel.name })),
    subscriptionRefused:
      subscriptionRefused &&
      (({ connection, error }) =>
        subscriptionRefused({
          ...idsOf(connection),
          channel: error.channel,
          status: error.status,
          reason: error.message,
        })),
    signedIn: signedIn && (({ connection, user }) => signedIn({ ...idsOf(connection), userId: user.id })),
    published:
      published &&
      (({ app, event, data, channelNames }) => published({ appId: app.id, channels: [...channelNames], event, data })),
    clientEvent:
      clientEvent &&
      (({ connection, channel, event, data }) =>
        clientEvent({ ...idsOf(connection), channel: channel.name, event, data })),
    edge: edgeObserver(observer),
  };
}

function edgeObserver(observer: BrokerObserver): ((edge: Edge) => void) | undefined {
  const { channelOccupied, channelVacated, memberAdded, memberRemoved } = observer;
  if (!channelOccupied && !channelVacated && !memberAdded && !memberRemoved) return undefined;
  return (edge) => {
    switch (edge.kind) {
      case 'channel_occupied':
        return channelOccupied?.({ appId: edge.appId, channel: edge.channel });
      case 'channel_vacated':
        return channelVacated?.({ appId: edge.appId, channel: edge.channel });
      case 'member_added':
        return memberAdded?.({ appId: edge.appId, channel: edge.channel, userId: edge.userId });
      case 'member_removed':
        return memberRemoved?.({ appId: edge.appId, channel: edge.channel, userId: edge.userId });
    }
  };
}

function idsOf({ app, socketId }: { readonly app: { readonly id: string }; readonly socketId: string }) {
  return { appId: app.id, socketId };
}

function publicMember({ userId, userInfoJson }: WireMember): Member {
  return { userId, userInfo: userInfoJson === undefined ? undefined : JSON.parse(userInfoJson) };
}
