import { setTimeout } from 'node:timers/promises';
import type { WebhookEvent } from '../../protocol/webhook.ts';
import type { Closed, Frame, RawClient } from '../support/raw-client.ts';
import type { Cluster, ClusterNode } from './cluster.ts';

/** Between two attempts to connect to a node that is dead, in milliseconds. */
const RETRY_MS = 50;

/** What was done in one round, and what of it was answered. */
export interface Round {
  readonly room: string;
  readonly news: string;
  /** Nothing failed meanwhile: all that was done is known. */
  isSteady: boolean;
  /** Whose join was answered, at least once. */
  readonly joined: Set<string>;
  readonly said: string[];
  /** Client events that another client has. */
  readonly heard: string[];
  hasNews: boolean;
}

/** A client that connects again when its connection is lost. */
class Visitor {
  readonly #node: ClusterNode;
  #client: RawClient | undefined;
  #frames: Frame[] = [];
  #wake = (): void => {};

  constructor(node: ClusterNode) {
    this.#node = node;
  }

  async connected(): Promise<void> {
    while (!this.#client) {
      try {
        this.#client = await this.#node.connect();
        void this.#listen(this.#client);
      } catch {
        await setTimeout(RETRY_MS);
      }
    }
    this.#frames = [];
  }

  get isLost(): boolean {
    return !this.#client;
  }

  /** @returns whether it was answered */
  async subscribe(channel: string, userId?: string): Promise<boolean> {
    this.#client?.subscribe(channel, userId === undefined ? undefined : JSON.stringify({ user_id: userId }));
    return this.#has((frame) => frame.event === 'pusher_internal:subscription_succeeded' && frame.channel === channel);
  }

  unsubscribe(channel: string): void {
    this.#client?.send({ event: 'pusher:unsubscribe', data: { channel } });
  }

  say(channel: string, data: string): void {
    this.#client?.send({ event: 'client-said', channel, data });
  }

