import { ChannelPattern } from '../auth/channel-pattern.ts';
import type { Grant } from '../auth/grant.ts';
import { isJsonObject } from '../protocol/json.ts';
import type { Clock } from './clock.ts';

/** How long a revocation is remembered, in milliseconds: tokens should not live longer than that. */
export const REVOCATION_MEMORY_MS = 86_400_000;

/** Each takes about 700 bytes on every node; a subscriber is looked up by name and target, whatever their number. */
const MAX_PER_APP = 50_000;
/** Whoever subscribes is held against each that has the same target. */
const MAX_PATTERNS_PER_APP = 1000;

/** Who is taken out of channels. */
export type RevocationTarget =
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'socket'; readonly socketId: string }
  | { readonly kind: 'everyone' };

/** Revokes what was allowed up to a moment: what is signed or issued later is accepted again. */
export interface Revocation {
  readonly appId: string;
  /** A name, or a pattern with `*`. */
  readonly channel: string;
  readonly target: RevocationTarget;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** One revocation for the same channel and target replaces an earlier one: these texts are equal then. */
export function revocationId(revocation: Omit<Revocation, 'atMs'>): string {
  return `${targetKey(revocation)} ${revocation.channel}`;
}

/** Who wants to be, or is, in a channel, and what gives access. */
export interface Claimant {
  readonly socketId: string;
  /** Of the connections of this node, in the order in which they came. */
  readonly serial: number;
  /** Ids under which the connection is known in the channel. */
  readonly userIds: readonly (string | undefined)[];
  /** The token; undefined: a signature, which holds for this one connection and so was made after it. */
  readonly grant: Grant | undefined;
}

interface Entry {
  readonly revocation: Revocation;
  /** The last connection of this node at that time. */
  readonly serial: number;
}

/** What was taken back from one target. */
interface EntriesOfTarget {
  /** By the channel that they name. */
  readonly byName: Map<string, Entry>;
  /** Those that name many. */
  readonly patterns: Map<Entry, ChannelPattern>;
}

/** What was revoked within the last day, as this node knows it. */
export class Revocations {
  readonly #clock: Clock;
  /** Those noted first come first. */
  readonly #byId = new Map<string, Entry>();
  /** So that whoever subscribes is looked up, and not everybody that was revoked. */
  readonly #byTarget = new Map<string, EntriesOfTarget>();
  /** How many an app has. */
  readonly #byApp = new Map<string, { all: number; patterns: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Nearly always true: then nobody needs to be looked up. */
  get isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  /** All that count still. */
  get all(): readonly Revocation[] {
    this.#forgetOld();
    return [...this.#byId.values()].map(({ revocation }) => revocation);
  }

  /**
   * @param serial - the node's last connection
   * @returns whether it is news
   */
  add(revocation: Revocation, serial: number): boolean {
    this.#forgetOld();
    const id = revocationId(revocation);
    const known = this.#byId.get(id);
    if (!this.#counts(revocation) || (known && known.revocation.atMs >= revocation.atMs)) return false;
    if (known) this.#forget(id, known);
    const entry: Entry = { revocation, serial };
    this.#byId.set(id, entry);
    const key = targetKey(revocation);
    const entries: EntriesOfTarget = this.#byTarget.get(key) ?? { byName: new Map(), patterns: new Map() };
    this.#byTarget.set(key, entries);
    if (isPattern(revocation)) entries.patterns.set(entry, new ChannelPattern(revocation.channel));
    else entries.byName.set(revocation.channel, entry);
    this.#count(revocation, 1);
    return true;
  }

  /** Why an app can't have one more, for people; undefined: it can. */
  problemWith(revocation: Omit<Revocation, 'atMs'>): string | undefined {
    this.#forgetOld();
    if (this.#byId.has(revocationId(revocation))) return undefined;
    const { all, patterns } = this.#byApp.get(revocation.appId) ?? { all: 0, patterns: 0 };
    if (all >= MAX_PER_APP) {
      return `${all} revocations of the last day are kept, which is the maximum. Revoke by a pattern, or terminate the user's connections`;
    }
    if (isPattern(revocation) && patterns >= MAX_PATTERNS_PER_APP) {
      return `${patterns} revocations with * of the last day are kept, which is the maximum. Name the channel, or use fewer and wider patterns`;
    }
  }

  /** When the same was revoked last, in milliseconds since 1970. */
  timeOf(revocation: Omit<Revocation, 'atMs'>): number | undefined {
    return this.#byId.get(revocationId(revocation))?.revocation.atMs;
  }

  /** Whether somebody's right to be in a channel was taken back. */
  isRevoked(appId: string, channel: string, claimant: Claimant): boolean {
    const { socketId, userIds } = claimant;
    if (this.#isRevokedFor(EVERYONE, appId, channel, claimant)) return true;
    if (this.#isRevokedFor({ kind: 'socket', socketId }, appId, channel, claimant)) return true;
    return userIds.some(
      (userId) => userId !== undefined && this.#isRevokedFor({ kind: 'user', userId }, appId, channel, claimant),
    );
  }

  #isRevokedFor(target: RevocationTarget, appId: string, channel: string, claimant: Claimant): boolean {
    const entries = this.#byTarget.get(targetKey({ appId, target }));
    if (!entries) return false;
    const named = entries.byName.get(channel);
    if (named && this.#holdsFor(named, claimant)) return true;
    for (const [entry, pattern] of entries.patterns) {
      if (pattern.matches(channel) && this.#holdsFor(entry, claimant)) return true;
    }
    return false;
  }

  #holdsFor({ revocation, serial }: Entry, claimant: Claimant): boolean {
    return isOlder(claimant, revocation, serial) && this.#counts(revocation);
  }

  /** Clocks of nodes may differ, but not by a day: such a time is invalid. */
  #counts({ atMs }: Revocation): boolean {
    return Math.abs(this.#clock.now() - atMs) < REVOCATION_MEMORY_MS;
  }

  /** Mostly they come in the order of their time: one that is not old ends the search. */
  #forgetOld(): void {
    for (const [id, entry] of this.#byId) {
      if (this.#counts(entry.revocation)) return;
      this.#forget(id, entry);
    }
  }

  #forget(id: string, entry: Entry): void {
    this.#byId.delete(id);
    const key = targetKey(entry.revocation);
    this.#count(entry.revocation, -1);
    const entries = this.#byTarget.get(key);
    if (!entries) return;
    if (!entries.patterns.delete(entry)) entries.byName.delete(entry.revocation.channel);
    if (entries.byName.size + entries.patterns.size === 0) this.#byTarget.delete(key);
  }

  #count(revocation: Revocation, change: 1 | -1): void {
    const { all, patterns } = this.#byApp.get(revocation.appId) ?? { all: 0, patterns: 0 };
    const next = { all: all + change, patterns: patterns + (isPattern(revocation) ? change : 0) };
    if (next.all === 0) this.#byApp.delete(revocation.appId);
    else this.#byApp.set(revocation.appId, next);
  }
}

/** Whether it names more channels than one. */
export function isPattern({ channel }: Pick<Revocation, 'channel'>): boolean {
  return channel.includes('*');
}

const EVERYONE = { kind: 'everyone' } as const;

function targetKey({ appId, target }: Pick<Revocation, 'appId' | 'target'>): string {
  const who = target.kind === 'user' ? target.userId : target.kind === 'socket' ? target.socketId : '';
  return JSON.stringify([appId, target.kind, who]);
}

/** Tokens count in seconds: one of the same second may have been issued before. */
function isOlder({ grant, serial }: Claimant, { atMs }: Revocation, lastSerial: number): boolean {
  if (!grant) return serial <= lastSerial;
  return grant.issuedAtSeconds === undefined || grant.issuedAtSeconds <= Math.floor(atMs / 1000);
}

/** Redis holds what anybody put there. */
export function isRevocation(value: unknown): value is Revocation {
  if (!isJsonObject(value) || !isJsonObject(value.target)) return false;
  const { appId, channel, atMs, target } = value;
  if (typeof appId !== 'string' || !Number.isSafeInteger(atMs) || !isRevocationPattern(channel)) return false;
  switch (target.kind) {
    case 'user':
      return typeof target.userId === 'string';
    case 'socket':
      return typeof target.socketId === 'string';
    default:
      return target.kind === 'everyone';
  }
}

/** Whether this can name the channels of a revocation: letters as in channel names, and `*`. */
export function isRevocationPattern(value: unknown): value is string {
  return typeof value === 'string' && /^#?[-a-zA-Z0-9_=@,.;*]+$/.test(value);
}
