import { randomBytes } from 'node:crypto';
import { LAYOUT, type RedisKeys } from './keys.ts';
import type { RedisLink } from './redis-link.ts';

/** How long one node has to clean up after a dead node before another takes over, in milliseconds. */
const CLAIM_MS = 15_000;

/** Nodes of another version use the same Redis and prefix. */
export class LayoutError extends Error {
  override readonly name = 'LayoutError';

  /** @param other - their version */
  constructor(other: string) {
    super(
      `nodes of another version of Kulkul use this Redis (layout ${other}, this version has ${LAYOUT}): ` +
        'stop them first, or give one of the two another adapter.redis.prefix',
    );
  }
}

export interface LeaseEvents {
  /** This node is the first: no other is alive. */
  alone(): Promise<void>;
  /** This node is registered under a new id: everything it has must be written again. */
  registered(): Promise<void>;
  /**
   * This node had been declared dead, and goes on under another id. What it wrote under the former one before it knew, after
   * the others had cleaned up, is for itself to take out.
   */
  superseded(formerId: string): Promise<void>;
  /** Another node is dead, and this one is to clean up after it. */
  claimed(nodeId: string): Promise<void>;
  /** Redis had lost its data, and nodes of another version were there first: this one can't be one of them. */
  displaced(error: LayoutError): void;
  failed(error: unknown, during: string): void;
}

/**
 * This node's place among the live ones. A lease that is not renewed in time ends, and what the node had in Redis is
 * cleaned up by a survivor. A node that comes back after that finds its lease gone, and begins again under a new id: nobody
 * mixes what it has now with what is being cleaned up.
 */
export class NodeLease {
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #leaseMs: number;
  readonly #renewMs: number;
  readonly #events: LeaseEvents;
  #nodeId = newNodeId();
  #isRegistered = false;
  /** Whether everything of this node is in Redis, under its id. */
  #isWritten = false;
  /** No other node lived when this one last renewed. */
  #isAlone = false;
  /** Dead nodes that this one is to clean up after. */
  readonly #claimed: string[] = [];
  readonly #formerIds = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;
  #isStopped = false;

  /** @param timeoutMs - a dead node is noticed within this time */
  constructor(link: RedisLink, keys: RedisKeys, timeoutMs: number, events: LeaseEvents) {
    this.#link = link;
    this.#keys = keys;
    // A lease that has just been renewed ends, and is found by the next renewal of a survivor.
    this.#renewMs = Math.max(50, Math.floor(timeoutMs / 6));
    this.#leaseMs = Math.max(150, timeoutMs - 2 * this.#renewMs);
    this.#events = events;
  }

  get nodeId(): string {
    return this.#nodeId;
  }

  /** The other nodes that live now. */
  async otherNodes(): Promise<readonly string[]> {
    const live = await this.#link.commands.do((client) => client.zrange(this.#keys.nodes(), '0', '-1'));
    return live.filter((id) => id !== this.#nodeId);
  }

  /**
   * Registers, and renews from then on.
   *
   * @throws {LayoutError} by rejection: it can't be one of the nodes that there are
   */
  async start(): Promise<void> {
    this.#schedule();
    try {
      await this.renew();
    } catch (error) {
      clearTimeout(this.#timer);
      throw error;
    }
  }

  /** Renews at once; after a lost connection, say. Concurrent calls are one. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /** Gives the lease back. What the node has in Redis must be gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#renewing?.catch(() => {});
    await this.#link.commands.do((client) => client.zrem(this.#keys.nodes(), this.#nodeId));
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#schedule();
      // What a renewal brings about may take longer than the lease, which must not end meanwhile.
      const renewed: Promise<unknown> = this.#renewing ? this.#ask(false) : this.renew();
      renewed.catch((error: unknown) => {
        if (error instanceof LayoutError) {
          clearTimeout(this.#timer);
          this.#events.displaced(error);
          return;
        }
        // While Redis is down, or refuses writes, this is expected.
        const { isUp, commands } = this.#link;
        if (isUp && commands.refusal === undefined) this.#events.failed(error, 'renewing the lease of this node');
      });
    }, this.#renewMs);
  }

  async #renew(): Promise<void> {
    const wasRegistered = this.#isRegistered;
    if (!(await this.#ask(!wasRegistered))) {
      this.#formerIds.add(this.#nodeId);
      this.#nodeId = newNodeId();
      this.#isWritten = false;
      await this.#ask(true);
    }
    if (!wasRegistered && this.#isAlone) await this.#events.alone();
    this.#isRegistered = true;
    if (!this.#isWritten) await this.#events.registered();
    this.#isWritten = true;
    for (const formerId of this.#formerIds) {
      await this.#events.superseded(formerId);
      this.#formerIds.delete(formerId);
    }
    // One at a time, so that several survivors share the work; but this one does not stop while there is more.
    for (let nodeId = this.#claimed.shift(); nodeId !== undefined && !this.#isStopped; nodeId = this.#claimed.shift()) {
      try {
        await this.#events.claimed(nodeId);
      } catch (error) {
        // At the next renewal, and behind the others: with the claim of another node it would wait until this one's has ended.
        this.#claimed.push(nodeId);
        throw error;
      }
      if (this.#claimed.length === 0) await this.#ask(false);
    }
  }

  /**
   * Renews; false when the lease is gone. Notes the dead nodes that come with the answer.
   *
   * @throws {LayoutError} by rejection
   */
  async #ask(register: boolean): Promise<boolean> {
    const keys = [this.#keys.nodes(), this.#keys.dead(), this.#keys.layout()];
    const args = [this.#nodeId, this.#leaseMs, CLAIM_MS, register ? 1 : 0, LAYOUT];
    const [isAlive, others, ...claimed] = (await this.#link.commands.run('renew', keys, args)) as [
      number,
      number | string,
      ...string[],
    ];
    if (isAlive === -1) throw new LayoutError(String(others));
    this.#isAlone = others === 0;
    this.#claimed.push(...claimed);
    return isAlive === 1;
  }
}

function newNodeId(): string {
  return randomBytes(8).toString('hex');
}
