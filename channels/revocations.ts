import { ChannelPattern } from '../auth/channel-pattern.ts';
import type { Grant } from '../auth/grant.ts';
import { isJsonObject } from '../protocol/json.ts';
import type { Clock } from './clock.ts';

/** How long a revocation is remembered, in milliseconds: tokens should not live longer than that. */
export const REVOCATION_MEMORY_MS = 86_400_000;

/** Who is taken out of channels. */
export type RevocationTarget =
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'socket'; readonly socketId: string }
  | { readonly kind: 'everyone' };

/** Takes back what was allowed up to a moment: what is signed or issued later counts again. */
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

/** Who wants to be, or is, in a channel, and by what right. */
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
  readonly pattern: ChannelPattern;
  /** The last connection of this node at that time. */
  readonly serial: number;
}

/** What was revoked within the last day, as this node knows it. */
export class Revocations {
  readonly #clock: Clock;
  /** Those noted first come first. */
  readonly #byId = new Map<string, Entry>();
  /** So that whoever subscribes is looked up, and not everybody that was revoked. */
  readonly #byTarget = new Map<string, Set<Entry>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Nearly always: then nobody needs to be looked up. */
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
    const entry: Entry = { revocation, pattern: new ChannelPattern(revocation.channel), serial };
    this.#byId.set(id, entry);
    const key = targetKey(revocation);
    const entries = this.#byTarget.get(key) ?? new Set();
    this.#byTarget.set(key, entries.add(entry));
    return true;
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
    for (const { revocation, pattern, serial } of this.#byTarget.get(targetKey({ appId, target })) ?? []) {
      if (pattern.matches(channel) && isOlder(claimant, revocation, serial) && this.#counts(revocation)) return true;
    }
    return false;
  }

  /** Clocks of nodes may differ, but no clock is a day ahead: that is garbage. */
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
    const entries = this.#byTarget.get(key);
    entries?.delete(entry);
    if (entries?.size === 0) this.#byTarget.delete(key);
  }
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
