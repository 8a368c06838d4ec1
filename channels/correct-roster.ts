import { encodeMemberAdded, encodeMemberRemoved } from '../protocol/server-message.ts';
import type { LocalChannel } from './local-channel.ts';
import type { Node } from './node.ts';

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
