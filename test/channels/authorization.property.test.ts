import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ruleFor } from '../../auth/channel-rules.ts';
import { NODES_APP, NODES_CHANNEL } from '../../channels/nodes-channel.ts';
import { atLength } from '../support/at-length.ts';
import { DelayedSeams } from '../support/delayed-seams.ts';
import { FakeClock } from '../support/fake-clock.ts';
import type { TestClient } from './test-node.ts';
import { holder, rule, TOKEN, TokenNode } from './token-node.ts';

const CHANNELS = ['private-a', 'presence-a', 'presence-cache-b', 'open'] as const;
const USERS = ['7', '8'] as const;
/** What the app may be configured with. */
const RULE_SETS = [
  [rule('*', [TOKEN])],
  [rule('private-*', [holder('admin')]), rule('presence-*', [TOKEN])],
  [rule('presence-*', [holder('admin')])],
  [],
];

type Step =
  | {
      readonly do: 'token';
      readonly client: number;
      readonly channel: string;
      readonly user: string;
      readonly role: string;
      readonly ttl: number;
    }
  | { readonly do: 'signature'; readonly client: number; readonly channel: string; readonly user: string }
  | { readonly do: 'unsubscribe'; readonly client: number; readonly channel: string }
  | {
      readonly do: 'sign in';
      readonly client: number;
      readonly user: string;
      readonly role: string;
      readonly ttl: number;
    }
  | { readonly do: 'vanish'; readonly client: number }
  | { readonly do: 'revoke'; readonly channel: string; readonly user: string | undefined }
  | { readonly do: 'replace'; readonly rules: number }
  | { readonly do: 'advance'; readonly seconds: number }
  | { readonly do: 'answer' };

const client = fc.nat({ max: 2 });
const channel = fc.constantFrom(...CHANNELS);
const user = fc.constantFrom(...USERS);
const role = fc.constantFrom('admin', 'viewer');
const ttl = fc.integer({ min: 1, max: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('token' as const), client, channel, user, role, ttl }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('signature' as const), client, channel, user }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unsubscribe' as const), client, channel }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sign in' as const), client, user, role, ttl }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('vanish' as const), client }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('revoke' as const),
      channel: fc.constantFrom(...CHANNELS, 'presence-*', '*'),
      user: fc.option(user, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), rules: fc.nat({ max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('advance' as const), seconds: fc.nat({ max: 3 }) }) },
  { weight: 8, arbitrary: fc.constant({ do: 'answer' as const }) },
);

/** Keeps what a page thinks of its channels by what it was told. */
class Page {
  readonly client: TestClient;
  readonly channels = new Set<string>();
  /** Channels that it asked to leave at some time, of which it is told nothing. */
  readonly left = new Set<string>();
  #read = 0;

  constructor(client: TestClient) {
    this.client = client;
  }

