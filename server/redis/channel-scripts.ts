import type { Members, PresenceJoin } from '../../channels/channel-store.ts';
import {
  encodeMemberAdded,
  encodeMemberRemoved,
  encodeSubscriptionCount,
  encodeWatchlistEvents,
  type WireMember,
} from '../../protocol/server-message.ts';
import type { RedisKeys } from './keys.ts';
import type { MemberEntry, OwnMember } from './node-facts.ts';
import type { RedisLink } from './redis-link.ts';
import { encodeHeader, encodeMember, parseMember } from './wire.ts';

/** Above this many subscribers a channel's count is announced every few seconds only. */
const ANNOUNCE_EACH_UP_TO = 100;
const ANNOUNCE_INTERVAL_MS = 5000;

/** The scripts that change one channel, with their keys, frames and answers. */
export class ChannelScripts {
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;

  constructor(link: RedisLink, keys: RedisKeys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** @param exceptSocketId - who is not to be told */
  async join(
    nodeId: string,
    entry: MemberEntry,
    member: WireMember,
    maxMembers: number,
    exceptSocketId: string | undefined,
  ): Promise<PresenceJoin> {
    const { appId, channel, socketId, userId } = entry;
    const answer = await this.#link.commands.run('join', this.#presenceKeys(appId, channel), [
      this.#keys.topic(appId, channel),
      socketField(nodeId, socketId, userId),
      userId,
      encodeMember(member),
      maxMembers,
      encodeHeader({ exceptSocketId, member: { change: 'added', member } }),
      encodeMemberAdded(channel, member),
      this.#link.publishCommand,
    ]);
    const [first, position, ...members] = answer as [number, string, ...string[]];
    if (first === -1) return { outcome: 'full' };
    return { outcome: 'joined', position: Number(position), members: parseMembers(members) };
  }

  async leave(nodeId: string, { appId, channel, socketId, userId }: MemberEntry): Promise<void> {
    const [head, tail] = around((userIdJson) =>
      encodeMemberRemoved(channel, { userId: '', userIdJson, userInfoJson: undefined }),
    );
    const args = [this.#keys.topic(appId, channel), socketField(nodeId, socketId, userId), userId, head, tail];
    const keys = [
      ...this.#presenceKeys(appId, channel),
      this.#keys.counts(appId, channel),
      this.#keys.lastEvent(appId, channel),
    ];
    await this.#link.commands.run('leave', keys, [...args, this.#link.publishCommand]);
  }

  async members(appId: string, channel: string): Promise<Members> {
    const keys = [this.#keys.position(appId, channel), this.#keys.members(appId, channel)];
    const [position, ...members] = (await this.#link.commands.run('members', keys, [])) as [string, ...string[]];
    return { position: Number(position), members: parseMembers(members) };
  }

  async signIn(nodeId: string, own: OwnMember): Promise<void> {
    await this.#runUserScript('signIn', nodeId, own, own.isAnnounced, 'online');
  }

  async signOut(nodeId: string, entry: MemberEntry, isAnnounced: boolean): Promise<void> {
    await this.#runUserScript('signOut', nodeId, entry, isAnnounced, 'offline');
  }

  /**
   * @param isDead - the node does not say so itself
   * @returns the sum over all nodes, and milliseconds until it may be announced again (0: it was, or needs not)
   */
  async count(
    nodeId: string,
    appId: string,
    channel: string,
    own: number,
    { isAnnounced, isDead = false }: { readonly isAnnounced: boolean; readonly isDead?: boolean },
  ): Promise<{ sum: number; againMs: number }> {
    const [head, tail] = around((number) => encodeSubscriptionCount(channel, number));
    const keys = [
      this.#keys.position(appId, channel),
      this.#keys.counts(appId, channel),
      this.#keys.announced(appId, channel),
      this.#keys.lastEvent(appId, channel),
    ];
    const [sum, againMs] = (await this.#link.commands.run('count', keys, [
      this.#keys.topic(appId, channel),
      nodeId,
      own,
      isAnnounced ? 1 : 0,
      head,
      tail,
      this.#link.publishCommand,
      ANNOUNCE_EACH_UP_TO,
      ANNOUNCE_INTERVAL_MS,
      isDead ? 0 : 1,
    ])) as [number, number];
    return { sum, againMs };
  }

  /** Counts one more connection of a node unless all nodes together have `max`. */
  async addConnection(nodeId: string, appId: string, max: number): Promise<boolean> {
    return (await this.#link.commands.run('addConnection', [this.#keys.connections(appId)], [nodeId, max])) === 1;
  }

  #presenceKeys(appId: string, channel: string): string[] {
    return [
      this.#keys.position(appId, channel),
      this.#keys.members(appId, channel),
      this.#keys.sockets(appId, channel),
      this.#keys.userSockets(appId, channel),
    ];
  }

  async #runUserScript(
    script: 'signIn' | 'signOut',
    nodeId: string,
    { appId, channel, socketId, userId }: MemberEntry,
    isAnnounced: boolean,
    name: 'online' | 'offline',
  ): Promise<void> {
    const keys = [this.#keys.position(appId, channel), this.#keys.sockets(appId, channel)];
    await this.#link.commands.run(script, keys, [
      this.#keys.topic(appId, channel),
      socketField(nodeId, socketId, userId),
      userId,
      encodeHeader({}),
      encodeWatchlistEvents([{ name, userIds: [userId] }]),
      this.#link.publishCommand,
      isAnnounced ? 1 : 0,
    ]);
  }
}

function socketField(nodeId: string, socketId: string, userId: string): string {
  return `${nodeId}/${socketId}/${userId}`;
}

function parseMembers(texts: readonly string[]): WireMember[] {
  return texts.map(parseMember).filter((member) => member !== undefined);
}

/** What stands before and after a value in a frame that a script completes. A channel's name may look like anything, but stands before it. */
function around(encode: (value: string) => string): [head: string, tail: string] {
  const mark = '0000000000000000';
  const frame = encode(mark);
  const at = frame.lastIndexOf(mark);
  return [frame.slice(0, at), frame.slice(at + mark.length)];
}
