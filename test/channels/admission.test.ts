import { describe, expect, test } from 'vitest';
import { encodeChannelData } from '../../auth/grant.ts';
import { sign } from '../support/tokens.ts';
import { errorFrame } from './test-node.ts';
import { enter, holder, OWN, RVM_RULES, refused, rule, signInWith, succeeded, TOKEN, TokenNode } from './token-node.ts';

const DASHBOARD = 'private-admin-dashboard';

describe('a token as auth', () => {
  test.for(['super-admin', 'admin', 'operator', 'technician'])('lets the role %s into the dashboard', (role) => {
    const node = new TokenNode(RVM_RULES);
    expect(enter(node.connect(), DASHBOARD, node.token({ roles: ['viewer', role] }))).toEqual([succeeded(DASHBOARD)]);
  });

  test('refuses a viewer the dashboard, and says what it takes', () => {
    const node = new TokenNode(RVM_RULES);
    const client = node.connect();
    const text = `Not allowed to subscribe to ${DASHBOARD}: it takes the role super-admin or admin or operator or technician; the token has the role viewer`;
    expect(enter(client, DASHBOARD, node.token({ role: 'viewer' }))).toEqual(refused(DASHBOARD, 403, text));
    expect(node.refused).toEqual(['not-allowed']);
    expect(enter(client, 'rvm-status')).toEqual([succeeded('rvm-status')]);
    expect(client.connected.subscriptions.values().map(({ channel }) => channel.name)).toEqual(['rvm-status']);
    expect([...node.node.channels.values()].map(({ name }) => name)).toEqual(['rvm-status']);
  });

  test('may begin with Bearer', () => {
    const node = new TokenNode(RVM_RULES);
    const auth = `Bearer ${node.token({ role: 'admin' })}`;
    expect(enter(node.connect(), DASHBOARD, auth)).toEqual([succeeded(DASHBOARD)]);
  });

  test('opens the channel of its own user, and of nobody else', () => {
    const node = new TokenNode([rule('private-user.{sub}', [OWN])]);
    const client = node.connect();
    expect(enter(client, 'private-user.7', node.token({ sub: '7' }))).toEqual([succeeded('private-user.7')]);
    expect(enter(client, 'private-user.8', node.token({ sub: '7' }))).toEqual(
      refused(
        'private-user.8',
        403,
        'Not allowed to subscribe to private-user.8: it takes sub as in private-user.{sub}; the token says otherwise',
      ),
    );
  });

  test('is judged by the first rule that matches', () => {
    const node = new TokenNode([rule('private-a.secret', [holder('admin')]), rule('private-a.*', [TOKEN])]);
    const client = node.connect();
    expect(enter(client, 'private-a.open', node.token())).toEqual([succeeded('private-a.open')]);
    expect(enter(client, 'private-a.secret', node.token())[0]).toContain('Not allowed to subscribe');
  });

  test.for(['private-x', 'presence-x', 'private-encrypted-x', 'private-cache-x'])(
    'does not open %s without a rule',
    (channel) => {
      const node = new TokenNode([rule('private-other', [TOKEN])]);
      const text = `Not allowed to subscribe to ${channel}: no rule of the app opens ${channel} to tokens (app option channels); only the application's signature does`;
      expect(enter(node.connect(), channel, node.token({ sub: '7' }))).toEqual(refused(channel, 403, text));
    },
  );

  test.for([
    ['that expired', (node: TokenNode) => node.token({ exp: node.nowSeconds }), 'token-expired', 401],
    ['of another key', (node: TokenNode) => `${node.token().slice(0, -8)}AAAAAAAA`, 'token-signature', 401],
    ['that is cut off', (node: TokenNode) => node.token().slice(0, 30), 'token-malformed', 401],
  ] as const)('%s is refused with its own reason, on the channel too', ([, create, id, status]) => {
    const node = new TokenNode([rule('private-x', [TOKEN])]);
    const client = node.connect();
    const [error, event] = enter(client, 'private-x', create(node)).map((frame) => JSON.parse(frame));
    const { message } = error.data;
    expect(node.refused).toEqual([id]);
    expect(JSON.parse(event.data)).toEqual({ type: 'AuthError', error: message, status });
    expect(client.connected.subscriptions.size).toBe(0);
  });

  test('is refused by an app that takes none', () => {
    const node = new TokenNode([], { app: { tokens: undefined } });
    const client = node.connect();
    enter(client, 'private-x', sign());
    expect(node.refused).toEqual(['tokens-not-configured']);
    expect(client.closedWith).toBeUndefined();
  });
});

