import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { encodeUserData } from '../../auth/grant.ts';
import { userChannelName } from '../../protocol/channel-name.ts';
import { DelayedSeams } from '../support/delayed-seams.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { errorFrame } from './test-node.ts';
import {
  ended,
  enter,
  eventsOf,
  expiredText,
  holder,
  refused,
  rule,
  signInWith,
  succeeded,
  TOKEN,
  TokenNode,
} from './token-node.ts';

const USER = userChannelName('7');

function endText(seconds: number): string {
  const at = new Date(seconds * 1000).toISOString();
  return `Sign-in ended: its token expired at ${at}. Sign in again with a fresh one`;
}

const watched = (name: 'online' | 'offline', id = '7'): string =>
  JSON.stringify({
    event: 'pusher_internal:watchlist_events',
    data: JSON.stringify({ events: [{ name, user_ids: [id] }] }),
  });

describe('a token as auth of pusher:signin', () => {
  test('signs its user in, and tells the client who that is', () => {
    const node = new TokenNode();
    const client = node.connect();
    const token = node.token({ sub: '7', user_info: { name: 'Ann' }, watchlist: ['8'] });
    const [success, watchlist] = signInWith(client, token);
    const { event, data } = JSON.parse(success ?? '');
    expect(event).toBe('pusher:signin_success');
    expect(JSON.parse(JSON.parse(data).user_data)).toMatchObject({
      id: '7',
      user_info: { name: 'Ann' },
      watchlist: ['8'],
    });
    expect(watchlist).toBe(watched('offline', '8'));
    expect(enter(client, USER)).toEqual([succeeded(USER)]);
  });

  test('takes user_data that repeats the id, and refuses another', () => {
    const node = new TokenNode();
    const client = node.connect();
    const text = 'user_data names another user than the token: leave it out, or send id 7';
    expect(signInWith(client, node.token({ sub: '7' }), '{"id":"8"}')).toEqual([errorFrame(text)]);
    expect(eventsOf(signInWith(client, node.token({ sub: '7' }), '{"id":"7"}'))).toEqual(['signin_success']);
    expect(eventsOf(signInWith(client, node.token({ sub: '7' }), ''))).toEqual(['signin_success']);
  });

  test('is refused without a user, or once it is over', () => {
    const node = new TokenNode();
    const client = node.connect();
    signInWith(client, node.token());
    signInWith(client, node.token({ sub: '7', exp: node.nowSeconds }));
    signInWith(client, client.signature('x'));
    expect(node.refused).toEqual(['token-without-user', 'token-expired', 'invalid-message']);
    expect(client.connected.user).toBeUndefined();
  });

  test('opens closed public channels, and a presence channel that the application signed', () => {
    const nobody = [holder('nobody')];
    const node = new TokenNode([rule('staff', [holder('admin')]), rule('presence-*', nobody, nobody)]);
    const client = node.connect();
    signInWith(client, node.token({ sub: '7', role: 'admin' }));
    expect(enter(client, 'staff')).toEqual([succeeded('staff')]);
    const presence = { count: 1, ids: ['7'], hash: { 7: null } };
    // Rules open it to nobody like that: the application did.
    expect(enter(client, 'presence-room', client.signature('presence-room'))).toEqual([
      succeeded('presence-room', { presence }),
    ]);
    client.send({ event: 'client-e', channel: 'presence-room', data: 1 });
    expect(client.take()).toEqual([]);
  });
});

