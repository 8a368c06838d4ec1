import { grantRefusal } from '../../auth/channel-rules.ts';
import type { Grant } from '../../auth/grant.ts';
import type { App } from '../../channels/app.ts';
import type { Node } from '../../channels/node.ts';
import { channelKindOf } from '../../protocol/channel-name.ts';
import { ApiError } from '../../protocol/errors.ts';
import { quote } from '../../protocol/json.ts';
import type { Trigger } from '../../protocol/trigger.ts';

/** Names of events that only the server itself sends: clients take them for its word. */
const RESERVED = /^pusher(?:_internal)?:/;

/**
 * Checks that the holder of a token may publish all of these events.
 *
 * @throws {ApiError} 403
 */
export function checkMayPublish(node: Node, app: App, grant: Grant, triggers: readonly Trigger[]): void {
  for (const { name, channels } of triggers) {
    if (RESERVED.test(name)) {
      const message = `Events named pusher:… and pusher_internal:… are the server's own, and ${quote(name, 60)} can't be published with a token: choose another name`;
      throw new ApiError('reserved-event', 403, message);
    }
    for (const channel of channels) checkChannel(node, app, grant, channel);
  }
}

function checkChannel(node: Node, app: App, grant: Grant, channel: string): void {
  if (channelKindOf(channel).isUser) {
    throw insufficientScope(`Not allowed to publish on ${channel}: only the application itself sends events to users`);
  }
  const refusal = grantRefusal(app.channelRules, 'publish', channel, grant);
  if (refusal !== undefined) throw insufficientScope(refusal);
  checkNotRevoked(node, app, channel, grant, '');
}

/**
 * Checks that a channel was not taken back from the holder of a token since it was issued.
 *
 * @param socketId - the connection that it is for; '' for none
 * @throws {ApiError} 403
 */
export function checkNotRevoked(node: Node, app: App, channel: string, grant: Grant, socketId: string): void {
  const claimant = { socketId, serial: Number.POSITIVE_INFINITY, grant, userIds: [grant.userId] };
  if (!node.nodesChannel.revocations.isRevoked(app.id, channel, claimant)) return;
  const message = `Access to ${channel} was revoked: signatures and tokens from before are no longer accepted. Get a fresh token`;
  throw new ApiError('access-revoked', 403, message);
}

/** @param message - who may, and what the token says instead */
export function insufficientScope(message: string): ApiError {
  return new ApiError('not-allowed', 403, message, undefined, {
    'WWW-Authenticate': 'Bearer error="insufficient_scope"',
  });
}
