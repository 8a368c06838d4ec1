/**
 * Frames that the broker sends. Each is one JSON object with `event`, `data` and, for channel events only, `channel`.
 * `data` is a JSON *string* everywhere but in `pusher:error`, where clients need an object.
 */

export const PONG_FRAME = '{"event":"pusher:pong","data":"{}"}';
export const PING_FRAME = '{"event":"pusher:ping","data":"{}"}';

/** @param activityTimeoutSeconds - silence after which the client pings; a positive integer */
export function encodeConnectionEstablished(socketId: string, activityTimeoutSeconds: number): string {
  const data = `{"socket_id":"${socketId}","activity_timeout":${activityTimeoutSeconds}}`;
  return `{"event":"pusher:connection_established","data":${JSON.stringify(data)}}`;
}

/** The one frame whose `data` is an object: Swift and .NET drop an error in any other form. */
export function encodeError(code: number | null, message: string): string {
  return `{"event":"pusher:error","data":{"code":${code},"message":${JSON.stringify(message)}}}`;
}

/**
 * An application's event on several channels: the name and data are encoded once.
 *
 * @param data - the payload as a string, sent as it is
 * @returns writes the frame for one channel
 */
export function eventEncoder(name: string, data: string): (channel: string) => string {
  const head = `{"event":${JSON.stringify(name)},"channel":`;
  const tail = `,"data":${JSON.stringify(data)}}`;
  return (channel) => `${head}${JSON.stringify(channel)}${tail}`;
}

/** @param userId - the sender's id on presence channels; undefined elsewhere, which leaves the key out */
export function encodeClientEvent(event: string, channel: string, data: string, userId: string | undefined): string {
  const user = userId === undefined ? '' : `,"user_id":${JSON.stringify(userId)}`;
  return `{"event":${JSON.stringify(event)},"channel":${JSON.stringify(channel)},"data":${JSON.stringify(data)}${user}}`;
}

function channelFrame(event: string, channel: string, data: string): string {
  return `{"event":"${event}","channel":${JSON.stringify(channel)},"data":${JSON.stringify(data)}}`;
}

export function encodeSubscriptionSucceeded(channel: string): string {
  return channelFrame('pusher_internal:subscription_succeeded', channel, '{}');
}

/** A member of a presence channel, as the frames show it. */
export interface WireMember {
  /** Always a string: key of `hash`, entry of `ids`. */
  readonly userId: string;
  /** `user_id` as JSON text in the type that was signed (`"7"` or `7`); used in member_added and member_removed. */
  readonly userIdJson: string;
  /** `user_info` as the JSON text that was signed, or undefined when the member has none. */
  readonly userInfoJson: string | undefined;
}

export function encodePresenceSucceeded(channel: string, members: Iterable<WireMember>): string {
  const ids: string[] = [];
  const entries: string[] = [];
  for (const member of members) {
    const id = JSON.stringify(member.userId);
    ids.push(id);
    entries.push(`${id}:${member.userInfoJson ?? 'null'}`);
  }
  const data = `{"presence":{"count":${ids.length},"ids":[${ids.join(',')}],"hash":{${entries.join(',')}}}}`;
  return channelFrame('pusher_internal:subscription_succeeded', channel, data);
}

export function encodeMemberAdded(channel: string, member: WireMember): string {
  const info = member.userInfoJson === undefined ? '' : `,"user_info":${member.userInfoJson}`;
  return channelFrame('pusher_internal:member_added', channel, `{"user_id":${member.userIdJson}${info}}`);
}

export function encodeMemberRemoved(channel: string, member: WireMember): string {
  return channelFrame('pusher_internal:member_removed', channel, `{"user_id":${member.userIdJson}}`);
}

export function encodeSubscriptionError(channel: string, type: string, error: string, status: number): string {
  return channelFrame('pusher:subscription_error', channel, JSON.stringify({ type, error, status }));
}

export function encodeSubscriptionCount(channel: string, count: number | string): string {
  return channelFrame('pusher_internal:subscription_count', channel, `{"subscription_count":${count}}`);
}

export function encodeCacheMiss(channel: string): string {
  return channelFrame('pusher:cache_miss', channel, '{}');
}

/** @param userData - the same string that the client sent */
export function encodeSigninSuccess(userData: string): string {
  return `{"event":"pusher:signin_success","data":${JSON.stringify(JSON.stringify({ user_data: userData }))}}`;
}

export interface WatchlistEvent {
  readonly name: 'online' | 'offline';
  readonly userIds: readonly string[];
}

export function encodeWatchlistEvents(events: readonly WatchlistEvent[]): string {
  const data = JSON.stringify({ events: events.map(({ name, userIds }) => ({ name, user_ids: userIds })) });
  return `{"event":"pusher_internal:watchlist_events","data":${JSON.stringify(data)}}`;
}
