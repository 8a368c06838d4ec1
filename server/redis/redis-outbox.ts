import { randomBytes } from 'node:crypto';
import { watchChannelName } from '../../channels/local-channel.ts';
import { NODES_APP } from '../../channels/nodes-channel.ts';
import {
  type DeadLetter,
  type DeadLetterBounds,
  MISS_ONCE_MS,
  type Outbox,
  type OutboxEntry,
  type WebhookState,
} from '../../channels/outbox.ts';
import { isJsonObject, parseJson } from '../../protocol/json.ts';
import type { WebhookEvent } from '../../protocol/webhook.ts';
import { batchesOf } from '../batches.ts';
import { DeadLetters } from './dead-letters.ts';
import { PARTITIONS, partitionOf, type RedisKeys } from './keys.ts';
import { OutboxShare, type OwnPartition } from './outbox-share.ts';
import type { RedisBroker } from './redis-broker.ts';
import { RedisUnavailable } from './redis-commands.ts';
import type { RedisLink } from './redis-link.ts';

/** Where nodes that work on outboxes hear that something was added: JSON array of partitions. It belongs to no app, and no client can name it. */
const OUTBOX_CHANNEL = '#outbox';
/** Other nodes are told of what was added at most this often, in milliseconds. */
const TELL_MS = 20;
/** Entries that one command removes. */
const CHUNK = 500;

/**
 * The outbox in Redis: a stream in each partition, beside the facts that its entries tell of, so that a script changes both in one step. Nodes that
 * work on entries share the partitions evenly; each has its own for as long as it renews the claim.
 */
export class RedisOutbox implements Outbox {
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #broker: RedisBroker;
  readonly #workerId = randomBytes(8).toString('hex');
  readonly #share: OutboxShare;
  readonly #letters: DeadLetters;
  #wake: (() => void) | undefined;
  #isWoken = false;
  #listening: Promise<void> | undefined;
  #onWaiting = (): void => {};
  #hasFound = false;
  /** Partitions of other nodes to which something was added. */
  readonly #added = new Set<number>();
  #telling: NodeJS.Timeout | undefined;

