import type { Broker } from '../../channels/broker.ts';
import type { ChannelStore } from '../../channels/channel-store.ts';
import type { OnEdge } from '../../channels/edge.ts';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import type { RateLimits } from '../../channels/rate-limits.ts';
import type { Revocation } from '../../channels/revocations.ts';
import type { Logger } from '../log.ts';
import type { Problem, Seams, SeamsFigures } from '../seams.ts';
import { ChannelScripts, type Telling } from './channel-scripts.ts';
import { PARTITIONS, RedisKeys } from './keys.ts';
import { LayoutError, NodeLease } from './node-lease.ts';
import { RateExchange } from './rate-exchange.ts';
import { receiversElsewhere } from './receivers.ts';
import { RedisBroker } from './redis-broker.ts';
import { RedisChannelStore } from './redis-channel-store.ts';
import { RedisUnavailable } from './redis-commands.ts';
import type { RedisLink } from './redis-link.ts';
import { RedisStartError } from './redis-options.ts';
import { RedisOutbox } from './redis-outbox.ts';
import { sweepNode } from './sweep.ts';

/** After a restoration nodes have this long to write what they have, in milliseconds; then what is known here is put right. */
const SETTLE_MS = [2000, 4000] as const;

/** Between two lines of the log about messages that can't be read, in milliseconds. */
const UNREADABLE_MS = 60_000;

export interface RedisSeamsOptions {
  /** The operator's prefix of all keys and topics. */
  readonly prefix: string;
  /** A dead node is noticed within this time. */
  readonly nodeTimeoutMs: number;
  /** Whether an app has subscription count events. May reject if that can't be determined now. */
  readonly isCountAnnounced: (appId: string) => MaybePromise<boolean>;
  readonly log: Logger;
  /** Left out where nobody listens. */
  readonly onEdge?: OnEdge | undefined;
  /** What webhooks want to know; left out: nothing. */
  readonly webhooks?: Omit<Telling, 'added'> | undefined;
}

/** What the seams ask of their node. */
export interface RedisSeamsNode {
  /** Kept in common with the other nodes. */
  readonly rateLimits: RateLimits;
  /** Subscribers of the channel may have missed messages up to this position. */
  missed(appId: string, channel: string, position: number): void;
  /** Nor did messages come that told of its members and its count. */
  skipped(appId: string, channel: string, position: number): void;
  /** Redis was down, or lost its data: the members that clients know may be wrong. */
  correctRosters(): void;
  readonly nodesChannel: {
    /** What this node knows to be revoked. */
    readonly revocations: { readonly all: readonly Revocation[] };
    /** Likewise: what nodes tell each other may not have come. */
    resync(): void;
    /** Others have written what they know to be revoked. */
    reload(): void;
  };
}

/** Both seams on one link to Redis, and this node's lease among the live ones. */
export class RedisSeams implements Seams {
  readonly broker: Broker;
  readonly store: ChannelStore;
  readonly outbox: RedisOutbox;
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #lease: NodeLease;
  readonly #store: RedisChannelStore;
  readonly #log: Logger;
  /** Takes all that a node has out of Redis. */
  readonly #sweep: (nodeId: string) => Promise<void>;
  #node: RedisSeamsNode | undefined;
  #rates: RateExchange | undefined;
  #settling: NodeJS.Timeout[] = [];
  /** Why this node no longer takes part. */
  #displaced: string | undefined;
  #unreadableAgainMs = 0;
  readonly #counts = { losses: 0, missed: 0, sweeps: 0, leaseLosses: 0 };

