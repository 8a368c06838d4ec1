import { expect } from 'vitest';
import { DelayedSeams } from '../support/delayed-seams.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type createApp, type TestClient, TestNode } from './test-node.ts';

/** A node whose seams answer when they are told to. */
export function createSlow(app: Parameters<typeof createApp>[0] = {}) {
  const clock = new FakeClock();
  const seams = new DelayedSeams(clock);
  const test = new TestNode({ app, clock, seams });
  return { clock, seams, test, node: test.node };
}

export type Slow = ReturnType<typeof createSlow>;

/** What a node with nobody on it looks like, here and behind the seams. */
export async function expectNothingLeft({ seams, test, node, clock }: Slow): Promise<void> {
  seams.isSlow = false;
  expect(node.connections.size).toBe(0);
  expect([...node.channels.keys()]).toEqual([]);
  expect([...seams.subscribed]).toEqual([]);
  expect([...test.fanOut.topics.values()].flatMap((clients) => [...clients])).toEqual([]);
  expect(await seams.store.occupied('3', '')).toEqual([]);
  for (const channel of ['presence-room', 'presence-cache-x']) {
    expect((await seams.store.members('3', channel)).members).toEqual([]);
  }
  expect([...(await seams.store.online('3', ['ann', 'bob']))]).toEqual([]);
  expect(await seams.store.addConnection('3', 1)).toBe(true);
  clock.advance(600_000);
  expect(test.failures).toEqual([]);
}

export const SCENARIOS: Readonly<
  Record<string, { readonly app?: Parameters<typeof createApp>[0]; run(c: TestClient): void }>
> = {
  'a public subscription': { run: (client) => client.subscribe('news') },
  'a private subscription': { run: (client) => client.subscribe('private-news') },
  'a presence subscription': { run: (client) => client.subscribe('presence-room', '{"user_id":"ann"}') },
  'a cache subscription': { run: (client) => client.subscribe('cache-news') },
  'a presence-cache subscription': { run: (client) => client.subscribe('presence-cache-x', '{"user_id":"ann"}') },
  'a subscription that is counted': {
    app: { enableSubscriptionCountEvents: true },
    run: (client) => client.subscribe('news'),
  },
  'a sign-in': { run: (client) => client.signIn('{"id":"ann"}') },
  'a sign-in with a watchlist': { run: (client) => client.signIn('{"id":"ann","watchlist":["bob","cid","ann"]}') },
  'a repeated sign-in with another watchlist': {
    run: (client) => {
      client.signIn('{"id":"ann","watchlist":["bob"]}');
      client.signIn('{"id":"ann","watchlist":["cid"]}');
    },
  },
  'the authorization of a connection by subscription': {
    app: { enableUserAuthentication: true, limits: { maxConnections: 5 } },
    run: (client) => client.subscribe('presence-room', '{"user_id":"ann"}'),
  },
  'the authorization of a connection by sign-in': {
    app: { enableUserAuthentication: true, limits: { maxConnections: 5 } },
    run: (client) => client.signIn('{"id":"ann"}'),
  },
  'leaving and entering again': {
    run: (client) => {
      client.subscribe('presence-room', '{"user_id":"ann"}');
      client.unsubscribe('presence-room');
      client.subscribe('presence-room', '{"user_id":"ann"}');
    },
  },
  'everything at once': {
    app: { enableSubscriptionCountEvents: true },
    run: (client) => {
      client.signIn('{"id":"ann","watchlist":["bob"]}');
      client.subscribe('#server-to-user-ann');
      client.subscribe('presence-room');
      client.subscribe('private-cache-x');
      client.send({ event: 'client-hello', channel: 'presence-room', data: 1 });
      client.unsubscribe('presence-room');
    },
  },
};
