import { grantRefusal, isForAnyone, keptGrant, ruleFor } from '../auth/channel-rules.ts';
import { verifyChannelAuth } from '../auth/client-signature.ts';
import { type Grant, grantIn, hasEnded, TokenError } from '../auth/grant.ts';
import { isToken } from '../auth/json-web-token.ts';
import { type ChannelKind, channelKindOf, userChannelName } from '../protocol/channel-name.ts';
import { SubscriptionError } from '../protocol/errors.ts';
import { exceedsBytes } from '../protocol/json.ts';
import { MemberDataError, parseChannelData } from '../protocol/member-data.ts';
import type { WireMember } from '../protocol/server-message.ts';
import type { App } from './app.ts';
import type { Applicant, Subscription } from './connection.ts';
import { after, type MaybePromise, orElse } from './maybe-promise.ts';
import type { Node } from './node.ts';
import { isRevoked } from './revoke.ts';
import { expired, revoked } from './unsubscribe.ts';

export interface SubscribeRequest {
  readonly channel: string;
  /** `KEY:signature`, or a token. */
  readonly auth: string | undefined;
  readonly channelData: string | undefined;
  /** Begin with the last event of the channel, or the last one of this name; unset: of a cache channel. */
  readonly wantsLast?: boolean | string;
}

/** By what right a connection is in a channel, and as whom. */
export type Admission = Pick<Subscription, 'grant' | 'isSigned' | 'member'>;

const OPEN: Admission = { grant: undefined, member: undefined };

/**
 * Decides whether a connection may enter a channel: by a token that the channel's rule admits, by a signature of the application, or because
 * the channel is open. `refusalOf` has to be asked again when it enters.
 *
 * @throws {SubscriptionError} or rejects with it: refused, and why
 */
export function admit(node: Node, applicant: Applicant, request: SubscribeRequest): MaybePromise<Admission> {
  const { auth, channel } = request;
  const kind = channelKindOf(channel);
  // Where the connection may enter anyway, a token makes nothing better, and must not make it worse.
  const isForHolder = auth !== undefined && !kind.isUser && isToken(auth) && !mayEnter(node, applicant, channel);
  if (!isForHolder) return checked(node, applicant, channel, admitWithoutToken(applicant, kind, request));
  return after(verify(node, applicant.app, channel, auth), (grant) =>
    checked(node, applicant, channel, admitHolder(applicant, kind, request, grant)),
  );
}

/** Before anybody hears of a member. Where the channel is open, entering is soon enough. */
function checked(node: Node, applicant: Applicant, channel: string, admission: Admission): Admission {
  const refusal = admission === OPEN ? undefined : refusalOf(node, applicant, channel, admission);
  if (refusal) throw refusal;
  return admission;
}

/**
 * Why a connection may not be in a channel any more that it was admitted to: its token ended, its right was taken back, or the app
 * has other rules now.
 */
export function refusalOf(
  node: Node,
  applicant: Applicant,
  channel: string,
  admission: Admission,
): SubscriptionError | undefined {
  const { grant } = admission;
  if (isRevoked(node, applicant, channel, admission)) return revoked(channel);
  if (hasEnded(grant, node.clock.now())) return expired(channel, grant.expiresAtSeconds);
  const { isPrivate, isPresence, isUser } = channelKindOf(channel);
  if (isUser) return isOwnChannel(applicant, channel) ? undefined : notThisUser(channel);
  // Signatures are the application's own decision.
  if (admission.isSigned || (!grant && (isPrivate || isPresence))) return undefined;
  if (!grant) return isOpenToAnyone(applicant.app, channel) ? undefined : needsToken(channel);
  return notAllowed(applicant.app, channel, grant);
}

function mayEnter(node: Node, applicant: Applicant, channel: string): boolean {
  return isOpenToAnyone(applicant.app, channel) && !isRevoked(node, applicant, channel, OPEN);
}

/** Whether a channel is public, and no rule of the app closes it. */
export function isOpenToAnyone({ channelRules }: App, channel: string): boolean {
  const { isPrivate, isPresence, isUser } = channelKindOf(channel);
  return !isPrivate && !isPresence && !isUser && isForAnyone(ruleFor(channelRules, channel).subscribe, channel);
}

function isOwnChannel({ user }: Applicant, channel: string): boolean {
  return user !== undefined && channel === userChannelName(user.id);
}

function notThisUser(channel: string): SubscriptionError {
  const message = `Not signed in as the user of ${channel}: sign in first, a user can only enter their own channel`;
  return new SubscriptionError('not-this-user', channel, 'AuthError', 401, message);
}

function verify(node: Node, app: App, channel: string, token: string): MaybePromise<Grant> {
  return orElse(
    () => node.tokens.verify(app, token),
    (error) => {
      if (!(error instanceof TokenError)) throw error;
      throw new SubscriptionError(error.id, channel, 'AuthError', error.status, error.message);
    },
  );
}