  /** @returns names of the channels of which an event came */
  read(): Set<string> {
    const events = new Set<string>();
    for (const frame of this.client.frames.slice(this.#read)) {
      const { event, channel: name } = JSON.parse(frame);
      if (event === 'pusher_internal:subscription_succeeded') this.channels.add(name);
      else if (event === 'pusher:subscription_error') this.channels.delete(name);
      else if (name !== undefined) expect(this.channels.has(name), `${frame} outside of the channel`).toBe(true);
      if (event === 'e') events.add(name);
    }
    this.#read = this.client.frames.length;
    return events;
  }

  /** Whether it was told of all that happened to it. */
  expectToKnow(subscribed: ReadonlySet<string>): void {
    for (const name of subscribed) expect(this.channels.has(name), `${name}: told of the success`).toBe(true);
    for (const name of this.channels) {
      if (subscribed.has(name)) continue;
      expect(this.left.has(name), `${name}: told of the end`).toBe(true);
      this.channels.delete(name);
    }
  }
}

/** Judges each subscription by itself: the token's end, the rule as it is now, and all that was revoked since. */
function expectRights(node: TokenNode, revocations: readonly Revoked[]): void {
  for (const connection of node.node.connections.values()) {
    for (const { channel, grant, isSigned, member } of connection.subscriptions.values()) {
      const { name } = channel;
      const facts = `${connection.socketId} in ${name}`;
      if (grant?.expiresAtSeconds !== undefined) {
        expect(grant.expiresAtSeconds, `${facts} after the end`).toBeGreaterThan(node.nowSeconds);
      }
      const [audience] = ruleFor(connection.app.channelRules, name).subscribe;
      if (grant && !isSigned) {
        expect(['application', name === 'open' ? '' : 'public'], `${facts} by a token without a rule`).not.toContain(
          audience?.kind,
        );
        if (audience?.kind === 'holder') expect(grant.roles, facts).toContain('admin');
      } else if (name === 'open' && !isSigned) {
        expect(audience?.kind, `${facts} without a right`).toMatch(/^(anyone|public)$/);
      }
      for (const { matches, userId, atSeconds, lastSerial } of revocations) {
        const ids = [member?.userId, grant?.userId, connection.user?.id];
        if (!matches(name) || (userId !== undefined && !ids.includes(userId))) continue;
        const isLater = grant ? (grant.issuedAtSeconds ?? 0) > atSeconds : connection.serial > lastSerial;
        expect(isLater, `${facts} though revoked`).toBe(true);
      }
    }
  }
}

interface Revoked {
  readonly matches: (name: string) => boolean;
  readonly userId: string | undefined;
  readonly atSeconds: number;
  readonly lastSerial: number;
}

test('nobody is in a channel, or hears of it, without a right to it, in whatever order things happen', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50, size: 'max' }), async (steps) => {
      const clock = new FakeClock();
      const seams = new DelayedSeams(clock);
      const node = new TokenNode([rule('*', [TOKEN])], { clock, seams });
      await node.node.nodesChannel.start();
      const idle = (): boolean => node.node.dueTimes.size === 0;
      let app = node.replace({});
      const connect = (): Page => {
        const wasSlow = seams.isSlow;
        seams.isSlow = false;
        const page = new Page(node.connect({ app }));
        seams.isSlow = wasSlow;
        return page;
      };
      const pages = [connect(), connect(), connect()];
      const revocations: Revoked[] = [];
      seams.isSlow = true;

      const check = async (): Promise<void> => {
        seams.isSlow = false;
        expectRights(node, revocations);
        const subscribed = pages.map(
          ({ client: { connection } }) =>
            new Set(connection?.subscriptions.values().map(({ channel }) => channel.name)),
        );
        pages.forEach((page, index) => {
          page.read();
          page.expectToKnow(subscribed[index] ?? new Set());
        });
        for (const name of CHANNELS) await seams.broker.publish({ appId: '3', channel: name, frame: frameOf(name) });
        expect(pages.map((page) => page.read())).toEqual(subscribed);
        seams.isSlow = true;
      };

      for (const each of steps) {
        const page = 'client' in each ? pages[each.client] : undefined;
        const token = (given: { user: string; role: string; ttl: number }): string =>
          node.token({ sub: given.user, role: given.role, exp: node.nowSeconds + given.ttl });
        switch (each.do) {
          case 'token':
            page?.client.send({ event: 'pusher:subscribe', data: { channel: each.channel, auth: token(each) } });
            break;
          case 'signature': {
            const data = each.channel.startsWith('presence-') ? JSON.stringify({ user_id: each.user }) : undefined;
            const auth = page?.client.signature(each.channel, data);
            page?.client.send({ event: 'pusher:subscribe', data: { channel: each.channel, auth, channel_data: data } });
            break;
          }
          case 'unsubscribe':
            page?.left.add(each.channel);
            page?.client.unsubscribe(each.channel);
            break;
          case 'sign in':
            page?.client.send({ event: 'pusher:signin', data: { auth: token(each) } });
            break;
          case 'vanish':
            page?.client.vanish();
            pages[each.client] = connect();
            break;
          case 'replace':
            app = node.replace({ channelRules: RULE_SETS[each.rules] ?? [] });
            break;
          case 'revoke': {
            // Published at once: when it is on all nodes is the store's to say.
            seams.isSlow = false;
            await node.revoke(
              each.channel,
              each.user === undefined ? { kind: 'everyone' } : { kind: 'user', userId: each.user },
            );
            seams.isSlow = true;
            const pattern = new RegExp(`^${each.channel.replaceAll('*', '.*')}$`);
            revocations.push({
              matches: (name) => pattern.test(name),
              userId: each.user,
              atSeconds: Math.floor(node.nowSeconds),
              lastSerial: node.node.lastSerial,
            });
            break;
          }
          case 'advance':
            clock.advance(each.seconds * 1000);
            break;
          case 'answer':
            await seams.answer();
        }
        await check();
      }
      await seams.answerAll();
      await check();

      seams.isSlow = false;
      for (const name of CHANNELS) {
        const present = pages.flatMap(({ client: { connection } }) => {
          const subscription = connection?.subscriptions.get(name);
          return subscription?.member ? [subscription.member.userId] : [];
        });
        const members = (await seams.store.members('3', name)).members.map(({ userId }) => userId);
        expect(new Set(members)).toEqual(new Set(present));
      }
      const signedIn = pages.flatMap(({ client: { connection } }) => (connection?.user ? [connection.user.id] : []));
      expect(new Set(await seams.store.online('3', [...USERS]))).toEqual(new Set(signedIn));
      for (const page of pages) page.client.vanish();
      expect(idle()).toBe(true);
      expect(node.node.channels.size).toBe(0);
      expect([...seams.subscribed]).toEqual([`${NODES_APP}/${NODES_CHANNEL}`]);
      expect(node.failures).toEqual([]);
    }),
    { numRuns: atLength(60, 300) },
  );
});

function frameOf(channel: string): string {
  return JSON.stringify({ event: 'e', channel, data: '{}' });
}
