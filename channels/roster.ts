import { encodeMemberAdded, encodeMemberRemoved, type WireMember } from '../protocol/server-message.ts';
import type { MemberChange } from './broker.ts';
import type { LocalChannel } from './local-channel.ts';
import type { Node } from './node.ts';

interface Noted {
  readonly change: MemberChange;
  readonly position: number | undefined;
}

/**
 * Members of a presence channel as the clients of this node know them. It begins with the answer to the first join and follows the
 * messages from there on, so that a client's roster and the changes it is sent always fit together.
 */
export class Roster {
  #members: Map<string, WireMember> | undefined;
  /** Changes that came before the first answer. */
  #early: Noted[] = [];

  get size(): number {
    return this.#members?.size ?? 0;
  }

  /** By user id; empty until `begin`. */
  get members(): Iterable<WireMember> {
    return this.#members?.values() ?? [];
  }

  /**
   * Sets the members as of a position, unless they are known already.
   *
   * @param position - undefined where answers and messages come in one order: then all that came before is in the answer
   */
  begin(members: Iterable<WireMember>, position: number | undefined): void {
    if (this.#members) return;
    this.#members = new Map();
    for (const member of members) this.#members.set(member.userId, member);
    for (const noted of this.#early) {
      if (position !== undefined && noted.position !== undefined && noted.position > position)
        this.#apply(noted.change);
    }
    this.#early = [];
  }

  /**
   * Takes up a change. False when there is nothing to tell clients: new data is for those who come later, and after a node announced again
   * what it has, nobody shall see a user come or go twice.
   */
  note(change: MemberChange, position: number | undefined): boolean {
    if (this.#members) return this.#apply(change);
    this.#early.push({ change, position });
    return change.change !== 'updated';
  }

  /** Makes the roster agree with the truth; what clients must be told of it, removals first. */
  correct(truth: Iterable<WireMember>): readonly MemberChange[] {
    const known = this.#members;
    if (!known) return [];
    const actual = new Map<string, WireMember>();
    for (const member of truth) actual.set(member.userId, member);
    const changes: MemberChange[] = [];
    for (const member of known.values()) if (!actual.has(member.userId)) changes.push({ change: 'removed', member });
    for (const member of actual.values()) {
      if (known.has(member.userId)) known.set(member.userId, member);
      else changes.push({ change: 'added', member });
    }
    for (const change of changes) this.#apply(change);
    return changes;
  }

  #apply({ change, member }: MemberChange): boolean {
    const members = this.#members;
    if (!members) return false;
    if (change === 'removed') return members.delete(member.userId);
    const isKnown = members.has(member.userId);
    if (isKnown === (change === 'updated')) members.set(member.userId, member);
    return change === 'added' && !isKnown;
  }
}

/** In a channel where members come and go all the time, some attempt falls between two changes. */
const MAX_CORRECTIONS = 10;

/** Makes what the clients of this node know of a channel's members agree with the store, and tells them the difference. */
export async function correctRoster(node: Node, channel: LocalChannel): Promise<void> {
  const { app, name, roster, topic } = channel;
  for (let attempt = 0; attempt < MAX_CORRECTIONS && roster && node.channels.get(topic) === channel; attempt += 1) {
    const { members, position } = await node.store.members(app.id, name);
    // Without a position the answer is a node's own knowledge, given while the store is away.
    if (position === undefined && node.broker.answersMayOvertake) return;
    if (position !== undefined) await channel.reached(position);
    // Messages that came meanwhile know more than the answer: ask again.
    if (position !== undefined && channel.position > position) continue;
    for (const { change, member } of roster.correct(members)) {
      const frame = change === 'added' ? encodeMemberAdded(name, member) : encodeMemberRemoved(name, member);
      node.coalescer.publish(channel, { frame, member: { change, member } }, undefined);
    }
    return;
  }
}
