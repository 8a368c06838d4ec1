import { CLOSE_CODES, Disconnect } from '../protocol/errors.ts';
import { terminationChannelName } from './local-channel.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';

const TERMINATED = new Disconnect(
  'terminated',
  CLOSE_CODES.unauthorized,
  'Connection is unauthorized: the application ended all connections of this user',
);

const RECONNECT = new Disconnect(
  'user-reconnect',
  CLOSE_CODES.reconnect,
  'The application wants this user to be authorized again: reconnect now',
);

/** Ends every connection on all nodes that signed in as a user. Stock clients stay away. */
export function terminateUser(node: Node, appId: string, userId: string): MaybePromise<void> {
  return tell(node, appId, userId, TERMINATED);
}

/** Likewise, but stock clients come back at once, and ask the application anew what they may do. */
export function reconnectUser(node: Node, appId: string, userId: string): MaybePromise<void> {
  return tell(node, appId, userId, RECONNECT);
}

/** Why the connections of a user are to end, from the message on the user's channel. */
export function userEnding(frame: string): Disconnect {
  return frame === RECONNECT.message ? RECONNECT : TERMINATED;
}

/** The message is the text of the reason. */
function tell(node: Node, appId: string, userId: string, { message }: Disconnect): MaybePromise<void> {
  return node.broker.publish({ appId, channel: terminationChannelName(userId), frame: message });
}