function admitHolder(
  { app }: Applicant,
  { isPresence }: ChannelKind,
  { channel, channelData }: SubscribeRequest,
  grant: Grant,
): Admission {
  const refusal = notAllowed(app, channel, grant);
  if (refusal) throw refusal;
  const member = isPresence ? memberOfHolder(app, channel, grant, channelData) : undefined;
  return { grant: keptGrant(grant, ruleFor(app.channelRules, channel)), member };
}

function admitWithoutToken(applicant: Applicant, kind: ChannelKind, request: SubscribeRequest): Admission {
  const { app, user } = applicant;
  const { channel, auth, channelData } = request;
  if (kind.isUser) {
    if (isOwnChannel(applicant, channel)) return OPEN;
    throw notThisUser(channel);
  }
  if (kind.isPrivate || kind.isPresence) {
    const grant = verifySigned(applicant, request);
    if (!kind.isPresence) return { grant, member: undefined };
    if (channelData === undefined) {
      // Whoever is in it as the user that signed in is so no longer than that.
      return { grant: user?.grant, member: memberOfUser(applicant, channel), isSigned: true };
    }
    return { grant, member: checkSize(app, channel, parseMember(channel, channelData)) };
  }
  if (isOpenToAnyone(app, channel)) return OPEN;
  if (auth?.includes(':')) {
    return { grant: verifySigned(applicant, request), member: undefined, isSigned: true };
  }
  if (!user?.grant) throw needsToken(channel);
  const refusal = notAllowed(app, channel, user.grant);
  if (refusal) throw refusal;
  return { grant: user.grant, member: undefined };
}

/**
 * Checks the application's signature.
 *
 * @returns what it put into what it signed, which limits how long the signature counts
 */
function verifySigned(
  { app, socketId }: Applicant,
  { channel, auth, channelData }: SubscribeRequest,
): Grant | undefined {
  verifyChannelAuth(app.keys, socketId, channel, auth, channelData);
  return channelData === undefined ? undefined : grantIn(channelData);
}

function needsToken(channel: string): SubscriptionError {
  const message = `${channel} is not open to everyone (app option channels): sign in with a token first, or send one as auth`;
  return new SubscriptionError('token-required', channel, 'AuthError', 401, message);
}

/** Undefined where the rules open the channel to the holder of the token. */
function notAllowed({ channelRules }: App, channel: string, grant: Grant): SubscriptionError | undefined {
  const refusal = grantRefusal(channelRules, 'subscribe', channel, grant);
  return refusal === undefined ? undefined : new SubscriptionError('not-allowed', channel, 'AuthError', 403, refusal);
}

/** Everything comes from the token: `channel_data` is not signed here, and may only repeat the id for the client's own use. */
function memberOfHolder(app: App, channel: string, grant: Grant, channelData: string | undefined): WireMember {
  const { userId, userInfoJson } = grant;
  if (userId === undefined) {
    const claim = app.tokens?.claims.userId ?? 'sub';
    const message = `${channel} is a presence channel, and the token does not say who its holder is: it has no claim ${claim}`;
    throw new SubscriptionError('token-without-user', channel, 'AuthError', 401, message);
  }
  if (channelData !== undefined && parseMember(channel, channelData).userId !== userId) {
    const message = `channel_data for ${channel} names another user than the token: leave it out, or send user_id ${userId}`;
    throw new SubscriptionError('member-mismatch', channel, 'AuthError', 403, message);
  }
  return checkSize(app, channel, { userId, userIdJson: JSON.stringify(userId), userInfoJson });
}

function memberOfUser({ app, user }: Applicant, channel: string): WireMember {
  if (!user) {
    const message = `${channel} is a presence channel and subscription must include channel_data`;
    throw new SubscriptionError('missing-channel-data', channel, 'AuthError', 401, message);
  }
  const { id, userInfoJson } = user;
  return checkSize(app, channel, { userId: id, userIdJson: JSON.stringify(id), userInfoJson });
}

function parseMember(channel: string, channelData: string): WireMember {
  try {
    return parseChannelData(channelData);
  } catch (error) {
    if (!(error instanceof MemberDataError)) throw error;
    throw new SubscriptionError('invalid-channel-data', channel, 'InvalidChannelData', 400, error.message);
  }
}

function checkSize({ limits }: App, channel: string, member: WireMember): WireMember {
  const { userInfoJson } = member;
  if (userInfoJson === undefined || !exceedsBytes(userInfoJson, limits.maxPresenceMemberBytes)) return member;
  const message =
    `user_info of presence member is ${Buffer.byteLength(userInfoJson)} bytes, limit ${limits.maxPresenceMemberBytes} ` +
    '(presence.maxMemberSizeInKb)';
  throw new SubscriptionError('member-too-large', channel, 'LimitReached', 413, message);
}
