import { ChannelPattern } from '../../auth/channel-pattern.ts';
import type { Audience, ChannelRule } from '../../auth/channel-rules.ts';
import type { App } from '../../channels/app.ts';
import { replaceApp } from '../../channels/replace-app.ts';
import { revoke } from '../../channels/revoke.ts';
import { sign, tokenPolicy } from '../support/tokens.ts';
import { createApp, errorFrame, type TestClient, TestNode } from './test-node.ts';

const ANYONE: Audience = { kind: 'anyone' };
export const APPLICATION: Audience = { kind: 'application' };
export const TOKEN: Audience = { kind: 'token' };
export const OWN: Audience = { kind: 'holder', roles: undefined, isOwn: true };

export function holder(...roles: string[]): Audience {
  return { kind: 'holder', roles, isOwn: false };
}

export function rule(
  name: string,
  subscribe: readonly Audience[] = [ANYONE],
  clientEvents: readonly Audience[] = [ANYONE],
): ChannelRule {
  return { pattern: new ChannelPattern(name), subscribe, clientEvents, publish: [APPLICATION] };
}

/** The dashboard of the reverse vending machines. */
export const RVM_RULES = [
  rule('rvm-status'),
  rule('private-admin-dashboard', [holder('super-admin', 'admin', 'operator', 'technician')]),
];

type Parts = NonNullable<ConstructorParameters<typeof TestNode>[0]>;

/** A node whose app takes tokens. */
export class TokenNode extends TestNode {
  /** The application as it is configured now. */
  #app: NonNullable<Parts['app']>;

  constructor(channelRules: readonly ChannelRule[] = [], { app, ...parts }: Parts = {}) {
    const all = { tokens: tokenPolicy(), channelRules, ...app };
    super({ ...parts, app: all });
    this.#app = all;
  }

  get nowSeconds(): number {
    return this.clock.now() / 1000;
  }

  /** A token that was issued now; good for a minute unless it says otherwise. */
  token(claims: object = {}): string {
    return sign({ iat: this.nowSeconds, exp: this.nowSeconds + 60, ...claims });
  }

  revoke(channel: string, target: Parameters<typeof revoke>[1]['target']): void | Promise<void> {
    return revoke(this.node, { appId: this.app.id, channel, target });
  }

  /** Configures the app otherwise. */
  replace(app: NonNullable<Parts['app']>): App {
    this.#app = { ...this.#app, ...app };
    const next = createApp(this.#app);
    replaceApp(this.node, next.id, next);
    return next;
  }

  remove(): void {
    replaceApp(this.node, this.app.id, undefined);
  }
}

/** Subscribes with a token; the frames that come of it at once. */
export function enter(client: TestClient, channel: string, auth?: string, channelData?: string): string[] {
  return client.ask({ event: 'pusher:subscribe', data: { channel, auth, channel_data: channelData } });
}

export function signInWith(client: TestClient, auth: string, userData?: string): string[] {
  return client.ask({ event: 'pusher:signin', data: { auth, user_data: userData } });
}

export function succeeded(channel: string, data: unknown = {}): string {
  return JSON.stringify({ event: 'pusher_internal:subscription_succeeded', channel, data: JSON.stringify(data) });
}

/** A subscription that was ended. */
export function ended(channel: string, status: number, message: string, type = 'AuthError'): string {
  const data = JSON.stringify({ type, error: message, status });
  return JSON.stringify({ event: 'pusher:subscription_error', channel, data });
}

/** A subscription that was refused, in both forms. */
export function refused(channel: string, status: number, message: string, type?: string): string[] {
  return [errorFrame(message), ended(channel, status, message, type)];
}

export function expiredText(channel: string, seconds: number): string {
  const at = new Date(seconds * 1000).toISOString();
  return `Access to ${channel} ended: its token expired at ${at}. Subscribe again with a fresh one`;
}

export function revokedText(channel: string): string {
  return `Access to ${channel} was revoked: signatures and tokens from before are no longer accepted. Use a token that was issued later, or reconnect`;
}

/** The names of the events, without what they say. */
export function eventsOf(frames: readonly string[]): string[] {
  return frames.map((frame) => String(JSON.parse(frame).event).replace(/^pusher(_internal)?:/, ''));
}
