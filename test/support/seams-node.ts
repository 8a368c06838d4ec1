import { RateLimits } from '../../channels/rate-limits.ts';
import { systemClock } from '../../server/clock.ts';
import type { RedisSeamsNode } from '../../server/redis/redis-seams.ts';

/** What the seams ask of a node, where a test is about the seams alone. */
export function seamsNode(more: Partial<RedisSeamsNode> = {}): RedisSeamsNode {
  return {
    rateLimits: new RateLimits(systemClock),
    missed: () => {},
    skipped: () => {},
    correctRosters: () => {},
    nodesChannel: { revocations: { all: [] }, resync: () => {}, reload: () => {} },
    ...more,
  };
}
