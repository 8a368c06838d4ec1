import type { Broker, BrokerMessage, CountReceivers, LastEvent, Receivers } from '../../channels/broker.ts';
import { batchesOf } from '../batches.ts';
import { partitionOf, type RedisKeys } from './keys.ts';
import type { ReceiversElsewhere } from './receivers.ts';
import { type RedisCommands, RedisUnavailable } from './redis-commands.ts';
import type { RedisLink } from './redis-link.ts';
import { encodeHeader, MAX_KEEP_SECONDS, parseWireMessage, type WireMessage } from './wire.ts';

/** Told what became of messages up to a position that did not come. */
export interface RedisBrokerEvents {
  /** There may have been events among them. */
  missed(appId: string, channel: string, position: number): void;
  /** They told of members and counts only. */
  skipped(appId: string, channel: string, position: number): void;
  /** Something came on the channel's topic that no node of this version has sent. */
  unreadable(appId: string, channel: string): void;
  /** A message was published with what webhooks are told of it. */
  added(partition: number): void;
}

/** A topic that this node listens to. */
interface Topic {
  readonly appId: string;
  readonly channel: string;
  /** Messages up to this position were published before this node subscribed. */
  begin: number;
  /** Position of the last message handed over. */
  position: number;
  /** Position of the last event handed over; undefined until it is known where the topic begins. */
  event: number | undefined;
  /** The connection was lost, and it is not known yet whether messages were. */
  isSuspect: boolean;
  /** Of a channel between nodes, in place of those that all channels have. */
  readonly listener: NodesListener | undefined;
}

/** @param frame - undefined: some may have been missed */
type NodesListener = (frame: string | undefined) => void;

/** How long nodes have to give back the positions they know after a loss, before each looks whether it missed something. */
const SETTLE_MS = 1500;
/** Own publishes whose positions are remembered for that, at most. */
const MAX_RECENT = 10_000;
/** Between two attempts to subscribe, in milliseconds. */
const RETRY_MS = 50;
/** Commands on their way at once: reads while all channels are verified, and events that are given back. */
const CHUNK = 200;

/**
 * Pub/sub of Redis: one topic per channel, so that a node hears of the channels that its own sockets are in and of no others.
 *
 * Each message carries its position and the one before. After a lost connection, and with each message, that shows
 * whether this node missed something; then `events` are told, so that the subscribers learn of it.
 */
export class RedisBroker implements Broker {
  readonly answersMayOvertake = true;
  readonly lingerMs = 1000;
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #events: RedisBrokerEvents;
  readonly #topics = new Map<string, Topic>();
  /** Topic → position of this node's latest publish on it, oldest first. */
  readonly #recent = new Map<string, { key: string; position: number }>();
  readonly #kept = new KeptEvents();
  readonly #receiversElsewhere: ReceiversElsewhere;
  #deliver: (message: BrokerMessage) => void = () => {};
  #count: CountReceivers = () => 0;
  #verification = 0;