  constructor(link: RedisLink, keys: RedisKeys, broker: RedisBroker) {
    this.#link = link;
    this.#keys = keys;
    this.#broker = broker;
    const workerId = this.#workerId;
    this.#share = new OutboxShare({
      link,
      keys,
      workerId,
      due: (partition, delayMs) => this.#due(partition, delayMs),
    });
    this.#letters = new DeadLetters(link, keys, workerId);
  }

  async append(appId: string, event: WebhookEvent, replayed?: OutboxEntry['replayed']): Promise<void> {
    const partition = partitionOf(appId, channelOf(event));
    const args = [appId, JSON.stringify(event), 0];
    const fields = replayed ? ['w', replayed.webhookId, 'i', replayed.eventId] : [];
    await this.#link.commands.run('append', this.#entryKeys(partition), [...args, ...fields]);
    this.added(partition);
  }

  async appendMiss(appId: string, channel: string): Promise<void> {
    const partition = partitionOf(appId, channel);
    const keys = [...this.#entryKeys(partition), this.#keys.missed(appId, channel)];
    const event: WebhookEvent = { name: 'cache_miss', channel };
    const added = await this.#link.commands.run('append', keys, [appId, JSON.stringify(event), MISS_ONCE_MS]);
    if (added === 1) this.added(partition);
  }

  work(wake: () => void): void {
    this.#wake = wake;
    // Without it, the claims find what there is.
    const listening = this.#broker.listenTo(NODES_APP, OUTBOX_CHANNEL, (frame) => this.#take(frame));
    this.#listening = listening.catch(() => {});
  }

  async claim(): Promise<readonly number[]> {
    await this.#share.claim();
    return this.#share.partitions;
  }

  async release(): Promise<void> {
    this.#wake = undefined;
    await Promise.all([this.#broker.unsubscribe(NODES_APP, OUTBOX_CHANNEL), this.#share.release()]);
  }

  /** All that waits outlives this node, grace periods as well. */
  conclude(): number {
    return 0;
  }

  read(partition: number, afterId: string, max: number): readonly OutboxEntry[] | Promise<readonly OutboxEntry[]> {
    const own = this.#share.get(partition);
    const after = streamIdOf(afterId);
    // Nodes that have nothing to read don't ask.
    if (!own || (!own.hasMore && own.readTo === after)) return [];
    return this.#read(partition, own, after, max);
  }

  async noteTold(partition: number, id: string, webhookId: string): Promise<void> {
    const keys = [this.#keys.outbox(partition), this.#keys.told(partition)];
    await this.#link.commands.run('noteTold', keys, [streamIdOf(id), webhookId]);
  }

  async remove(partition: number, ids: readonly string[]): Promise<void> {
    for (const batch of batchesOf(ids.map(streamIdOf), CHUNK)) {
      await this.#link.commands.do((client) =>
        Promise.all([
          client.xdel(this.#keys.outbox(partition), ...batch),
          client.hdel(this.#keys.told(partition), ...batch),
        ]),
      );
    }
  }

  bury(letters: readonly DeadLetter[], bounds: DeadLetterBounds): Promise<void> {
    return this.#letters.bury(letters, bounds);
  }

  deadLetters(appId: string, webhookId: string): Promise<readonly DeadLetter[]> {
    return this.#letters.all(appId, webhookId);
  }

  deadLetterCounts(appId: string): Promise<ReadonlyMap<string, number>> {
    return this.#letters.counts(appId);
  }

  exhume(appId: string, webhookId: string, ids?: readonly string[]): Promise<readonly DeadLetter[]> {
    return this.#letters.exhume(appId, webhookId, ids);
  }

  report(states: readonly WebhookState[]): Promise<void> {
    return this.#letters.report(states);
  }

  states(appId: string): Promise<readonly WebhookState[]> {
    return this.#letters.states(appId);
  }

  /** Something may have been added to a partition: whoever works on it is told. */
  added(partition: number): void {
    if (this.#share.get(partition)) {
      this.#due(partition, 0);
      return;
    }
    this.#added.add(partition);
    this.#telling ??= setTimeout(() => void this.#tell(), TELL_MS);
  }

  /** @param found - called when there is something that nobody may work on: it was there at the start, or a dead node left it */
  onWaiting(found: () => void): void {
    this.#onWaiting = found;
    if (this.#hasFound) found();
  }

  /** Looks whether there is anything in any partition. */
  async lookForWaiting(): Promise<void> {
    if (this.#wake || !(await this.#isWaiting())) return;
    this.#hasFound = true;
    this.#onWaiting();
  }

  async #isWaiting(): Promise<boolean> {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const counts = await this.#link.commands.do((client) =>
      Promise.all(
        partitions.flatMap((each) => [client.xlen(this.#keys.outbox(each)), client.zcard(this.#keys.due(each))]),
      ),
    );
    return counts.some((count) => count > 0);
  }

  /** Answered when this node hears of what others add, and others were told of what it added. */
  async settled(): Promise<void> {
    await Promise.all([this.#listening, this.#tell()]);
  }

  async close(): Promise<void> {
    await this.#tell();
    await this.release().catch((error: unknown) => {
      // Claims that are not renewed end.
      if (!(error instanceof RedisUnavailable)) throw error;
    });
  }

  async #read(partition: number, own: OwnPartition, after: string, max: number): Promise<readonly OutboxEntry[]> {
    own.hasMore = false;
    const keys = [
      this.#keys.worker(partition),
      this.#keys.outbox(partition),
      this.#keys.due(partition),
      this.#keys.told(partition),
    ];
    let answer: unknown;
    try {
      answer = await this.#link.commands.run('readOutbox', keys, [this.#workerId, after ? `(${after}` : '-', max]);
    } catch (error) {
      own.hasMore = true;
      throw error;
    }
    const [dueMs, found = [], told = []] = answer as [number, [id: string, fields: string[]][]?, (string | null)[]?];
    if (dueMs === -2) {
      this.#share.drop(partition);
      return [];
    }
    if (dueMs >= 0) this.#due(partition, dueMs);
    own.readTo = found.at(-1)?.[0] ?? after;
    if (found.length === max) own.hasMore = true;
    const entries = found.map(([id, fields], index) => parseEntry(partition, id, fields, told[index] ?? ''));
    const unreadable = found.filter((_, index) => !entries[index]).map(([id]) => idOf(partition, id));
    if (unreadable.length > 0) await this.remove(partition, unreadable);
    return entries.filter((entry) => entry !== undefined);
  }

  #entryKeys(partition: number): [outbox: string, due: string] {
    return [this.#keys.outbox(partition), this.#keys.due(partition)];
  }

  /** There may be more to read after a time. */
  #due(partition: number, delayMs: number): void {
    const own = this.#share.get(partition);
    if (!own) return;
    if (delayMs === 0) {
      own.hasMore = true;
      this.#wakeSoon();
      return;
    }
    own.cancelDue?.();
    const timer = setTimeout(() => this.#due(partition, 0), delayMs).unref();
    own.cancelDue = () => clearTimeout(timer);
  }

  /** @param frame - undefined: some were missed */
  #take(frame: string | undefined): void {
    const partitions = frame === undefined ? this.#share.partitions : parseJson(frame);
    if (!Array.isArray(partitions)) return;
    for (const partition of partitions as unknown[]) if (typeof partition === 'number') this.#due(partition, 0);
  }

  async #tell(): Promise<void> {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    if (this.#added.size === 0) return;
    const frame = JSON.stringify([...this.#added]);
    this.#added.clear();
    // The claims of the others find it as well.
    await this.#broker.publish({ appId: NODES_APP, channel: OUTBOX_CHANNEL, frame }).catch(() => {});
  }

  /** Once for all that happens in this turn. */
  #wakeSoon(): void {
    if (!this.#wake || this.#isWoken) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      this.#wake?.();
    });
  }
}

/** Whose partition an event goes to. */
function channelOf(event: WebhookEvent): string {
  return event.name === 'user_online' || event.name === 'user_offline'
    ? watchChannelName(event.user_id)
    : event.channel;
}

/** Ids of streams are unique in their partition. */
function idOf(partition: number, streamId: string): string {
  return `${partition}-${streamId}`;
}

function streamIdOf(id: string): string {
  return id.slice(id.indexOf('-') + 1);
}

/** @returns undefined for anything else: what is in Redis may have been put there by anybody */
function parseEntry(
  partition: number,
  streamId: string,
  fields: readonly string[],
  told: string,
): OutboxEntry | undefined {
  const values = new Map<string, string>();
  for (let index = 0; index + 1 < fields.length; index += 2) values.set(fields[index] ?? '', fields[index + 1] ?? '');
  const appId = values.get('a');
  const event = parseJson(values.get('e') ?? '');
  if (appId === undefined || !isJsonObject(event) || typeof event.name !== 'string') return undefined;
  const webhookId = values.get('w');
  return {
    id: idOf(partition, streamId),
    timeMs: Number(values.get('t') ?? streamId.slice(0, streamId.indexOf('-'))),
    appId,
    event: event as unknown as WebhookEvent,
    told: told === '' ? [] : told.split(' '),
    replayed: webhookId === undefined ? undefined : { webhookId, eventId: values.get('i') ?? '' },
  };
}
