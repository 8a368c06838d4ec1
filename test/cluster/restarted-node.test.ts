import { afterEach, beforeEach, expect, test } from 'vitest';
import { untilEqual } from '../support/until.ts';
import { Cluster } from './cluster.ts';
import { MemberWatcher } from './member-watcher.ts';

const ROOM = 'presence-room';
const SWEPT = 'another node was lost';

let cluster: Cluster;
beforeEach(async () => {
  // Longer than a process takes to start on a busy machine: here it must be back before the others notice that it was gone.
  cluster = await Cluster.start({ settings: { 'adapter.nodeTimeoutSeconds': 12 } });
});
afterEach(() => cluster.stop());

async function enter(node: number, userId: string): Promise<MemberWatcher> {
  return MemberWatcher.entered(await cluster.node(node).connect(), ROOM, userId);
}

test('a node that is started again is a new one: nothing of the former is taken for its own', async () => {
  const ann = await enter(0, 'ann');
  await enter(2, 'bob');
  await cluster.node(2).broker.kill();
  await cluster.node(2).restart();
  const bob = await enter(2, 'bob');
  await enter(2, 'cid');
  await Promise.race(cluster.nodes.map(({ broker }) => broker.logged(SWEPT)));
  for (const node of cluster.nodes) await untilEqual(() => node.users(ROOM), ['ann', 'bob', 'cid']);
  for (const watcher of [ann, bob]) {
    await watcher.flush();
    expect(watcher.roster).toEqual(['ann', 'bob', 'cid']);
    expect(watcher.contradictions).toEqual([]);
  }
  // He never left: his new page was there before the former was noticed to be gone.
  expect(ann.changes).toEqual(['+bob', '+cid']);
});
