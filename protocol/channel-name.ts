/**
 * What a channel's name says about it. The kind is decided by exact prefix, dash included:
 * `privateer` and `foo-cache-x` are ordinary public channels.
 */
export interface ChannelKind {
  /** Part of the name that makes it this kind, such as `private-cache-`; empty for public channels. */
  readonly prefix: string;
  /** Subscribing needs a signature. */
  readonly isPrivate: boolean;
  readonly isPresence: boolean;
  /** The last event is kept and sent to new subscribers. */
  readonly isCache: boolean;
  /** Payloads are end-to-end encrypted; the broker passes them on unchanged. */
  readonly isEncrypted: boolean;
  /** `#server-to-user-<id>`: open to connections that are signed in as that user. */
  readonly isUser: boolean;
}

function kind(prefix: string, traits: Partial<Omit<ChannelKind, 'prefix'>> = {}): ChannelKind {
  return {
    prefix,
    isPrivate: false,
    isPresence: false,
    isCache: false,
    isEncrypted: false,
    isUser: false,
    ...traits,
  };
}

/** The eight kinds of application channels and the channel of a signed-in user; longer prefixes come first. */
const CHANNEL_KINDS = {
  privateEncryptedCache: kind('private-encrypted-cache-', { isPrivate: true, isEncrypted: true, isCache: true }),
  privateEncrypted: kind('private-encrypted-', { isPrivate: true, isEncrypted: true }),
  privateCache: kind('private-cache-', { isPrivate: true, isCache: true }),
  private: kind('private-', { isPrivate: true }),
  presenceCache: kind('presence-cache-', { isPresence: true, isCache: true }),
  presence: kind('presence-', { isPresence: true }),
  cache: kind('cache-', { isCache: true }),
  user: kind('#server-to-user-', { isUser: true }),
  public: kind(''),
} as const;

const KINDS: readonly ChannelKind[] = Object.values(CHANNEL_KINDS);

/** The kind that a (valid) channel name belongs to. */
export function channelKindOf(name: string): ChannelKind {
  const first = name.charCodeAt(0);
  // Most channels are public; `c`, `p` and `#` are the only letters a prefix begins with.
  if (first !== 0x63 && first !== 0x70 && first !== 0x23) return CHANNEL_KINDS.public;
  for (const candidate of KINDS) {
    if (name.startsWith(candidate.prefix)) return candidate;
  }
  return CHANNEL_KINDS.public;
}

/** Name of the channel that reaches every connection signed in as a user. */
export function userChannelName(userId: string): string {
  return `${CHANNEL_KINDS.user.prefix}${userId}`;
}

const NAME = /^[-a-zA-Z0-9_=@,.;]+$/;
const USER_ID = /^[^\p{Cc}\p{Cs}]+$/u;
/** Longest user id, in UTF-16 units (Pusher, "Presence channels": 128 characters). */
export const MAX_USER_ID_LENGTH = 128;

/** Whether this is a usable user id: 1 to 128 characters, none of them a control character. */
export function isUserId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_USER_ID_LENGTH && USER_ID.test(value);
}

/**
 * What is wrong with a channel name, as the end of a sentence, or undefined for a good one.
 *
 * @param maxLength - longest accepted name in characters, prefix included
 * @see Pusher, "Channels": letters, digits and `-_=@,.;`; `#` only for `#server-to-user-<id>`
 */
export function channelNameProblem(name: string, maxLength: number): string | undefined {
  if (name.length === 0) return 'it is empty';
  if (name.startsWith(CHANNEL_KINDS.user.prefix)) {
    return isUserId(name.slice(CHANNEL_KINDS.user.prefix.length))
      ? undefined
      : `a user id (1 to ${MAX_USER_ID_LENGTH} characters, no control characters) must follow #server-to-user-`;
  }
  if (name.length > maxLength) {
    return `it is ${name.length} characters long, limit ${maxLength} (channelLimits.maxNameLength)`;
  }
  if (name.startsWith('#')) return 'names beginning with # are reserved';
  if (!NAME.test(name)) return 'only letters, digits and - _ = @ , . ; are allowed';
  return undefined;
}
