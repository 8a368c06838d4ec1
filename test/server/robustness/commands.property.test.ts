import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, read, trigger } from '../../support/api-client.ts';
import { atLength } from '../../support/at-length.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { type Frame, RawClient } from '../../support/raw-client.ts';
import { frameText, SEED, signedSubscription } from './arbitraries.ts';
import { expectNothingLeft, onlyLeft, Witness } from './witness.ts';

let broker: TestBroker;
let witness: Witness;
beforeAll(async () => {
  broker = await startBroker();
  witness = await Witness.start(broker);
});
afterAll(async () => {
  await witness.leave();
  await expectNothingLeft(broker);
  broker.kill();
});

const CLIENTS = 3;
const NAMES = [
  'news',
  'cache-a',
  'private-a',
  'private-cache-a',
  'presence-a',
  'presence-cache-a',
  '#server-to-user-1',
];

type Step =
  | { readonly does: 'subscribe' | 'subscribe wrongly' | 'unsubscribe' | 'whisper'; readonly channel: string }
  | { readonly does: 'sign in'; readonly user: string }
  | { readonly does: 'say'; readonly text: string }
  | { readonly does: 'publish'; readonly channels: readonly string[] }
  | { readonly does: 'terminate'; readonly user: string }
  | { readonly does: 'close' | 'vanish' };

const channel = fc.constantFrom(...NAMES);
const user = fc.constantFrom('1', '2');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant('subscribe' as const), channel }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('subscribe wrongly' as const), channel }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('unsubscribe' as const), channel }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('whisper' as const), channel }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('sign in' as const), user }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('say' as const), text: frameText }) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('publish' as const), channels: fc.array(channel, { minLength: 1 }) }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('terminate' as const), user }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('close' as const, 'vanish' as const) }) },
);
const script = fc.array(fc.tuple(fc.nat(CLIENTS - 1), step), { minLength: 1, maxLength: 40 });

/** Texts that can't change what the player knows of its subscriptions. */
const isHarmless = (text: string): boolean => !/pusher:(un)?subscribe|pusher:ping|pusher:signin/.test(text);

/** A client, and what it has been told of its subscriptions. */
class Player {
  readonly client: RawClient;
  readonly userId: string;
  readonly entered = new Set<string>();
  isGone = false;
  /** What is true once the next pong is here: this channel was left, or nothing. */
  readonly #pings: (string | undefined)[] = [];

  private constructor(client: RawClient, number: number) {
    this.client = client;
    this.userId = String(number % 2);
  }

  static async join(number: number): Promise<Player> {
    return new Player(await RawClient.connect(broker.wsUrl), number);
  }

  async act(next: Step): Promise<void> {
    const { client, userId } = this;
    switch (next.does) {
      case 'subscribe': {
        const member = next.channel.startsWith('presence-') ? `{"user_id":${userId}}` : undefined;
        return client.send(signedSubscription(client.socketId, next.channel, member));
      }
      case 'subscribe wrongly':
        return client.send({ event: 'pusher:subscribe', data: { channel: next.channel, auth: `${APP.key}:0` } });
      case 'unsubscribe':
        client.send({ event: 'pusher:unsubscribe', data: { channel: next.channel } });
        return this.#ping(next.channel);
      case 'whisper':
        return client.send({ event: 'client-e', channel: next.channel, data: userId });
      case 'sign in':
        return client.signIn(JSON.stringify({ id: next.user, watchlist: ['1', '2'] }));
      case 'say':
        return client.send(next.text);
      case 'publish':
        await trigger(broker.url, { name: 'e', channels: next.channels, data: '', socket_id: client.socketId });
        return;
      case 'terminate':
        await call(broker.url, 'POST', `/apps/${APP.id}/users/${next.user}/terminate_connections`, { body: {} });
        return;
      case 'close':
        this.isGone = true;
        return client.ws.close();
      case 'vanish':
        this.isGone = true;
        return client.ws.terminate();
    }
  }

  /** Hears all that the broker had to say so far. */
  async listen(): Promise<void> {
    this.#ping(undefined);
    try {
      while (this.#pings.length > 0) this.#note(await this.client.next());
    } catch {
      // Its user was terminated.
      this.isGone = true;
    }
  }

  #ping(left: string | undefined): void {
    this.client.send({ event: 'pusher:ping' });
    this.#pings.push(left);
  }

  #note({ event, channel: name }: Frame): void {
    if (event === 'pusher:pong') this.entered.delete(this.#pings.shift() ?? '');
    if (event === 'pusher_internal:subscription_succeeded' && name !== undefined) this.entered.add(name);
  }
}

test('whatever clients do, the broker holds what they were told, and nothing of those who are gone', async () => {
  const property = fc.asyncProperty(script, async (steps) => {
    const players = await Promise.all(Array.from({ length: CLIENTS }, (_, number) => Player.join(number)));
    for (const [number, next] of steps) {
      const player = players[number];
      if (!player || player.isGone || (next.does === 'say' && !isHarmless(next.text))) continue;
      await Promise.all([player.act(next), witness.publish()]);
    }
    for (const player of players) if (!player.isGone) await player.listen();
    const present = players.filter(({ isGone }) => !isGone);
    await onlyLeft(broker, present.length + 1);

    for (const { client, entered } of present) {
      const held =
        broker.node.connections
          .get(client.socketId)
          ?.subscriptions.values()
          .map(({ channel }) => channel.name) ?? [];
      expect([...held].sort()).toEqual([...entered].sort());
    }
    const occupied = new Set(present.flatMap(({ entered }) => [...entered]).filter((name) => !name.startsWith('#')));
    const { channels } = (await read(broker.url, '/channels')) as { channels: object };
    expect(Object.keys(channels).sort()).toEqual([...occupied, 'witnessed'].sort());
    for (const name of ['presence-a', 'presence-cache-a']) {
      const users = new Set(present.filter(({ entered }) => entered.has(name)).map(({ userId }) => userId));
      const { users: listed } = (await read(broker.url, `/channels/${name}/users`)) as { users: { id: string }[] };
      expect(listed.map(({ id }) => id).sort()).toEqual([...users].sort());
    }

    for (const { client } of present) client.ws.terminate();
    await onlyLeft(broker, 1);
    expect([...broker.node.channels.values()].map(({ name }) => name)).toEqual(['witnessed']);
    await witness.missedNothing();
  });
  await fc.assert(property, { seed: SEED, numRuns: atLength(50, 150) });
});
