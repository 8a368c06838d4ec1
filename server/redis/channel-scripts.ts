import type { Members, PresenceJoin } from '../../channels/channel-store.ts';
import type { OnEdge } from '../../channels/edge.ts';
import { WANTS } from '../../channels/webhook-wants.ts';
import { channelKindOf } from '../../protocol/channel-name.ts';
import {
  encodeMemberAdded,
  encodeMemberRemoved,
  encodeSubscriptionCount,
  encodeWatchlistEvents,
  type WireMember,
} from '../../protocol/server-message.ts';
import { partitionOf, type RedisKeys } from './keys.ts';
import type { RedisLink } from './redis-link.ts';
import {
  encodeChannelId,
  encodeHeader,
  encodeMemberEntry,
  encodeMemberId,
  encodeUserInfo,
  type MemberEntry,
  type OwnMember,
  parseMember,
} from './wire.ts';

/** Above this many subscribers a channel's count is announced every few seconds only. */
const ANNOUNCE_EACH_UP_TO = 100;
const ANNOUNCE_INTERVAL_MS = 5000;

/** What the scripts that make edges must know of webhooks. */
export interface Telling {
  /** Bits of `WANTS` for a channel of an app, or for '' those of its users; undefined where this node doesn't know the app. */
  readonly wants: (appId: string, channel: string) => number | undefined;
  /** How long `channel_vacated`, `member_removed` and `user_offline` are held back, in milliseconds. */
  readonly graceMs: number;
  /** Something may have been added to the outbox of a partition. */
  readonly added: (partition: number) => void;
}

/** Stands for what is noted in Redis. */
const AS_NOTED = -1;

/** The scripts that change one channel, with their keys, frames and answers. Reports the edges that they find. */
export class ChannelScripts {
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #settleMs: number;
  readonly #telling: Telling;
  readonly #onEdge: OnEdge | undefined;

  /** @param settleMs - how long nodes have to write again what they have after a partition was lost */
  constructor(link: RedisLink, keys: RedisKeys, settleMs: number, telling: Telling, onEdge: OnEdge | undefined) {
    this.#link = link;
    this.#keys = keys;
    this.#settleMs = settleMs;
    this.#telling = telling;
    this.#onEdge = onEdge;
  }

  /**
   * @param exceptSocketId - who is not to be told
   * @returns the members, and when the connection arrived, to be said again when it is written again
   */
  async join(
    nodeId: string,
    own: OwnMember,
    member: WireMember,
    maxMembers: number,
    exceptSocketId: string | undefined,
  ): Promise<PresenceJoin & { readonly arrival?: string }> {
    const { appId, channel, userId } = own;
    const told = this.#told(appId, channel, MEMBER_KINDS);
    const answer = await this.#link.commands.run(
      'join',
      [...this.#presenceKeys(nodeId, own), ...told.keys],
      [
        ...this.#presenceArgs(nodeId, own),
        encodeMemberId(member),
        encodeUserInfo(member),
        maxMembers,
        encodeHeader({ exceptSocketId, member: { change: 'added', member } }),
        encodeMemberAdded(channel, member),
        own.arrival ?? '',
        ...told.args,
      ],
    );
    const [edge, position, arrival = '', ...members] = answer as [number, string?, string?, ...string[]];
    if (edge === -1) return { outcome: 'full' };
    if (edge > 0) told.added();
    if (edge === 2) this.#onEdge?.({ kind: 'channel_occupied', appId, channel });
    if (edge > 0) this.#onEdge?.({ kind: 'member_added', appId, channel, userId });
    return { outcome: 'joined', position: Number(position), members: parseMembers(members), arrival };
  }

