import { SeamUnavailable } from '../../channels/broker.ts';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import { inTurns } from '../../channels/turns.ts';
import { channelKindOf } from '../../protocol/channel-name.ts';
import { batchesOf } from '../batches.ts';
import type { ChannelScripts } from './channel-scripts.ts';
import { PARTITIONS, type RedisKeys } from './keys.ts';
import type { RedisLink } from './redis-link.ts';
import { parseChannelId, parseMemberEntry } from './wire.ts';

const CHUNK = 100;

/**
 * Takes entries of a node out of presence channels and sign-ins. Whoever does it, and however often: a user's leaving is
 * announced once, by the script that takes the last connection out.
 */
export async function sweepMembers(
  scripts: ChannelScripts,
  nodeId: string,
  entries: readonly string[],
  isAnnounced: boolean,
): Promise<void> {
  for (const batch of batchesOf(entries, CHUNK)) {
    await Promise.all(
      batch.map(async (text) => {
        const entry = parseMemberEntry(text);
        if (entry?.isSignIn) await scripts.signOut(nodeId, entry, isAnnounced);
        else if (entry) await scripts.leave(nodeId, entry);
      }),
    );
  }
}

/** Takes all that a dead node left behind out of Redis. May be interrupted and done again. */
export async function sweepNode(
  link: RedisLink,
  keys: RedisKeys,
  scripts: ChannelScripts,
  nodeId: string,
  isCountAnnounced: (appId: string) => MaybePromise<boolean>,
): Promise<void> {
  const { entries, channelIds } = await recallAll(scripts, nodeId);
  const members = inTurns(entries, (entry) => parseMemberEntry(entry)?.appId ?? '');
  await sweepMembers(scripts, nodeId, members, true);
  const channels = inTurns(channelIds, (id) => parseChannelId(id).appId);
  for (const batch of batchesOf(channels, CHUNK)) {
    await Promise.all(
      batch.map(async (id) => {
        const { appId, channel } = parseChannelId(id);
        const isAnnounced = !channelKindOf(channel).isPresence && (await orFalse(isCountAnnounced, appId));
        await scripts.count(nodeId, appId, channel, 0, { isAnnounced, isDead: true });
      }),
    );
  }
  await link.commands.do(async (client) => {
    for (const appId of await client.smembers(keys.nodeApps(nodeId))) {
      await client.hdel(keys.connections(appId), nodeId);
    }
    await client.del(keys.nodeApps(nodeId));
    await client.zrem(keys.dead(), nodeId);
  });
}

/** What a node has in Redis: entries of `nodeMembers`, and of `nodeChannels`. */
export async function recallAll(
  scripts: ChannelScripts,
  nodeId: string,
): Promise<{ entries: readonly string[]; channelIds: readonly string[] }> {
  const partitions = await Promise.all(
    Array.from({ length: PARTITIONS }, (_, partition) => scripts.recall(nodeId, partition)),
  );
  return {
    entries: partitions.flatMap(({ entries }) => entries),
    channelIds: partitions.flatMap(({ channelIds }) => channelIds),
  };
}

/** The remains of a dead node must go even if the settings of its app are unknown: the next change announces the number. */
async function orFalse(isCountAnnounced: (appId: string) => MaybePromise<boolean>, appId: string): Promise<boolean> {
  try {
    return await isCountAnnounced(appId);
  } catch (error) {
    if (error instanceof SeamUnavailable) return false;
    throw error;
  }
}