describe('a presence channel that a token opens', () => {
  const RULES = [rule('presence-room', [TOKEN])];

  test('has the member that the token names', () => {
    const node = new TokenNode(RULES);
    const watcher = node.connect();
    watcher.subscribe('presence-room', '{"user_id":"1"}');
    watcher.take();
    const token = node.token({ sub: 7, user_info: { name: 'Ann' } });
    const presence = { count: 2, ids: ['1', '7'], hash: { 1: null, 7: { name: 'Ann' } } };
    expect(enter(node.connect(), 'presence-room', token)).toEqual([succeeded('presence-room', { presence })]);
    expect(watcher.take()).toEqual([
      String.raw`{"event":"pusher_internal:member_added","channel":"presence-room","data":"{\"user_id\":\"7\",\"user_info\":{\"name\":\"Ann\"}}"}`,
    ]);
  });

  test('takes nothing but the same user id from channel_data, which nobody signed', () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    const token = node.token({ sub: '7', user_info: { name: 'Ann' } });
    const text = 'channel_data for presence-room names another user than the token: leave it out, or send user_id 7';
    expect(enter(client, 'presence-room', token, '{"user_id":"8"}')).toEqual(refused('presence-room', 403, text));
    expect(enter(client, 'presence-room', token, '{')[0]).toContain('channel_data must be a JSON object');
    const presence = { count: 1, ids: ['7'], hash: { 7: { name: 'Ann' } } };
    expect(enter(client, 'presence-room', token, '{"user_id":7,"user_info":{"name":"Mallory"}}')).toEqual([
      succeeded('presence-room', { presence }),
    ]);
  });

  test('refuses a token that names nobody', () => {
    const node = new TokenNode(RULES);
    const text =
      'presence-room is a presence channel, and the token does not say who its holder is: it has no claim sub';
    expect(enter(node.connect(), 'presence-room', node.token(), '{"user_id":"7"}')).toEqual(
      refused('presence-room', 401, text),
    );
  });

  test('keeps to the limits of members', () => {
    const node = new TokenNode(RULES, {
      app: { limits: { maxPresenceMemberBytes: 10, maxPresenceMembersPerChannel: 1 } },
    });
    const [ann, bob] = [node.connect(), node.connect()];
    enter(ann, 'presence-room', node.token({ sub: '7', user_info: { name: 'a long one' } }));
    enter(ann, 'presence-room', node.token({ sub: '7' }));
    enter(bob, 'presence-room', node.token({ sub: '8' }));
    expect(node.refused).toEqual(['member-too-large', 'channel-full']);
  });
});

describe('the signature of the application', () => {
  test('opens private and presence channels whatever the rules say', () => {
    const node = new TokenNode([...RVM_RULES, rule('presence-*', [holder('nobody')])]);
    const client = node.connect();
    client.subscribe(DASHBOARD);
    client.subscribe('presence-x', '{"user_id":"7"}');
    client.subscribe('private-without-rule');
    expect(client.connected.subscriptions.size).toBe(3);
  });

  test('opens a public channel that a rule closes, and a wrong one does not', () => {
    const node = new TokenNode([rule('rvm-*', [TOKEN])]);
    const client = node.connect();
    expect(enter(client, 'rvm-1', 'key:bad')[0]).toContain('Invalid signature');
    const { auth = '' } = client.subscription('private-rvm-1');
    expect(enter(client, 'rvm-1', auth)[0]).toContain('Invalid signature');
    expect(enter(client, 'rvm-1', client.signature('rvm-1'))).toEqual([succeeded('rvm-1')]);
  });

  test('with a grant in channel_data is bound by the rules and by the end of the token', () => {
    const node = new TokenNode([rule('presence-x', [holder('admin')])]);
    const client = node.connect();
    const grant = {
      userId: '7',
      roles: ['admin'],
      userInfoJson: undefined,
      watchlist: [],
      claims: {},
      issuedAtSeconds: node.nowSeconds,
      expiresAtSeconds: node.nowSeconds + 60,
    };
    const subscribe = (kept: object): void => {
      client.subscribe('presence-x', encodeChannelData(grant, { ...grant, ...kept }));
    };
    subscribe({ roles: [] });
    subscribe({ expiresAtSeconds: node.nowSeconds });
    expect(node.refused).toEqual(['not-allowed', 'subscription-expired']);
    client.take();
    subscribe({});
    expect(client.take()).toHaveLength(1);
    expect(node.node.dueTimes.size).toBe(1);
  });

  test('over data of its own that is called grant, too, is no grant', () => {
    const node = new TokenNode();
    const client = node.connect();
    client.subscribe('presence-x', '{"user_id":"7","grant":{"type":"student"}}');
    expect(client.connected.subscriptions.get('presence-x')?.grant).toBeUndefined();
    expect(node.refused).toEqual([]);
  });
});