  async leave(nodeId: string, entry: MemberEntry): Promise<void> {
    const { appId, channel, userId } = entry;
    const [head, tail] = around((userIdJson) =>
      encodeMemberRemoved(channel, { userId: '', userIdJson, userInfoJson: undefined }),
    );
    const told = this.#told(appId, channel, MEMBER_KINDS);
    const keys = [
      ...this.#presenceKeys(nodeId, entry),
      this.#keys.counts(appId, channel),
      this.#keys.lastEvent(appId, channel),
      ...told.keys,
    ];
    const edge = (await this.#link.commands.run('leave', keys, [
      ...this.#presenceArgs(nodeId, entry),
      head,
      tail,
      ...told.args,
    ])) as number;
    if (edge > 0) this.#onEdge?.({ kind: 'member_removed', appId, channel, userId });
    if (edge === 2) this.#onEdge?.({ kind: 'channel_vacated', appId, channel });
  }

  async members(appId: string, channel: string): Promise<Members> {
    const keys = [this.#keys.position(appId, channel), this.#keys.members(appId, channel)];
    const [position, ...members] = (await this.#link.commands.run('members', keys, [])) as [string, ...string[]];
    return { position: Number(position), members: parseMembers(members) };
  }

  async signIn(nodeId: string, own: OwnMember): Promise<void> {
    const isFirst = await this.#runUserScript('signIn', nodeId, own, own.isAnnounced, 'online');
    if (isFirst) this.#onEdge?.({ kind: 'user_online', appId: own.appId, userId: own.userId });
  }

  async signOut(nodeId: string, entry: MemberEntry, isAnnounced: boolean): Promise<void> {
    const isLast = await this.#runUserScript('signOut', nodeId, entry, isAnnounced, 'offline');
    if (isLast) this.#onEdge?.({ kind: 'user_offline', appId: entry.appId, userId: entry.userId });
  }

  /**
   * @param isDead - the node does not say so itself
   * @returns milliseconds until the sum over all nodes may be announced again (0: it was, or needs not)
   */
  async count(
    nodeId: string,
    appId: string,
    channel: string,
    own: number,
    { isAnnounced, isDead = false }: { readonly isAnnounced: boolean; readonly isDead?: boolean },
  ): Promise<number> {
    const [head, tail] = around((number) => encodeSubscriptionCount(channel, number));
    const partition = partitionOf(appId, channel);
    // Members make the edges of presence channels.
    const { isPresence } = channelKindOf(channel);
    const told = isPresence ? NOTHING_TOLD : this.#told(appId, channel, COUNT_KINDS);
    const keys = [
      this.#keys.position(appId, channel),
      this.#keys.counts(appId, channel),
      this.#keys.announced(appId, channel),
      this.#keys.lastEvent(appId, channel),
      this.#keys.nodeChannels(nodeId, partition),
      this.#keys.channels(appId, partition),
      this.#keys.settled(partition),
      this.#keys.totals(appId, partition),
      ...told.keys,
    ];
    const [sum, againMs, edge, isNews] = (await this.#link.commands.run('count', keys, [
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
      encodeChannelId(appId, channel),
      channel,
      this.#settleMs,
      ...told.args,
    ])) as [number, number, number, number];
    if (edge > 0 || isNews === 1) told.added();
    if (!this.#onEdge) return againMs;
    if (edge !== 0 && !isPresence) {
      this.#onEdge({ kind: edge > 0 ? 'channel_occupied' : 'channel_vacated', appId, channel });
    }
    if (isNews === 1) this.#onEdge({ kind: 'subscription_count', appId, channel, subscriptionCount: sum });
    return againMs;
  }

  /** What a node has in a partition. */
  async recall(
    nodeId: string,
    partition: number,
  ): Promise<{ entries: readonly string[]; channelIds: readonly string[] }> {
    const keys = [
      this.#keys.settled(partition),
      this.#keys.nodeMembers(nodeId, partition),
      this.#keys.nodeChannels(nodeId, partition),
    ];
    const answer = await this.#link.commands.run('recall', keys, [this.#settleMs]);
    const [entries, channelIds] = answer as [string[], string[]];
    return { entries, channelIds };
  }

  /** Counts one more connection of a node unless all nodes together have `max`. */
  async addConnection(nodeId: string, appId: string, max: number): Promise<boolean> {
    return (await this.#link.commands.run('addConnection', [this.#keys.connections(appId)], [nodeId, max])) === 1;
  }

  #presenceKeys(nodeId: string, { appId, channel }: MemberEntry): string[] {
    const partition = partitionOf(appId, channel);
    return [
      this.#keys.position(appId, channel),
      this.#keys.members(appId, channel),
      this.#keys.sockets(appId, channel),
      this.#keys.arrivals(appId, channel),
      this.#keys.nodeMembers(nodeId, partition),
      this.#keys.settled(partition),
      this.#keys.totals(appId, partition),
    ];
  }

  #presenceArgs(nodeId: string, entry: MemberEntry): (string | number)[] {
    const { appId, channel, socketId, userId } = entry;
    return [
      this.#keys.topic(appId, channel),
      socketField(nodeId, socketId, userId),
      userId,
      JSON.stringify(userId),
      this.#link.publishCommand,
      encodeMemberEntry(entry),
      this.#settleMs,
    ];
  }

  /** @returns whether the user is now what the name says, and was not before */
  async #runUserScript(
    script: 'signIn' | 'signOut',
    nodeId: string,
    entry: MemberEntry,
    isAnnounced: boolean,
    name: 'online' | 'offline',
  ): Promise<boolean> {
    const { appId, channel, socketId, userId } = entry;
    const partition = partitionOf(appId, channel);
    const told = this.#told(appId, channel, WANTS.users, userId);
    const keys = [
      this.#keys.position(appId, channel),
      this.#keys.sockets(appId, channel),
      this.#keys.nodeMembers(nodeId, partition),
      this.#keys.settled(partition),
      ...told.keys,
    ];
    const answer = await this.#link.commands.run(script, keys, [
      this.#keys.topic(appId, channel),
      socketField(nodeId, socketId, userId),
      userId,
      encodeMemberEntry(entry),
      this.#settleMs,
      encodeHeader({}),
      encodeWatchlistEvents([{ name, userIds: [userId] }]),
      this.#link.publishCommand,
      isAnnounced ? 1 : 0,
      ...told.args,
    ]);
    if (answer === 1 && name === 'online') told.added();
    return answer === 1;
  }

  /**
   * What a script is given that adds to the outbox: nothing where no webhook wants to know.
   *
   * @param kinds - bits of `WANTS` that the script can tell of
   * @param userId - whose sign-ins the channel is about
   */
  #told(appId: string, channel: string, kinds: number, userId?: string): Told {
    const wants = this.#telling.wants(appId, userId === undefined ? channel : '');
    const bits = wants === undefined ? AS_NOTED : wants & kinds;
    if (bits === 0) return NOTHING_TOLD;
    const partition = partitionOf(appId, channel);
    const fields =
      userId === undefined
        ? `"channel":${JSON.stringify(channel)}`
        : `"channel":"","user_id":${JSON.stringify(userId)}`;
    return {
      keys: [this.#keys.outbox(partition), this.#keys.due(partition), this.#keys.wants(partition)],
      args: [encodeChannelId(appId, channel), fields, bits, Math.round(this.#telling.graceMs * 1000)],
      added: () => this.#telling.added(partition),
    };
  }
}

/** See `openOutbox`. */
interface Told {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  readonly added: () => void;
}

const NOTHING_TOLD: Told = { keys: [], args: [], added: () => {} };
const MEMBER_KINDS = WANTS.occupation | WANTS.members;
const COUNT_KINDS = WANTS.occupation | WANTS.count;

function socketField(nodeId: string, socketId: string, userId: string): string {
  return `${nodeId}/${socketId}/${userId}`;
}

function parseMembers(texts: readonly string[]): WireMember[] {
  return texts.map(parseMember).filter((member) => member !== undefined);
}

/** The parts of a frame before and after a value that a script inserts. A channel's name may contain anything, but comes before the value. */
function around(encode: (value: string) => string): [head: string, tail: string] {
  const mark = '0000000000000000';
  const frame = encode(mark);
  const at = frame.lastIndexOf(mark);
  return [frame.slice(0, at), frame.slice(at + mark.length)];
}
