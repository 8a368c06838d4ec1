import { createHash } from 'node:crypto';
import { grantRefusal, keptGrant, keptOfUser, ruleFor } from '../../../auth/channel-rules.ts';
import { signChannelAuth } from '../../../auth/client-signature.ts';
import { encodeChannelData, encodeUserData, type Grant } from '../../../auth/grant.ts';
import { type AppKey, hmacHex } from '../../../auth/hmac.ts';
import type { App } from '../../../channels/app.ts';
import type { Node } from '../../../channels/node.ts';
import { channelKindOf } from '../../../protocol/channel-name.ts';
import { ApiError } from '../../../protocol/errors.ts';
import { checkedChannel } from '../../../protocol/trigger.ts';
import { checkNotRevoked, insufficientScope } from '../token-access.ts';

/** The answer for `pusher:subscribe`. */
export interface ChannelAuthorization {
  readonly auth: string;
  readonly channel_data: string;
  /** Base64 of the key with which the channel's payloads are encrypted; the client keeps it to itself. */
  readonly shared_secret?: string;
}

/** The answer for `pusher:signin`. */
export interface UserAuthentication {
  readonly auth: string;
  readonly user_data: string;
}

/** @throws {ApiError} 400 for a channel that clients enter without an auth endpoint */
export function checkedAuthChannel(app: App, name: string | undefined): string {
  if (name === undefined) {
    const message = 'channel_name is missing: send socket_id and channel_name, as pusher-js and Laravel Echo do';
    throw new ApiError('invalid-channel', 400, message);
  }
  const channel = checkedChannel(name, app.limits);
  const { isPrivate, isPresence, isUser } = channelKindOf(channel);
  if (isPrivate || isPresence) return channel;
  const advice = isUser ? 'sign in as the user' : 'if a rule closes it, sign in, or send the token as auth';
  const message = `${channel} is neither private nor presence, so there is nothing to sign: subscribe without an auth endpoint (${advice})`;
  throw new ApiError('public-channel', 400, message);
}

/**
 * Signs what lets one connection into a private or presence channel until the token ends.
 *
 * @throws {ApiError} 401 or 403: not for the holder of this token
 */
export function authorizeChannel(
  node: Node,
  app: App,
  grant: Grant,
  socketId: string,
  channel: string,
): ChannelAuthorization {
  const { isPresence, isEncrypted } = channelKindOf(channel);
  const refusal = grantRefusal(app.channelRules, 'subscribe', channel, grant);
  if (refusal !== undefined) throw insufficientScope(refusal);
  checkNotRevoked(node, app, channel, grant, socketId);
  if (isPresence && grant.userId === undefined)
    throw withoutUser(app, `${channel} is a presence channel, and the token`);
  const seen = isPresence ? grant : { ...grant, userInfoJson: undefined };
  const channelData = encodeChannelData(seen, keptGrant(grant, ruleFor(app.channelRules, channel)));
  const auth = signChannelAuth(oldestPair(app), socketId, channel, channelData);
  if (!isEncrypted) return { auth, channel_data: channelData };
  return { auth, channel_data: channelData, shared_secret: sharedSecret(app, channel) };
}

/**
 * Signs what makes one connection the user's until the token ends.
 *
 * @throws {ApiError} 401: the token names nobody
 */
export function authenticateUser(app: App, grant: Grant, socketId: string): UserAuthentication {
  if (grant.userId === undefined) throw withoutUser(app, 'The token');
  const userData = encodeUserData(grant, keptOfUser(grant, app.channelRules));
  const { key, secret } = oldestPair(app);
  return { auth: `${key}:${hmacHex(secret, `${socketId}::user::${userData}`)}`, user_data: userData };
}

function withoutUser({ tokens }: App, what: string): ApiError {
  const claim = tokens?.claims.userId ?? 'sub';
  const message = `${what} does not say who its holder is: it has no claim ${claim} (auth.jwt.claims.userId)`;
  return new ApiError('token-without-user', 401, message, undefined, {
    'WWW-Authenticate': 'Bearer error="invalid_token"',
  });
}

/** Every node knows it. */
function oldestPair({ keys: [pair] }: App): AppKey {
  if (!pair) throw new TypeError('an app without a key');
  return pair;
}

/** @see Pusher, "Encrypted channels": SHA-256 of the name and the master key */
function sharedSecret({ id, encryptionMasterKey }: App, channel: string): string {
  if (encryptionMasterKey === undefined) {
    const message = `${channel} is encrypted, and app ${id} has no key to encrypt with: set its auth.encryptionMasterKey, the same as in your backend`;
    throw new ApiError('no-encryption-key', 403, message);
  }
  return createHash('sha256').update(channel).update(encryptionMasterKey).digest('base64');
}