describe('a public channel', () => {
  test('without a rule is open to everyone', () => {
    expect(enter(new TokenNode().connect(), 'news')).toEqual([succeeded('news')]);
  });

  test('that a rule closes takes a token, or a sign-in by one', () => {
    const node = new TokenNode([rule('staff', [holder('admin')])]);
    const [stranger, viewer, admin, signedIn] = [node.connect(), node.connect(), node.connect(), node.connect()];
    const text = 'staff is not open to everyone (app option channels): sign in with a token first, or send one as auth';
    expect(enter(stranger, 'staff')).toEqual(refused('staff', 401, text));
    signInWith(viewer, node.token({ sub: '8', role: 'viewer' }));
    expect(enter(viewer, 'staff')[0]).toContain('it takes the role admin; the token has the role viewer');
    expect(enter(admin, 'staff', node.token({ role: 'admin' }))).toEqual([succeeded('staff')]);
    signInWith(signedIn, node.token({ sub: '7', role: 'admin' }));
    expect(enter(signedIn, 'staff')).toEqual([succeeded('staff')]);
    expect(node.refused).toEqual(['token-required', 'not-allowed']);
  });

  test('that a rule closes does not open to a sign-in by the application, which says no role', () => {
    const node = new TokenNode([rule('staff', [TOKEN])]);
    const client = node.connect();
    client.signIn('{"id":"7"}');
    client.take();
    enter(client, 'staff');
    expect(node.refused).toEqual(['token-required']);
  });
});

describe("a user's channel", () => {
  test('takes no token, only a sign-in', () => {
    const node = new TokenNode([rule('*', [TOKEN])]);
    const client = node.connect();
    enter(client, '#server-to-user-7', node.token({ sub: '7' }));
    expect(node.refused).toEqual(['not-this-user']);
    signInWith(client, node.token({ sub: '7' }));
    expect(enter(client, '#server-to-user-7', node.token({ sub: '8' }))).toEqual([succeeded('#server-to-user-7')]);
  });
});

describe('client events of those whom a token let in', () => {
  const RULES = [rule('private-chat', [TOKEN], [holder('writer')])];
  const HELLO = { event: 'client-hello', channel: 'private-chat', data: '1' };

  test('go by the rule, and those of the application go anyway', () => {
    const node = new TokenNode(RULES);
    const [reader, writer, signed] = [node.connect(), node.connect(), node.connect()];
    enter(reader, 'private-chat', node.token());
    enter(writer, 'private-chat', node.token({ role: 'writer' }));
    signed.subscribe('private-chat');
    signed.take();
    const text = 'Not allowed to send client events on private-chat: it takes the role writer; the token has no role';
    expect(reader.ask(HELLO)).toEqual([errorFrame(text)]);
    expect(node.refused).toEqual(['client-event-not-allowed']);
    expect([writer.take(), signed.take()]).toEqual([[], []]);
    writer.send(HELLO);
    signed.send(HELLO);
    expect([reader.take().length, writer.take().length, signed.take().length]).toEqual([2, 1, 1]);
  });
});