  /** Until another member is gone. */
  async sees(channel: string, leaver: string): Promise<boolean> {
    return this.#has(
      (frame) =>
        frame.event === 'pusher_internal:member_removed' &&
        frame.channel === channel &&
        String(frame.data).includes(JSON.stringify(leaver)),
    );
  }

  heard(channel: string): string[] {
    const said = this.#frames.filter((frame) => frame.event === 'client-said' && frame.channel === channel);
    return said.map(({ data }) => String(data));
  }

  end(): void {
    this.#client?.ws.terminate();
  }

  /** Waits for a frame; false when it was refused, or the connection is lost. */
  async #has(isSought: (frame: Frame) => boolean): Promise<boolean> {
    for (;;) {
      if (this.#frames.some(isSought)) return true;
      if (this.isLost || this.#frames.some(({ event }) => /error$/.test(event))) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #listen(client: RawClient): Promise<void> {
    for (;;) {
      const item: { readonly text: string } | Closed = await client.nextItem();
      if ('text' in item) {
        const frame = JSON.parse(item.text) as Frame;
        this.#frames.push(frame);
        if (frame.event === 'pusher:ping') client.send({ event: 'pusher:pong' });
      } else this.#client = undefined;
      this.#wake();
      if (this.isLost) return;
    }
  }
}

/** Clients on three nodes who make facts, round after round, each in channels of its own. */
export class Rounds {
  readonly done: Round[] = [];
  /** How many things failed, or began to work again, so far. */
  disturbances = 0;
  readonly #cluster: Cluster;
  readonly #work: Promise<unknown>;
  #isStopped = false;
  #number = 0;

  constructor(cluster: Cluster, crowds: number) {
    this.#cluster = cluster;
    this.#work = Promise.all(Array.from({ length: crowds }, (_, index) => this.#play(index)));
  }

  /** Until there are so many more. */
  async goOn(count: number): Promise<void> {
    const goal = this.done.length + count;
    while (this.done.length < goal) await setTimeout(RETRY_MS);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#work;
  }

  async #play(index: number): Promise<void> {
    const at = (offset: number): Visitor => new Visitor(this.#cluster.node((index + offset) % 3));
    const [ann, bob, otherAnn] = [at(0), at(1), at(2)];
    while (!this.#isStopped) await this.#round(ann, bob, otherAnn);
    for (const visitor of [ann, bob, otherAnn]) visitor.end();
  }

  async #round(ann: Visitor, bob: Visitor, otherAnn: Visitor): Promise<void> {
    const visitors = [ann, bob, otherAnn];
    await Promise.all(visitors.map((visitor) => visitor.connected()));
    this.#number += 1;
    const [room, news] = [`presence-room-${this.#number}`, `news-${this.#number}`];
    const round: Round = { room, news, isSteady: true, joined: new Set(), said: [], heard: [], hasNews: false };
    const before = this.disturbances;
    if (await ann.subscribe(room, 'ann')) round.joined.add('ann');
    if (await bob.subscribe(room, 'bob')) round.joined.add('bob');
    if (await otherAnn.subscribe(room, 'ann')) round.joined.add('ann');
    round.hasNews = await bob.subscribe(news);
    for (const data of ['1', '2']) {
      ann.say(room, data);
      round.said.push(data);
    }
    ann.unsubscribe(room);
    otherAnn.unsubscribe(room);
    const hasSeen = await bob.sees(room, 'ann');
    round.heard.push(...bob.heard(room));
    bob.unsubscribe(room);
    bob.unsubscribe(news);
    round.isSteady =
      hasSeen && round.hasNews && round.joined.size === 2 && round.heard.length === 2 && before === this.disturbances;
    this.done.push(round);
  }
}

/** What webhooks were told of the channels of a round, in order: `member_added ann`, by channel. */
export function toldOf(events: readonly WebhookEvent[]): ReadonlyMap<string, readonly string[]> {
  const told = new Map<string, string[]>();
  for (const event of events) {
    const texts = told.get(event.channel) ?? [];
    told.set(event.channel, texts);
    const about = 'user_id' in event && event.name !== 'client_event' ? ` ${event.user_id}` : '';
    texts.push(event.name === 'client_event' ? `client_event ${event.data}` : `${event.name}${about}`);
  }
  return told;
}

/** What is wrong with what was told of a round, for people. */
export function contradictions(round: Round, told: ReadonlyMap<string, readonly string[]>): string[] {
  const [room, news] = [told.get(round.room) ?? [], told.get(round.news) ?? []];
  const wrong: string[] = [];
  const check = (isRight: boolean, what: string): void => {
    if (!isRight) wrong.push(`${round.room}: ${what}; told: ${[...room, '|', ...news].join(', ')}`);
  };
  if (round.isSteady) {
    const expected = 'channel_occupied,member_added ann,member_added bob,client_event 1,client_event 2';
    const ends = 'member_removed ann,member_removed bob,channel_vacated';
    check(`${room}` === `${expected},${ends}`, 'nothing failed, and it is not what was done');
    check(`${news}` === 'channel_occupied,channel_vacated', 'nothing failed, and it is not what was done');
    return wrong;
  }
  for (const texts of [room, news]) checkOrder(texts, check);
  for (const userId of round.joined) check(room.includes(`member_added ${userId}`), `${userId} joined`);
  if (round.hasNews) check(news.includes('channel_occupied'), 'somebody subscribed to the news');
  const said = room.filter((text) => text.startsWith('client_event ')).map((text) => text.slice(13));
  check(`${said}` === `${round.said.filter((data) => said.includes(data))}`, 'client events are not what was said');
  for (const data of round.heard) check(said.includes(data), `${data} was heard`);
  return wrong;
}

/** Facts begin before they end, members are in an occupied channel, and all has ended. */
function checkOrder(texts: readonly string[], check: (isRight: boolean, what: string) => void): void {
  const members = new Set<string>();
  let isOccupied = false;
  for (const text of texts) {
    const [name = '', userId = ''] = text.split(' ');
    switch (name) {
      case 'channel_occupied':
      case 'channel_vacated':
        check(isOccupied === (name === 'channel_vacated') && members.size === 0, `${name} is out of place`);
        isOccupied = name === 'channel_occupied';
        break;
      case 'member_added':
        check(isOccupied && !members.has(userId), `${text} is out of place`);
        members.add(userId);
        break;
      case 'member_removed':
        check(isOccupied && members.delete(userId), `${text} is out of place`);
    }
  }
  check(!isOccupied && members.size === 0, 'not all has ended');
}