  constructor(link: RedisLink, keys: RedisKeys, receiversElsewhere: ReceiversElsewhere, events: RedisBrokerEvents) {
    this.#link = link;
    this.#receiversElsewhere = receiversElsewhere;
    this.#keys = keys;
    this.#events = events;
    link.onMessage((topic, payload) => this.#receive(topic, payload));
    link.onLost(() => this.#suspectAll());
    link.onRestored(() => void this.#verifyAll());
  }

  listen(deliver: (message: BrokerMessage) => void, count: CountReceivers = () => 0): void {
    this.#deliver = deliver;
    this.#count = count;
  }

  subscribe(appId: string, channel: string): Promise<number | undefined> {
    return this.#subscribe(appId, channel, undefined);
  }

  /** Subscribes to a channel of which only one part of a node wants to hear. */
  async listenTo(appId: string, channel: string, listener: NodesListener): Promise<void> {
    await this.#subscribe(appId, channel, listener);
  }

  async #subscribe(appId: string, channel: string, listener: NodesListener | undefined): Promise<number | undefined> {
    const name = this.#keys.topic(appId, channel);
    const topic: Topic = { appId, channel, begin: 0, position: 0, event: undefined, isSuspect: false, listener };
    this.#topics.set(name, topic);
    // While Redis is down a subscription waits: after success, a client must not miss what others publish.
    for (let isSubscribed = false; !isSubscribed && this.#topics.get(name) === topic; ) {
      await this.#link.whenUp();
      isSubscribed = await this.#link.subscribe(name).then(
        () => true,
        () => false,
      );
      // A link that is up and refuses all the same would be asked without a break.
      if (!isSubscribed) await pause(RETRY_MS);
    }
    return this.#begin(topic);
  }

  async unsubscribe(appId: string, channel: string): Promise<void> {
    const name = this.#keys.topic(appId, channel);
    this.#topics.delete(name);
    // A connection that is lost is subscribed to nothing, and the topic is not renewed.
    await this.#link.unsubscribe(name).catch(() => {});
  }

  async publish(message: BrokerMessage): Promise<void> {
    const { appId, channel, frame, exceptSocketId, member, webhookEvent, publishedMs, traceparent } = message;
    const keepSeconds = message.keepSeconds && Math.min(message.keepSeconds, MAX_KEEP_SECONDS);
    const keepNamed = message.keepNamed && {
      name: message.keepNamed.name,
      seconds: Math.min(message.keepNamed.seconds, MAX_KEEP_SECONDS),
    };
    const topic = this.#keys.topic(appId, channel);
    const key = this.#keys.position(appId, channel);
    const keys = [key, this.#keys.lastEvent(appId, channel)];
    const args = [
      topic,
      encodeHeader({ exceptSocketId, keepSeconds, keepNamed, member, publishedMs, traceparent }),
      frame,
      this.#link.publishCommand,
      Math.floor((keepSeconds ?? 0) * 1000),
    ];
    if (keepNamed) {
      keys.push(this.#keys.lastEvent(appId, channel, keepNamed.name));
      args.push(Math.floor(keepNamed.seconds * 1000));
    }
    const partition = webhookEvent && partitionOf(appId, channel);
    if (partition !== undefined) {
      if (!keepNamed) {
        keys.push(this.#keys.lastEvent(appId, channel));
        args.push(0);
      }
      keys.push(this.#keys.outbox(partition), this.#keys.due(partition));
      args.push(appId, JSON.stringify(webhookEvent));
    }
    const position = Number(await this.#link.commands.run('publish', keys, args));
    if (partition !== undefined) this.#events.added(partition);
    this.#remember(topic, key, position);
    this.#noteKept(message, keepSeconds, keepNamed, position);
  }

  async publishCounted(message: BrokerMessage): Promise<Receivers> {
    const { appId, channel, exceptSocketId } = message;
    await this.publish(message);
    const elsewhere = await this.#receiversElsewhere(appId, channel, exceptSocketId);
    const here = this.#count(message);
    return { connections: elsewhere.connections + here, nodes: elsewhere.nodes + (here > 0 ? 1 : 0) };
  }

  async lastEvent(appId: string, channel: string, name?: string): Promise<LastEvent | undefined> {
    const key = this.#keys.lastEvent(appId, channel, name);
    const [kept, ttlMs, { position }] = await Promise.all([
      this.#link.commands.do((client) => client.get(key)),
      this.#link.commands.do((client) => client.pttl(key)),
      this.#positions(this.#keys.position(appId, channel)),
    ]);
    if (kept === null || ttlMs <= 0) return undefined;
    const end = kept.indexOf('\n');
    return {
      frame: kept.slice(end + 1),
      remainingSeconds: Math.ceil(ttlMs / 1000),
      // Messages that Redis forgot never arrive: nobody must wait for them.
      position: Math.min(Number(kept.slice(0, end)), position),
    };
  }

  close(): void {
    this.#topics.clear();
  }

  #receive(name: string, payload: string): void {
    const topic = this.#topics.get(name);
    if (!topic) return;
    const message = parseWireMessage(payload);
    if (!message) this.#events.unreadable(topic.appId, topic.channel);
    if (!message || message.position <= topic.begin) return;
    const isGap = hasGap(topic, message);
    topic.position = message.position;
    // Members and counts are put right in other ways; all else is an event.
    if (!message.member && !message.isCount) topic.event = message.position;
    if (topic.listener) {
      if (isGap) topic.listener(undefined);
      topic.listener(message.frame);
      return;
    }
    const { appId, channel } = topic;
    const { frame, exceptSocketId, keepSeconds, keepNamed, member, position } = message;
    const handed: BrokerMessage = {
      appId,
      channel,
      frame,
      exceptSocketId,
      keepSeconds,
      keepNamed,
      member,
      position,
      publishedMs: message.publishedMs,
      traceparent: message.traceparent,
    };
    this.#noteKept(handed, keepSeconds, keepNamed, position);
    // Subscribers learn of a gap before they could see what comes after it.
    if (isGap) this.#events.missed(appId, channel, position);
    this.#deliver(handed);
  }

  #noteKept(
    { appId, channel, frame }: BrokerMessage,
    keepSeconds: number | undefined,
    keepNamed: BrokerMessage['keepNamed'],
    position: number,
  ): void {
    if (keepSeconds === undefined && !keepNamed) return;
    const positionKey = this.#keys.position(appId, channel);
    const note = (seconds: number, name?: string): void =>
      this.#kept.note(this.#keys.lastEvent(appId, channel, name), positionKey, frame, position, seconds);
    if (keepSeconds !== undefined) note(keepSeconds);
    if (keepNamed) note(keepNamed.seconds, keepNamed.name);
  }

  /** Where a topic begins for this node: nobody here subscribed to earlier messages. */
  async #begin(topic: Topic): Promise<number | undefined> {
    const key = this.#keys.position(topic.appId, topic.channel);
    try {
      const { position, event } = await this.#positions(key);
      topic.begin = position;
      topic.position = Math.max(topic.position, position);
      topic.event = Math.max(topic.event ?? 0, event);
      return position;
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      // Lost in between: unknown, which the check after the restoration treats as a gap.
      return undefined;
    }
  }

  async #positions(key: string): Promise<{ position: number; event: number }> {
    const [position, event] = await this.#link.commands.do((client) => client.hmget(key, 'position', 'event'));
    return { position: Number(position ?? 0), event: Number(event ?? 0) };
  }

  #remember(topic: string, key: string, position: number): void {
    this.#recent.delete(topic);
    this.#recent.set(topic, { key, position });
    if (this.#recent.size <= MAX_RECENT) return;
    for (const oldest of this.#recent.keys()) {
      this.#recent.delete(oldest);
      return;
    }
  }

  #suspectAll(): void {
    this.#verification += 1;
    for (const topic of this.#topics.values()) {
      topic.isSuspect = true;
      // A replica that takes over may not have seen the latest positions.
      topic.begin = 0;
    }
  }

  /** Finds out which channels really missed something while the connection was lost. */
  async #verifyAll(): Promise<void> {
    this.#verification += 1;
    const verification = this.#verification;
    try {
      await this.#givePositionsBack();
      await this.#kept.giveBack(this.#link.commands);
      await pause(SETTLE_MS);
      const suspects = [...this.#topics.values()].filter(({ isSuspect }) => isSuspect);
      for (const batch of batchesOf(suspects, CHUNK)) {
        if (verification !== this.#verification) return;
        await this.#verify(batch);
      }
    } catch {
      // Lost again: the next restoration checks again, and until then the topics stay suspect.
    }
  }

  async #verify(topics: readonly Topic[]): Promise<void> {
    const positions = await Promise.all(
      topics.map(({ appId, channel }) => this.#positions(this.#keys.position(appId, channel))),
    );
    // Whatever was published before the positions were read has arrived when this is answered, or never will.
    await this.#link.barrier();
    topics.forEach((topic, index) => {
      topic.isSuspect = false;
      const { position = 0, event = 0 } = positions[index] ?? {};
      const isBehind = position > topic.position;
      const isGap = event > (topic.event ?? 0);
      topic.position = Math.max(topic.position, position);
      topic.event = Math.max(topic.event ?? 0, event);
      const { appId, channel } = topic;
      if (this.#topics.get(this.#keys.topic(appId, channel)) !== topic) return;
      if (topic.listener) topic.listener(undefined);
      else if (isGap) this.#events.missed(appId, channel, position);
      else if (isBehind) this.#events.skipped(appId, channel, position);
    });
  }

  /** Restores the positions of channels in a Redis that lost its data, from all nodes that know some of them. */
  async #givePositionsBack(): Promise<void> {
    const known = new Map<string, { position: number; event: number }>();
    for (const { key, position } of this.#recent.values()) known.set(key, { position, event: position });
    for (const { appId, channel, position, event = 0 } of this.#topics.values()) {
      const key = this.#keys.position(appId, channel);
      const published = known.get(key) ?? { position: 0, event: 0 };
      if (position === 0) continue;
      known.set(key, { position: Math.max(position, published.position), event: Math.max(event, published.event) });
    }
    const entries = [...known];
    for (const batch of batchesOf(entries, CHUNK)) {
      await Promise.all(
        batch.map(([key, { position, event }]) => this.#link.commands.run('raisePosition', [key], [position, event])),
      );
    }
  }
}

function hasGap({ event, isSuspect }: Topic, { previousEvent }: WireMessage): boolean {
  if (event === undefined) return false;
  // Redis knows of no event where this node does: its data is new. On an unbroken connection nothing came in between.
  if (previousEvent === 0) return isSuspect && event > 0;
  return previousEvent > event;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** All that is remembered together, in characters. What is over it goes, the oldest first. */
const MAX_CHARACTERS = 16 * 1024 * 1024;

interface Kept {
  /** Of the channel's position. */
  readonly positionKey: string;
  readonly frame: string;
  readonly position: number;
  /** By `performance.now()`. */
  readonly end: number;
}

/**
 * Last events of channels, and of names, that this node published or heard, so that a Redis that lost its data gets them back.
 */
class KeptEvents {
  /** By the key in Redis, oldest first. */
  readonly #kept = new Map<string, Kept>();
  #characters = 0;

  /**
   * @param key - see `RedisKeys.lastEvent`
   * @param positionKey - see `RedisKeys.position`
   */
  note(key: string, positionKey: string, frame: string, position: number, seconds: number): void {
    const former = this.#kept.get(key);
    if (former && former.position >= position) return;
    this.#forget(key);
    this.#kept.set(key, { positionKey, frame, position, end: performance.now() + seconds * 1000 });
    this.#characters += frame.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#characters <= MAX_CHARACTERS) return;
      this.#forget(oldest);
    }
  }

  /** Writes those that Redis has no later one of. */
  async giveBack(commands: RedisCommands): Promise<void> {
    const now = performance.now();
    for (const [key, { end }] of this.#kept) if (end <= now) this.#forget(key);
    const entries = [...this.#kept];
    for (const batch of batchesOf(entries, CHUNK)) {
      await Promise.all(
        batch.map(([key, { positionKey, position, frame, end }]) =>
          commands.run('restoreEvent', [key, positionKey], [position, frame, Math.ceil(end - now)]),
        ),
      );
    }
  }

  #forget(key: string): void {
    const kept = this.#kept.get(key);
    if (kept && this.#kept.delete(key)) this.#characters -= kept.frame.length;
  }
}
