import { setTimeout } from 'node:timers/promises';
import { expect, onTestFailed } from 'vitest';
import { trigger } from '../support/api-client.ts';
import type { Closed, Frame, RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';

/** Between two events of one publisher. */
const PACE_MS = 8;
export const EVENT = 'rvm.status.updated';

/** Publishes one event after the other at an address, until it is told to stop. */
export class SteadyPublisher {
  /** Data of the events that were answered with 200. */
  readonly accepted: string[] = [];
  /** Other answers, as `503 …`; a connection that failed is `0 …`. */
  readonly refused: string[] = [];
  readonly name: string;
  /** Number of the event that is published next. */
  next = 0;
  readonly #work: Promise<void>;
  #isStopped = false;

  constructor(url: string, channel: string, name: string) {
    this.name = name;
    this.#work = this.#publish(url, channel);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#work;
  }

  /** Until so many more were accepted. */
  async goOn(count: number): Promise<void> {
    const goal = this.accepted.length + count;
    await until(() => this.accepted.length >= goal);
  }

  /** Those accepted, from a number on. */
  acceptedFrom(number: number): string[] {
    return this.accepted.filter((data) => Number(data.slice(this.name.length + 1)) >= number);
  }

  async #publish(url: string, channel: string): Promise<void> {
    while (!this.#isStopped) {
      const data = `${this.name}:${this.next}`;
      this.next += 1;
      const { status, text } = await trigger(url, { name: EVENT, channel, data }).catch((error: unknown) => ({
        status: 0,
        text: String(error),
      }));
      if (status === 200) this.accepted.push(data);
      else this.refused.push(`${status} ${text}`);
      await setTimeout(PACE_MS);
    }
  }
}

/** A client that notes which events it got, until it is disconnected. */
export class Listener {
  readonly client: RawClient;
  readonly received: string[] = [];
  end: Closed | undefined;
  /** Numbers of the first events that were published after it had subscribed. */
  readonly #firsts: ReadonlyMap<SteadyPublisher, number>;

  private constructor(client: RawClient, publishers: readonly SteadyPublisher[]) {
    this.client = client;
    this.#firsts = new Map(publishers.map((publisher) => [publisher, publisher.next]));
    void this.#listen();
  }

  /** @param publishers - those that are under way */
  static async start(
    client: RawClient,
    channel: string,
    publishers: readonly SteadyPublisher[] = [],
  ): Promise<Listener> {
    await client.subscribed(channel);
    return new Listener(client, publishers);
  }

  /** Accepted events that it did not get. */
  missed(publishers: readonly SteadyPublisher[]): string[] {
    const received = new Set(this.received);
    const accepted = publishers.flatMap((publisher) => publisher.acceptedFrom(this.#firsts.get(publisher) ?? 0));
    return accepted.filter((data) => !received.has(data));
  }

  async #listen(): Promise<void> {
    while (!this.end) {
      const item = await this.client.nextItem();
      if ('code' in item) {
        this.end = item;
        return;
      }
      const { event, data } = JSON.parse(item.text) as Frame;
      if (event === EVENT) this.received.push(String(data));
      if (event === 'pusher:ping') this.client.send({ event: 'pusher:pong' });
    }
  }
}

/** The promise: whoever stays connected gets every event that was accepted, once; whoever may have missed one is told by 4200. */
export async function expectNoSilentLoss(
  listeners: readonly Listener[],
  publishers: readonly SteadyPublisher[],
): Promise<void> {
  let waitsFor: string[] = [];
  onTestFailed(() => {
    if (waitsFor.length > 0) process.stderr.write(`never came: ${waitsFor.length}, such as ${waitsFor.slice(0, 5)}\n`);
  });
  for (const listener of listeners) {
    await until(() => {
      waitsFor = listener.end ? [] : listener.missed(publishers);
      return waitsFor.length === 0;
    });
    if (listener.end) expect(listener.end.code).toBe(4200);
    expect(listener.received.length).toBe(new Set(listener.received).size);
  }
  const [first, ...others] = listeners.filter(({ end }) => !end);
  for (const { received } of others)
    expect(inCommon(received, first)).toEqual(inCommon(first?.received ?? [], { received }));
}

/** In the order of the first. */
function inCommon(data: readonly string[], other: Pick<Listener, 'received'> | undefined): string[] {
  const known = new Set(other?.received);
  return data.filter((each) => known.has(each));
}
