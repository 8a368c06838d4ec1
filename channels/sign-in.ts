import { keptOfUser } from '../auth/channel-rules.ts';
import { verifyUserAuth } from '../auth/client-signature.ts';
import { encodeUserData, type Grant, grantIn, hasEnded, TokenError } from '../auth/grant.ts';
import { isToken } from '../auth/json-web-token.ts';
import { userChannelName } from '../protocol/channel-name.ts';
import { ERROR_CODES, PusherError } from '../protocol/errors.ts';
import { MemberDataError, parseUserData, type UserData } from '../protocol/member-data.ts';
import {
  encodeError,
  encodeSigninSuccess,
  encodeWatchlistEvents,
  type WatchlistEvent,
} from '../protocol/server-message.ts';
import { refusalOf } from './admission.ts';
import type { App } from './app.ts';
import { authorizeConnection } from './connect.ts';
import type { Connection, SignedInUser } from './connection.ts';
import { type LocalChannel, terminationChannelName, watchChannelName } from './local-channel.ts';
import { after, afterAll, lastly, type MaybePromise, orElse } from './maybe-promise.ts';
import type { Node } from './node.ts';
import { endSubscription, expired, keep } from './unsubscribe.ts';

export interface SignInRequest {
  /** `KEY:signature`, or a token. */
  readonly auth: string;
  /** What is signed; a token says it by itself. */
  readonly userData: string | undefined;
}

/** Who signs in, and the text that the client is answered with. */
interface Identity {
  readonly user: UserData;
  readonly userData: string;
  /** The token; undefined: a signature of the application. */
  readonly grant: Grant | undefined;
}

/**
 * `pusher:signin`: from now on the connection belongs to a user, who can be sent events and be disconnected.
 * The same user may sign in again with other data; another user needs another connection.
 *
 * @throws {PusherError} wrong signature, unusable user data, or signed in as somebody else
 * @see Pusher, "User authentication"
 */
export function signIn(node: Node, connection: Connection, request: SignInRequest): MaybePromise<void> {
  return after(identify(node, connection, request), (identity) => {
    if (connection.isClosed) return;
    const { user } = identity;
    const former = connection.user;
    if (former && former.id !== user.id) {
      throw new PusherError(
        'signed-in-already',
        `Already signed in as ${former.id}: open a new connection to sign in as ${user.id}`,
      );
    }
    return after(authorizeConnection(node, connection), () => enterAs(node, connection, identity));
  });
}

function enterAs(node: Node, connection: Connection, identity: Identity): MaybePromise<void> {
  if (connection.isClosed) return;
  const { user, grant } = identity;
  const former = connection.user;
  const { enableWatchlistEvents } = connection.app;
  const watched = enableWatchlistEvents ? user.watchlist.slice(0, node.options.maxWatchlistSize) : [];
  return after(openUserChannels(node, connection, user, watched), (channels) =>
    lastly(
      () =>
        after(storeSignIn(node, connection, user), () => {
          if (connection.isClosed) return signOut(node, connection, user.id);
          // The former sign-in ended meanwhile, and for the store this one with it.
          if (connection.user !== former) return enterAs(node, connection, identity);
          if (hasEnded(grant, node.clock.now())) {
            return after(former ? undefined : signOut(node, connection, user.id), () => {
              throw signInExpired(grant.expiresAtSeconds);
            });
          }
          enterUserChannels(node, connection, identity, channels);
          connection.transport.send(encodeSigninSuccess(identity.userData));
          if (enableWatchlistEvents && user.watchlist.length > watched.length) sendWatchlistLimit(node, connection);
          return sendWatchlist(node, connection, watched);
        }),
      () => releaseAll(node, channels),
    ),
  );
}

/** @throws {PusherError} or rejects with it */
function identify(node: Node, connection: Connection, { auth, userData }: SignInRequest): MaybePromise<Identity> {
  const { app, socketId } = connection;
  if (isToken(auth)) return after(verifyToken(node, app, auth), (grant) => identityOf(app, grant, userData));
  if (userData === undefined) {
    throw new PusherError('invalid-message', 'Invalid pusher:signin: "data.user_data" must be a string');
  }
  verifyUserAuth(app.keys, socketId, auth, userData);
  const grant = grantIn(userData);
  if (hasEnded(grant, node.clock.now())) throw signInExpired(grant.expiresAtSeconds);
  return { user: parseUser(userData), userData, grant };
}

