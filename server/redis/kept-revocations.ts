import { isRevocation, REVOCATION_MEMORY_MS, type Revocation } from '../../channels/revocations.ts';
import { isJsonObject, parseJson } from '../../protocol/json.ts';
import { batchesOf } from '../batches.ts';
import type { RedisKeys } from './keys.ts';
import type { RedisLink } from './redis-link.ts';

/** Written with one command. */
const CHUNK = 200;

/** What was revoked within the last day, in Redis, for nodes that did not hear of it. */
export class KeptRevocations {
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;

  constructor(link: RedisLink, keys: RedisKeys) {
    this.#link = link;
    this.#keys = keys;
  }

  /** Makes sure that Redis has these, or later ones in their place. */
  async add(revocations: readonly Revocation[]): Promise<void> {
    for (const batch of batchesOf(revocations, CHUNK)) await this.#add(batch);
  }

  async all(): Promise<readonly Revocation[]> {
    const entries = await this.#link.commands.do((client) =>
      client.zrangebyscore(this.#keys.revocations(), `(${endOfMemory()}`, '+inf', 'WITHSCORES'),
    );
    return entries.flatMap((text, index) => {
      if (index % 2 === 1) return [];
      const what = parseJson(text);
      const revocation: unknown = isJsonObject(what) ? { ...what, atMs: Number(entries[index + 1]) } : undefined;
      return isRevocation(revocation) ? [revocation] : [];
    });
  }

  async #add(revocations: readonly Revocation[]): Promise<void> {
    const key = this.#keys.revocations();
    const entries = revocations.flatMap(({ appId, channel, target, atMs }) => [
      String(atMs),
      JSON.stringify({ appId, channel, target }),
    ]);
    await this.#link.commands.do(async (client) => {
      const answers = await client
        .multi()
        .zadd(key, 'GT', ...entries)
        .zremrangebyscore(key, '-inf', endOfMemory())
        .pexpire(key, REVOCATION_MEMORY_MS)
        .exec();
      // A transaction succeeds even when its commands fail.
      for (const [error] of answers ?? []) if (error) throw error;
    });
  }
}

/** Milliseconds since 1970 up to which revocations are forgotten. */
function endOfMemory(): number {
  return Date.now() - REVOCATION_MEMORY_MS;
}
