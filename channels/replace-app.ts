import { ruleFor } from '../auth/channel-rules.ts';
import { findAppKey } from '../auth/hmac.ts';
import { CLOSE_CODES, Disconnect } from '../protocol/errors.ts';
import { refusalOf } from './admission.ts';
import type { App } from './app.ts';
import type { Connection, Subscription } from './connection.ts';
import { FEED_CHANGED, hasFeed } from './feed.ts';
import type { Node } from './node.ts';
import { endSubscription, keep, rulesChanged } from './unsubscribe.ts';

/**
 * An app has a new configuration, or is gone. Limits, rules and switches apply at once to open
 * connections; what decides who may connect (origins, TLS, the number of connections) applies to new ones.
 */
export function replaceApp(node: Node, id: string, next: App | undefined): void {
  if (next) {
    for (const channel of node.channels.values()) {
      if (channel.app.id !== id) continue;
      // Frames that wait under the old rules must not be overtaken by frames that wait shorter under the new ones.
      node.coalescer.release(channel);
      channel.app = next;
    }
  } else {
    node.rateLimits.forget(id);
  }
  for (const connection of node.arriving.keys()) {
    if (connection.app.id !== id) continue;
    node.arriving.set(connection, endOf(connection, next));
    if (next) connection.app = next;
  }
  for (const connection of [...node.connections.values()]) {
    if (connection.app.id !== id) continue;
    const end = endOf(connection, next);
    if (end) node.end(connection, end);
    else if (next) apply(node, connection, next);
  }
}

function endOf({ appKey }: Connection, next: App | undefined): Disconnect | undefined {
  if (!next) return REMOVED;
  if (!next.enabled) return DISABLED;
  return appKey === '' || findAppKey(next.keys, appKey) ? undefined : RETIRED;
}

function apply(node: Node, connection: Connection, next: App): void {
  connection.app = next;
  for (const subscription of connection.subscriptions.values()) {
    const { name } = subscription.channel;
    const refusal = refusalOf(node, connection, name, subscription);
    if (!refusal) continue;
    // A public channel that was open may take those who are signed in.
    const admission = { grant: connection.user?.grant, member: subscription.member };
    const isAdmitted = !subscription.grant && admission.grant && !refusalOf(node, connection, name, admission);
    if (isAdmitted) keep(node, connection, subscription, admission);
    else endSubscription(node, connection, isUnknown(next, name, subscription) ? rulesChanged(name) : refusal);
  }
  if (connection.reader && !hasFeed(next, connection.reader.feed)) node.end(connection, FEED_CHANGED);
}

/** Whether the rule of a channel asks for a claim of the token that nobody asked for when it was looked at. */
function isUnknown({ channelRules }: App, channel: string, { grant }: Subscription): boolean {
  if (!grant) return false;
  return ruleFor(channelRules, channel).pattern.claims.some((claim) => !Object.hasOwn(grant.claims, claim));
}

const REMOVED = new Disconnect('app-removed', CLOSE_CODES.unknownApp, 'Application does not exist any more');
const DISABLED = new Disconnect('app-disabled', CLOSE_CODES.appDisabled, 'Application disabled');
const RETIRED = new Disconnect(
  'key-retired',
  CLOSE_CODES.unknownApp,
  'The app key of this connection was retired: connect with another key of the app',
);
