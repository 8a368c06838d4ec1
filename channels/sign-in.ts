import { verifyUserAuth } from '../auth/client-signature.ts';
import { ERROR_CODES } from '../protocol/close-codes.ts';
import { PusherError } from '../protocol/errors.ts';
import { MemberDataError, parseUserData, type UserData } from '../protocol/member-data.ts';
import {
  encodeError,
  encodeSigninSuccess,
  encodeWatchlistEvents,
  type WatchlistEvent,
} from '../protocol/server-message.ts';
import { authorizeConnection } from './connect.ts';
import type { Connection, SignedInUser } from './connection.ts';
import { controlChannelName, type LocalChannel, watchChannelName } from './local-channel.ts';
import { after, afterAll, lastly, type MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';

export interface SignInRequest {
  readonly auth: string;
  readonly userData: string;
}

/**
 * `pusher:signin`: from now on the connection belongs to a user, who can be sent events and be disconnected.
 * The same user may sign in again with other data; another user needs another connection.
 *
 * @throws {PusherError} wrong signature, unusable user data, or signed in as somebody else
 * @see Pusher, "User authentication"
 */
export function signIn(node: Node, connection: Connection, request: SignInRequest): MaybePromise<void> {
  const { app, socketId } = connection;
  verifyUserAuth(app.keys, socketId, request.auth, request.userData);
  const user = parseUser(request.userData);
  const former = connection.user;
  if (former && former.id !== user.id) {
    throw new PusherError(
      'signed-in-already',
      `Already signed in as ${former.id}: open a new connection to sign in as ${user.id}`,
    );
  }
  const watched = app.enableWatchlistEvents ? user.watchlist.slice(0, node.options.maxWatchlistSize) : [];
  return after(authorizeConnection(node, connection), () =>
    after(openUserChannels(node, connection, user, watched), (channels) =>
      lastly(
        () =>
          after(storeSignIn(node, connection, user), () => {
            if (connection.isClosed) return signOut(node, connection, user.id);
            enterUserChannels(node, connection, user, channels);
            connection.transport.send(encodeSigninSuccess(request.userData));
            if (app.enableWatchlistEvents && user.watchlist.length > watched.length) {
              sendWatchlistLimit(node, connection);
            }
            return sendWatchlist(node, connection, watched);
          }),
        () => releaseAll(node, channels),
      ),
    ),
  );
}

function storeSignIn(node: Node, connection: Connection, { id }: UserData): MaybePromise<void> {
  const { app, socketId, user } = connection;
  const asked = node.store.signIn(app.id, id, socketId, app.enableWatchlistEvents);
  if (asked instanceof Promise && !user) {
    // The store may have done what it could not answer.
    asked.catch(() => node.settle(signOut(node, connection, id), 'undoing a sign-in'));
  }
  return asked;
}

/** Signs a connection's user out; those who watch the user hear of it when it was the last connection. */
export function leaveUser(node: Node, connection: Connection, user: SignedInUser): MaybePromise<void> {
  connection.user = undefined;
  for (const channel of [user.control, ...user.watching]) node.leave(connection, channel);
  return signOut(node, connection, user.id);
}

/** Ends every connection on all nodes that signed in as a user. The control channel's message is the reason's text. */
export function terminateUser(node: Node, appId: string, userId: string): MaybePromise<void> {
  const frame = 'Connection is unauthorized: the application ended all connections of this user';
  return node.broker.publish({ appId, channel: controlChannelName(userId), frame });
}

function parseUser(userData: string): UserData {
  try {
    return parseUserData(userData);
  } catch (error) {
    if (!(error instanceof MemberDataError)) throw error;
    throw new PusherError('invalid-user-data', error.message);
  }
}

/** The control channel first, then one for each watched user. */
function openUserChannels(
  node: Node,
  { app }: Connection,
  user: UserData,
  watched: readonly string[],
): MaybePromise<readonly LocalChannel[]> {
  const opened = [
    node.open(app, controlChannelName(user.id), 'control'),
    ...watched.map((id) => node.open(app, watchChannelName(id), 'watch')),
  ];
  const all = afterAll(opened);
  if (!(all instanceof Promise)) return all;
  return all.catch(async (error: unknown) => {
    for (const result of await Promise.allSettled(opened)) {
      if (result.status === 'fulfilled') node.release(result.value);
    }
    throw error;
  });
}

function enterUserChannels(
  node: Node,
  connection: Connection,
  user: UserData,
  [control, ...watching]: readonly LocalChannel[],
): void {
  if (!control) return;
  const kept = new Set([control, ...watching]);
  const former = connection.user;
  for (const channel of kept) node.enter(connection, channel);
  for (const channel of former?.watching ?? []) {
    if (!kept.has(channel)) node.leave(connection, channel);
  }
  connection.user = { id: user.id, userInfoJson: user.userInfoJson, watching, control };
}

function releaseAll(node: Node, channels: readonly LocalChannel[]): void {
  for (const channel of channels) node.release(channel);
}

function signOut(node: Node, { app, socketId }: Connection, userId: string): MaybePromise<void> {
  return node.store.signOut(app.id, userId, socketId, app.enableWatchlistEvents);
}

/** Tells a connection who of its watchlist is there now. */
function sendWatchlist(node: Node, connection: Connection, watched: readonly string[]): MaybePromise<void> {
  if (watched.length === 0) return;
  return after(node.store.online(connection.app.id, watched), (online) => {
    const events: WatchlistEvent[] = [
      { name: 'online', userIds: watched.filter((id) => online.has(id)) },
      { name: 'offline', userIds: watched.filter((id) => !online.has(id)) },
    ];
    const known = events.filter(({ userIds }) => userIds.length > 0);
    if (!connection.isClosed) connection.transport.send(encodeWatchlistEvents(known));
  });
}

function sendWatchlistLimit(node: Node, connection: Connection): void {
  const text = `Watchlist limit exceeded. Only the first ${node.options.maxWatchlistSize} user IDs are accepted.`;
  const error = new PusherError('watchlist-limit', text, ERROR_CODES.watchlistLimit);
  node.observer.refused(connection.socketId, connection.app, error);
  connection.transport.send(encodeError(error.code, error.message));
}