function verifyToken(node: Node, app: App, token: string): MaybePromise<Grant> {
  return orElse(
    () => node.tokens.verify(app, token),
    (error) => {
      throw error instanceof TokenError ? new PusherError(error.id, error.message) : error;
    },
  );
}

/** `user_data` beside a token is not signed: it may only repeat the id. */
function identityOf(app: App, grant: Grant, given: string | undefined): Identity {
  const { userId, userInfoJson, watchlist } = grant;
  if (userId === undefined) {
    const claim = app.tokens?.claims.userId ?? 'sub';
    const message = `The token does not say who its holder is: it has no claim ${claim} (auth.jwt.claims.userId)`;
    throw new PusherError('token-without-user', message);
  }
  if (given !== undefined && given !== '' && parseUser(given).id !== userId) {
    throw new PusherError(
      'member-mismatch',
      `user_data names another user than the token: leave it out, or send id ${userId}`,
    );
  }
  const kept = keptOfUser(grant, app.channelRules);
  return { user: { id: userId, userInfoJson, watchlist }, userData: encodeUserData(grant, kept), grant: kept };
}

function signInExpired(expiresAtSeconds: number): PusherError {
  const at = new Date(expiresAtSeconds * 1000).toISOString();
  return new PusherError(
    'sign-in-expired',
    `Sign-in ended: its token expired at ${at}. Sign in again with a fresh one`,
  );
}

/** The token that was signed in with has come to its end: the connection belongs to nobody again. */
function endSignIn(node: Node, connection: Connection, expiresAtSeconds: number): void {
  const { user, transport } = connection;
  if (!user) return;
  const error = signInExpired(expiresAtSeconds);
  node.observer.messageRefused?.({ connection, message: undefined, error });
  transport.send(encodeError(error.code, error.message));
  endSubscription(node, connection, expired(userChannelName(user.id), expiresAtSeconds));
  node.settle(leaveUser(node, connection, user), 'sign-out');
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
  user.cancelExpiry?.();
  for (const channel of [user.termination, ...user.watching]) node.leave(connection, channel);
  node.observer.signedOut?.({ connection, user });
  return signOut(node, connection, user.id);
}

function parseUser(userData: string): UserData {
  try {
    return parseUserData(userData);
  } catch (error) {
    if (!(error instanceof MemberDataError)) throw error;
    throw new PusherError('invalid-user-data', error.message);
  }
}

/** The channel on which the user is terminated first, then one for each watched user. */
function openUserChannels(
  node: Node,
  { app }: Connection,
  user: UserData,
  watched: readonly string[],
): MaybePromise<readonly LocalChannel[]> {
  const opened = [
    node.open(app, terminationChannelName(user.id), 'termination'),
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
  { user, grant }: Identity,
  [termination, ...watching]: readonly LocalChannel[],
): void {
  if (!termination) return;
  const kept = new Set([termination, ...watching]);
  const former = connection.user;
  for (const channel of kept) node.enter(connection, channel);
  for (const channel of former?.watching ?? []) {
    if (!kept.has(channel)) node.leave(connection, channel);
  }
  former?.cancelExpiry?.();
  const end = grant?.expiresAtSeconds;
  const cancelExpiry = end === undefined ? undefined : node.dueTimes.add(end, () => endSignIn(node, connection, end));
  const signedIn = { id: user.id, userInfoJson: user.userInfoJson, watching, termination, grant, cancelExpiry };
  connection.user = signedIn;
  if (!former) node.observer.signedIn?.({ connection, user: signedIn });
  reviewSubscriptions(node, connection, former?.grant);
}

/**
 * What was opened by the former sign-in lasts as long as the new one, if that still opens it; and where access was revoked from the
 * user, it is from the connection now.
 */
function reviewSubscriptions(node: Node, connection: Connection, former: Grant | undefined): void {
  for (const subscription of connection.subscriptions.values()) {
    const { channel, grant, member, isSigned } = subscription;
    const isRenewed = grant !== undefined && grant === former;
    const admission = isRenewed ? { grant: connection.user?.grant, member, isSigned } : subscription;
    const refusal = refusalOf(node, connection, channel.name, admission);
    if (refusal) endSubscription(node, connection, refusal);
    else if (isRenewed) keep(node, connection, subscription, admission);
  }
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
  return after(node.store.online(connection.app.id, watched), (ids) => {
    const online = new Set(ids);
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
  node.observer.messageRefused?.({ connection, message: undefined, error });
  connection.transport.send(encodeError(error.code, error.message));
}