describe('a sign-in by token that ends', () => {
  test('takes the user out of everything that hung on it, and tells why', async () => {
    const node = new TokenNode([rule('staff', [TOKEN])]);
    const [client, watcher] = [node.connect(), node.connect()];
    watcher.signIn('{"id":"w","watchlist":["7"]}');
    watcher.subscribe('presence-room', '{"user_id":"w"}');
    const end = node.nowSeconds + 60;
    signInWith(client, node.token({ sub: '7' }));
    enter(client, USER);
    enter(client, 'staff');
    enter(client, 'presence-room', client.signature('presence-room'));
    enter(client, 'private-x', client.signature('private-x'));
    watcher.take();
    client.take();
    node.clock.advance(59_999);
    expect(client.take()).toEqual([]);
    node.clock.advance(1);
    expect(client.take()).toEqual([
      errorFrame(endText(end)),
      ended(USER, 401, expiredText(USER, end)),
      ended('staff', 401, expiredText('staff', end)),
      ended('presence-room', 401, expiredText('presence-room', end)),
    ]);
    expect(eventsOf(watcher.take())).toEqual(['watchlist_events', 'member_removed']);
    expect([...(await node.node.store.online('3', ['7']))]).toEqual([]);
    expect(client.connected.subscriptions.values().map(({ channel }) => channel.name)).toEqual(['private-x']);
    expect(client.connected.user).toBeUndefined();
    expect(enter(client, USER)[0]).toContain('Not signed in');
    expect(node.node.dueTimes.size).toBe(0);
  });

  test('tells those who watch the user only with the last connection', () => {
    const node = new TokenNode();
    const [first, second, watcher] = [node.connect(), node.connect(), node.connect()];
    watcher.signIn('{"id":"w","watchlist":["7"]}');
    signInWith(first, node.token({ sub: '7' }));
    signInWith(second, node.token({ sub: '7', exp: node.nowSeconds + 90 }));
    watcher.take();
    node.clock.advance(60_000);
    expect(watcher.take()).toEqual([]);
    node.clock.advance(30_000);
    expect(watcher.take()).toEqual([watched('offline')]);
  });

  test('can be followed by one of another user', () => {
    const node = new TokenNode();
    const client = node.connect();
    signInWith(client, node.token({ sub: '7' }));
    signInWith(client, node.token({ sub: '8' }));
    expect(node.refused).toEqual(['signed-in-already']);
    node.clock.advance(60_000);
    client.take();
    expect(eventsOf(signInWith(client, node.token({ sub: '8' })))).toEqual(['signin_success']);
  });

  test('does not wait for a connection that is gone', () => {
    const node = new TokenNode();
    const client = node.connect();
    signInWith(client, node.token({ sub: '7' }));
    expect(node.node.dueTimes.size).toBe(1);
    client.vanish();
    expect(node.node.dueTimes.size).toBe(0);
  });
});

describe('a fresh sign-in of the same user', () => {
  test('extends all that hung on the former one', () => {
    const node = new TokenNode([rule('staff', [TOKEN])]);
    const [client, watcher] = [node.connect(), node.connect()];
    watcher.signIn('{"id":"w","watchlist":["7"]}');
    signInWith(client, node.token({ sub: '7' }));
    enter(client, USER);
    enter(client, 'staff');
    enter(client, 'presence-room', client.signature('presence-room'));
    watcher.take();
    node.clock.advance(30_000);
    expect(eventsOf(signInWith(client, node.token({ sub: '7' })))).toEqual(['signin_success']);
    node.clock.advance(59_999);
    expect([client.take(), watcher.take()]).toEqual([[], []]);
    node.clock.advance(1);
    expect(eventsOf(client.take())).toEqual([
      'error',
      'subscription_error',
      'subscription_error',
      'subscription_error',
    ]);
    expect(watcher.take()).toEqual([watched('offline')]);
  });

  test('by the application makes it last', () => {
    const node = new TokenNode();
    const client = node.connect();
    signInWith(client, node.token({ sub: '7' }));
    enter(client, USER);
    enter(client, 'presence-room', client.signature('presence-room'));
    client.signIn('{"id":"7"}');
    client.take();
    node.clock.advance(60_000);
    expect(client.take()).toEqual([]);
    expect(client.connected.subscriptions.size).toBe(2);
    expect(node.node.dueTimes.size).toBe(0);
  });

  test('with fewer roles ends what it does not open', () => {
    const node = new TokenNode([rule('staff', [holder('admin')])]);
    const client = node.connect();
    signInWith(client, node.token({ sub: '7', role: 'admin' }));
    enter(client, 'staff');
    const text = 'Not allowed to subscribe to staff: it takes the role admin; the token has no role';
    expect(signInWith(client, node.token({ sub: '7' }))[0]).toBe(ended('staff', 403, text));
    expect(client.connected.subscriptions.size).toBe(0);
  });

  test('that is refused leaves the former one as it is', () => {
    const node = new TokenNode();
    const client = node.connect();
    signInWith(client, node.token({ sub: '7' }));
    signInWith(client, 'eyJ');
    node.clock.advance(59_999);
    expect(client.connected.user?.id).toBe('7');
    node.clock.advance(1);
    expect(client.connected.user).toBeUndefined();
  });
});

