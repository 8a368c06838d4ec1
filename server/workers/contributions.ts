interface Member {
  readonly appId: string;
  readonly channel: string;
  readonly socketId: string;
  readonly userId: string;
}

interface SignIn {
  readonly appId: string;
  readonly userId: string;
  readonly socketId: string;
  readonly isAnnounced: boolean;
}

interface Count {
  readonly count: number;
  /** The subscribers were told of this number: their app wants that. */
  readonly isAnnounced: boolean;
}

/** What one worker contributed to the facts over all workers, to be taken out when it dies. */
export class Contributions {
  /** Subscriptions by app and channel. */
  readonly #counts = new Map<string, Map<string, Count>>();
  readonly #members = new Map<string, Member>();
  readonly #signIns = new Map<string, SignIn>();
  readonly #connections = new Map<string, number>();

  get members(): Iterable<Member> {
    return this.#members.values();
  }

  get signIns(): Iterable<SignIn> {
    return this.#signIns.values();
  }

  /** By app. */
  get connections(): Iterable<readonly [appId: string, count: number]> {
    return this.#connections;
  }

  *counts(): Generator<{ readonly appId: string; readonly channel: string; readonly isAnnounced: boolean }> {
    for (const [appId, channels] of this.#counts) {
      for (const [channel, { isAnnounced }] of channels) yield { appId, channel, isAnnounced };
    }
  }

  /** @returns by how much the number grew */
  setCount(appId: string, channel: string, count: number): number {
    let channels = this.#counts.get(appId);
    if (!channels) {
      channels = new Map();
      this.#counts.set(appId, channels);
    }
    const former = channels.get(channel)?.count ?? 0;
    // An app may have ceased to want it: what is announced is said anew with every number.
    if (count > 0) channels.set(channel, { count, isAnnounced: false });
    else channels.delete(channel);
    if (channels.size === 0) this.#counts.delete(appId);
    return count - former;
  }

  /** The channel's subscribers are told their number. */
  announceCount(appId: string, channel: string): void {
    const channels = this.#counts.get(appId);
    const own = channels?.get(channel);
    if (own) channels?.set(channel, { ...own, isAnnounced: true });
  }

  join(appId: string, channel: string, socketId: string, userId: string): void {
    this.#members.set(keyOf(appId, channel, socketId, userId), { appId, channel, socketId, userId });
  }

  leave(appId: string, channel: string, socketId: string, userId: string): void {
    this.#members.delete(keyOf(appId, channel, socketId, userId));
  }

  signIn(appId: string, userId: string, socketId: string, isAnnounced: boolean): void {
    this.#signIns.set(keyOf(appId, userId, socketId), { appId, userId, socketId, isAnnounced });
  }

  signOut(appId: string, userId: string, socketId: string): void {
    this.#signIns.delete(keyOf(appId, userId, socketId));
  }

  addConnections(appId: string, count: number): void {
    this.#connections.set(appId, (this.#connections.get(appId) ?? 0) + count);
  }
}

function keyOf(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}