  constructor(link: RedisLink, options: RedisSeamsOptions) {
    const { prefix, nodeTimeoutMs, isCountAnnounced, log, onEdge, webhooks = NO_WEBHOOKS } = options;
    const keys = new RedisKeys(prefix);
    this.#link = link;
    this.#keys = keys;
    this.#log = log;
    // Who is not back by then is dead to the others.
    const telling: Telling = { ...webhooks, added: (partition) => this.outbox.added(partition) };
    const scripts = new ChannelScripts(link, keys, nodeTimeoutMs, telling, onEdge);
    this.#sweep = (nodeId) => sweepNode(link, keys, scripts, nodeId, isCountAnnounced);
    this.#lease = new NodeLease(link, keys, nodeTimeoutMs, {
      alone: () => this.#trustAll(),
      registered: () => this.#store.reconcile(),
      superseded: async (formerId) => {
        this.#counts.leaseLosses += 1;
        log.warn({ nodeId: formerId }, 'this node was considered dead: it continues under a new id');
        await this.#sweep(formerId);
        await this.#store.forgetConnections(formerId);
      },
      claimed: async (nodeId) => {
        await this.#sweep(nodeId);
        await this.outbox.lookForWaiting();
        this.#counts.sweeps += 1;
        log.warn({ nodeId }, 'another node was lost: its members and counts are removed');
      },
      displaced: (error) => this.#withdraw(error),
      failed: (error, during) => this.#fail(error, during),
    });
    this.#store = new RedisChannelStore(link, keys, scripts, this.#lease, (message) => this.broker.publish(message));
    this.store = this.#store;
    const broker = new RedisBroker(link, keys, receiversElsewhere(link, keys, this.#lease), {
      missed: (appId, channel, position) => {
        this.#counts.missed += 1;
        log.warn({ app: appId, channel }, 'messages of a channel were missed');
        this.#node?.missed(appId, channel, position);
      },
      skipped: (appId, channel, position) => this.#node?.skipped(appId, channel, position),
      unreadable: (appId, channel) => this.#noteUnreadable(appId, channel),
      added: (partition) => this.outbox.added(partition),
    });
    this.broker = broker;
    this.outbox = new RedisOutbox(link, keys, broker);
    link.onLost(() => {
      this.#counts.losses += 1;
      log.error({ reason: link.problem }, 'Redis is away: publishing answers 503');
    });
    link.onRestored(() => void this.#restore());
    link.commands.onRefusal((reason) => {
      if (reason !== undefined) log.error({ reason }, 'Redis refuses writes: publishing answers 503');
      else void this.#restore();
    });
  }

  problem(): Problem | undefined {
    if (this.#displaced !== undefined) return { text: this.#displaced, detail: this.#displaced };
    const away = this.#link.problem;
    if (away !== undefined) return { text: 'Redis is away', detail: away };
    const { refusal } = this.#link.commands;
    return refusal === undefined
      ? undefined
      : { text: 'Redis refuses writes', detail: `Redis refuses writes: ${refusal}` };
  }

  figures(): SeamsFigures {
    return { isUp: this.#link.isUp, isWritable: this.#link.commands.refusal === undefined, ...this.#counts };
  }

  readonly time = async (): Promise<number> => {
    const [seconds, microseconds] = await this.#link.commands.do((client) => client.time());
    return Number(seconds) * 1000 + Number(microseconds) / 1000;
  };

  /**
   * Takes this node's place among the live ones. Redis must be up.
   *
   * @throws {RedisStartError} nodes of another version are there
   */
  async start(node: RedisSeamsNode): Promise<void> {
    this.#node = node;
    try {
      await this.#lease.start();
    } catch (error) {
      if (!(error instanceof LayoutError)) throw error;
      this.#link.close();
      throw new RedisStartError('versions', `Redis: ${error.message}.`, { cause: error });
    }
    await this.outbox.lookForWaiting().catch(ignoreUnavailable);
    this.#rates = new RateExchange(this.#link, this.#keys, node.rateLimits);
    this.#rates.start((error, during) => this.#fail(error, during));
  }

  onWaiting(found: () => void): void {
    this.outbox.onWaiting(found);
  }

  /** Answered when all that was said before is in Redis and all that was published before has arrived. */
  async settled(): Promise<void> {
    await this.#lease.renew();
    await this.#store.settled();
    await this.outbox.settled();
    await this.#link.barrier();
  }

  /** Leaves, once connections are gone and both seams are closed. */
  async stop(): Promise<void> {
    for (const timer of this.#settling) clearTimeout(timer);
    this.#rates?.stop();
    await this.outbox.close();
    await this.#leave().catch(ignoreUnavailable);
    this.#link.close();
  }

  /** There is no other node that could rewrite anything: what is in Redis is complete. */
  async #trustAll(): Promise<void> {
    await this.#link.commands.do((client) =>
      Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => client.set(this.#keys.settled(partition), '0'))),
    );
  }

  async #leave(): Promise<void> {
    // The remaining records of this node are of no use to anybody, now that the node is empty.
    if (this.#link.isUp) await this.#sweep(this.#lease.nodeId);
    await this.#lease.stop();
  }

  /** Takes part in nothing any more: what this node writes the others would misread. */
  #withdraw({ message }: LayoutError): void {
    this.#displaced = message;
    this.#log.fatal(`${message}. This node answers 503 from now on: restart it with their version`);
    this.#link.close();
  }

  #noteUnreadable(app: string, channel: string): void {
    const now = performance.now();
    if (now < this.#unreadableAgainMs) return;
    this.#unreadableAgainMs = now + UNREADABLE_MS;
    this.#log.error(
      { app, channel },
      'a message on one of our topics can not be read: does another program publish with this prefix?',
    );
  }

  #fail(error: unknown, during: string): void {
    this.#log.error({ err: error, during }, 'unexpected failure');
  }

  async #restore(): Promise<void> {
    this.#log.info('Redis is back: rewriting the data of this node');
    try {
      await this.#lease.renew();
      await this.#store.reconcile();
      await this.#store.keptRevocations.add(this.#node?.nodesChannel.revocations.all ?? []);
    } catch (error) {
      // Lost again: the next restoration does it.
      if (!(error instanceof RedisUnavailable)) this.#fail(error, 'rewriting the data of this node');
    }
    this.#node?.nodesChannel.resync();
    for (const timer of this.#settling) clearTimeout(timer);
    this.#settling = SETTLE_MS.map((delay) => setTimeout(() => this.#correct(), delay).unref());
  }

  #correct(): void {
    this.#node?.correctRosters();
    this.#node?.nodesChannel.reload();
  }
}

const NO_WEBHOOKS: Omit<Telling, 'added'> = { wants: () => 0, graceMs: 0 };

function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof RedisUnavailable)) throw error;
}