describe('user_data that the broker signed for a token', () => {
  const grantUntil = (seconds: number) => ({
    userId: '7',
    roles: ['admin'],
    userInfoJson: undefined,
    watchlist: [],
    claims: {},
    issuedAtSeconds: seconds - 60,
    expiresAtSeconds: seconds,
  });

  test('ends as the token does, and opens what the token opens', () => {
    const node = new TokenNode([rule('staff', [holder('admin')])]);
    const client = node.connect();
    const end = node.nowSeconds + 60;
    client.signIn(encodeUserData(grantUntil(end), grantUntil(end)));
    client.take();
    expect(enter(client, 'staff')).toEqual([succeeded('staff')]);
    node.clock.advance(60_000);
    expect(client.take()).toEqual([errorFrame(endText(end)), ended('staff', 401, expiredText('staff', end))]);
    client.signIn(encodeUserData(grantUntil(end), grantUntil(end)));
    expect(client.take()).toEqual([errorFrame(endText(end))]);
    expect(node.refused).toEqual(['sign-in-expired', 'subscription-expired', 'sign-in-expired']);
  });
});

describe('while the seams are slow', () => {
  function slowNode() {
    const clock = new FakeClock();
    const seams = new DelayedSeams(clock);
    return { clock, seams, node: new TokenNode([], { clock, seams }) };
  }

  test.for([0, 1, 2, 3])(
    'a sign-in that replaces one which ends after %i answers leaves the user signed in',
    async (answers) => {
      // The end of the first told the store that the user is gone, after the second had told it the contrary.
      const { clock, seams, node } = slowNode();
      const [client, watcher] = [node.connect(), node.connect()];
      watcher.signIn('{"id":"w","watchlist":["7"]}');
      signInWith(client, node.token({ sub: '7' }));
      watcher.take();
      client.take();
      clock.advance(59_000);
      const fresh = node.token({ sub: '7' });
      seams.isSlow = true;
      signInWith(client, fresh);
      for (let answered = 0; answered < answers; answered += 1) await seams.answer();
      clock.advance(1000);
      await seams.answerAll();
      seams.isSlow = false;
      expect([...(await seams.store.online('3', ['7']))]).toEqual(['7']);
      expect(client.connected.user?.id).toBe('7');
      expect(watcher.take().at(-1) ?? watched('online')).toBe(watched('online'));
      clock.advance(58_000);
      expect([...(await seams.store.online('3', ['7']))]).toEqual(['7']);
      clock.advance(1000);
      expect([...(await seams.store.online('3', ['7']))]).toEqual([]);
      client.vanish();
      watcher.vanish();
      expect(node.node.channels.size).toBe(0);
      expect(node.node.dueTimes.size).toBe(0);
      expect(node.failures).toEqual([]);
    },
  );

  test.for([0, 1])('a token that ends after %i answers signs nobody in', async (answers) => {
    const { clock, seams, node } = slowNode();
    const client = node.connect();
    const end = node.nowSeconds + 60;
    seams.isSlow = true;
    signInWith(client, node.token({ sub: '7' }));
    for (let answered = 0; answered < answers; answered += 1) await seams.answer();
    clock.advance(60_000);
    await seams.answerAll();
    seams.isSlow = false;
    expect(client.take()).toEqual([errorFrame(endText(end))]);
    expect(client.connected.user).toBeUndefined();
    expect([...(await seams.store.online('3', ['7']))]).toEqual([]);
    expect(node.node.channels.size).toBe(0);
  });

  test("a sign-in that ends while its user's channel is opened keeps the connection out of it", async () => {
    // It stayed there for good, and got the events of a user that it was not any more.
    const { clock, seams, node } = slowNode();
    const client = node.connect();
    signInWith(client, node.token({ sub: '7' }));
    client.take();
    seams.isSlow = true;
    enter(client, USER);
    clock.advance(60_000);
    expect(eventsOf(client.take())).toEqual(['error']);
    await seams.answerAll();
    seams.isSlow = false;
    const text = `Not signed in as the user of ${USER}: sign in first, a user can only enter their own channel`;
    expect(client.take()).toEqual(refused(USER, 401, text));
    expect(node.node.channels.size).toBe(0);
  });

  test('commands wait for the sign-in that they need', async () => {
    const { seams, node } = slowNode();
    const client = node.connect();
    seams.isSlow = true;
    signInWith(client, node.token({ sub: '7' }));
    enter(client, USER);
    await setImmediate();
    expect(client.take()).toEqual([]);
    await seams.answerAll();
    expect(eventsOf(client.take())).toEqual(['signin_success', 'subscription_succeeded']);
  });
});
