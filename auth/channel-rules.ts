import { channelKindOf } from '../protocol/channel-name.ts';
import { ChannelPattern, claimAt } from './channel-pattern.ts';
import type { Grant } from './grant.ts';

/** A group of those who may do something. */
export type Audience =
  /** Everybody who is connected; on private and presence channels, and for publishing over HTTP, everybody with a token. */
  | { readonly kind: 'anyone' }
  /** Everybody who is connected, on public channels; on private and presence channels only what the application signs. */
  | { readonly kind: 'public' }
  /** Only what the application signs, which is always allowed. */
  | { readonly kind: 'application' }
  /** Everybody with a valid token. */
  | { readonly kind: 'token' }
  /** Everybody with a token that matches all of this. */
  | {
      readonly kind: 'holder';
      /** One of these; undefined: any, or none. */
      readonly roles: readonly string[] | undefined;
      /** The claims in the rule's name have the values in the channel's name. */
      readonly isOwn: boolean;
    };

/** Who may do what in the channels whose names match. One matching entry per list is enough. */
export interface ChannelRule {
  readonly pattern: ChannelPattern;
  readonly subscribe: readonly Audience[];
  readonly clientEvents: readonly Audience[];
  readonly publish: readonly Audience[];
}

/** Where no rule matches. */
const DEFAULT: ChannelRule = {
  pattern: new ChannelPattern('*'),
  subscribe: [{ kind: 'public' }],
  clientEvents: [{ kind: 'anyone' }],
  publish: [{ kind: 'application' }],
};

/** The first rule that matches a channel, or the default. */
export function ruleFor(rules: readonly ChannelRule[], channel: string): ChannelRule {
  return rules.find(({ pattern }) => pattern.matches(channel)) ?? DEFAULT;
}

/** Whether everybody may, with or without a token. */
export function isForAnyone(audiences: readonly Audience[], channel: string): boolean {
  return audiences.some(({ kind }) => kind === 'anyone' || (kind === 'public' && isPublic(channel)));
}

function isPublic(channel: string): boolean {
  const { isPrivate, isPresence } = channelKindOf(channel);
  return !isPrivate && !isPresence;
}

/** What rules are about; each is a list of a `ChannelRule`. */
export type ChannelAction = 'subscribe' | 'clientEvents' | 'publish';

const WORDS: Readonly<Record<ChannelAction, string>> = {
  subscribe: 'subscribe to',
  clientEvents: 'send client events on',
  publish: 'publish on',
};

/**
 * Whether the holder of a token may do something on a channel: all who ask, ask here.
 *
 * @returns why not, for people: who may, and what the token says instead; undefined: the holder may
 */
export function grantRefusal(
  rules: readonly ChannelRule[],
  action: ChannelAction,
  channel: string,
  grant: Grant,
): string | undefined {
  const rule = ruleFor(rules, channel);
  if (rule[action].some((audience) => isIn(audience, rule, channel, grant))) return undefined;
  return `Not allowed to ${WORDS[action]} ${channel}: ${reasonOf(rule[action], rule, channel, grant)}`;
}

function isIn(audience: Audience, { pattern }: ChannelRule, channel: string, grant: Grant): boolean {
  switch (audience.kind) {
    case 'anyone':
    case 'token':
      return true;
    case 'public':
      return isPublic(channel);
    case 'application':
      return false;
    case 'holder': {
      const hasRole = audience.roles === undefined || audience.roles.some((role) => grant.roles.includes(role));
      return hasRole && (!audience.isOwn || pattern.matchesFor(channel, grant.claims));
    }
  }
}

function reasonOf(audiences: readonly Audience[], { pattern }: ChannelRule, channel: string, grant: Grant): string {
  const allowed = audiences.flatMap((audience) => {
    if (audience.kind !== 'holder') return [];
    const conditions = [
      ...(audience.roles === undefined ? [] : [`the role ${audience.roles.join(' or ')}`]),
      ...(audience.isOwn ? [`${pattern.claims.join(' and ')} as in ${pattern.text}`] : []),
    ];
    return [conditions.join(' and ')];
  });
  if (allowed.length === 0) {
    return `no rule of the app opens ${channel} to tokens (app option channels); only the application's signature does`;
  }
  const takesRoles = audiences.some((audience) => audience.kind === 'holder' && audience.roles !== undefined);
  if (!takesRoles) return `it takes ${allowed.join(', or ')}; the token says otherwise`;
  const roles = grant.roles.length === 0 ? 'no role' : `the role ${grant.roles.slice(0, 10).join(', ')}`;
  return `it takes ${allowed.join(', or ')}; the token has ${roles}`;
}

/** The part of a grant that is still needed once it opened a channel. */
export function keptGrant(grant: Grant, { pattern }: ChannelRule): Grant {
  return withClaims(grant, pattern.claims);
}

/** The part of a grant that is still needed after a sign-in, for every channel that the rules may open to it. */
export function keptOfUser(grant: Grant, rules: readonly ChannelRule[]): Grant {
  return withClaims(
    grant,
    rules.flatMap(({ pattern }) => pattern.claims),
  );
}

function withClaims(grant: Grant, names: readonly string[]): Grant {
  const claims = Object.fromEntries(names.map((name) => [name, claimAt(grant.claims, name)]));
  return { ...grant, claims, userInfoJson: undefined, watchlist: [] };
}
