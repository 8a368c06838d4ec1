import { expect } from 'vitest';
import { read, trigger } from '../../support/api-client.ts';
import type { TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';

const CHANNEL = 'witnessed';

/** A client that behaves, beside others that do not: it must miss nothing. */
export class Witness {
  readonly #broker: TestBroker;
  readonly #client: RawClient;
  readonly #published: string[] = [];

  private constructor(broker: TestBroker, client: RawClient) {
    this.#broker = broker;
    this.#client = client;
  }

  static async start(broker: TestBroker): Promise<Witness> {
    const client = await RawClient.connect(broker.wsUrl);
    await client.subscribed(CHANNEL);
    await client.next('pusher_internal:subscription_count');
    return new Witness(broker, client);
  }

  /** Publishes one more event while others do what they do. */
  async publish(): Promise<void> {
    const data = String(this.#published.length);
    this.#published.push(data);
    const { status } = await trigger(this.#broker.url, { name: 'tick', channel: CHANNEL, data });
    expect(status).toBe(200);
  }

  /** Every event since the last time has come, once and in order, and nothing else. */
  async missedNothing(): Promise<void> {
    const expected = this.#published.splice(0);
    const frames = await this.#client.flush();
    const own = frames.map((text) => JSON.parse(text) as { event: string; data: string });
    expect(own.map(({ event, data }) => `${event} ${data}`)).toEqual(expected.map((data) => `tick ${data}`));
  }

  leave(): Promise<void> {
    return this.#client.close();
  }
}

/** Waits until the broker noticed the end of all connections but these. */
export async function onlyLeft(broker: TestBroker, connections: number): Promise<void> {
  for (;;) {
    const usage = (await (await fetch(`${broker.url}/usage`)).json()) as { connections: number };
    if (usage.connections <= connections) return;
  }
}

/** Nothing is left of the clients that were there, and nothing went wrong inside. */
export async function expectNothingLeft(broker: TestBroker): Promise<void> {
  await onlyLeft(broker, 0);
  expect(broker.log.filter(isFault)).toEqual([]);
  expect(await read(broker.url, '/channels')).toEqual({ channels: {} });
  const { node } = broker;
  expect([...node.connections.keys()]).toEqual([]);
  expect([...node.channels.keys()]).toEqual([]);
  expect(node.liveness.size).toBe(0);
  for (const user of ['1', '2', 'u']) expect([...(await node.store.online('12345', [user]))]).toEqual([]);
  expect(await node.store.addConnection('12345', 1)).toBe(true);
  node.store.removeConnection('12345');
}

function isFault(line: Record<string, unknown>): boolean {
  return Number(line.level) >= 50 || String(line.msg).includes('unexpected failure');
}
