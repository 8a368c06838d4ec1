import { outcome, present, recordAccess, sentAsAuth, soon, tokenFor } from './holder.ts';
import type { Pusher } from './pusher.ts';
import { record, type Scenario, type Stage, subscribed } from './stage.ts';

const DASHBOARD = 'private-admin-dashboard';
const VIEWER_REFUSED = {
  type: 'AuthError',
  status: 403,
  error:
    'Not allowed to subscribe to private-admin-dashboard: it takes the role super-admin or admin or operator or technician; the token has the role viewer',
};

interface Info {
  readonly name: string;
}

async function connectedAs(stage: Stage, user: string, options: Parameters<typeof tokenFor>[2] = {}) {
  const token = await tokenFor(stage, user, options);
  return stage.connected(
    user,
    sentAsAuth(() => token, user),
  );
}

/** Signs in; resolves when the user can be sent events. */
async function signedIn(pusher: Pusher): Promise<void> {
  const success = new Promise((resolve) => pusher.bind('pusher:signin_success', resolve));
  pusher.signin();
  await success;
  // Only now pusher-js asks for it.
  await new Promise((resolve) => pusher.user.serverToUserChannel.bind('pusher:subscription_succeeded', resolve));
}

const entering: Scenario[] = [
  {
    title: 'pusher-js sends a token as auth: the viewer is refused with the reason, the operator admitted',
    async run(stage) {
      const viewer = await connectedAs(stage, 'vera', { roles: ['viewer'] });
      const refused = await outcome(viewer.subscribe(DASHBOARD));
      const open = await outcome(viewer.subscribe('rvm-status'));
      const inbox = stage.inbox();
      const channel = await subscribed(await connectedAs(stage, 'olga'), DASHBOARD);
      record(inbox, channel, 'rvm.opened');
      await stage.backend('trigger', DASHBOARD, 'rvm.opened', { rvm: 7 });
      return { refused, open, state: viewer.connection.state, received: await inbox.next() };
    },
    expected: { refused: VIEWER_REFUSED, open: 'admitted', state: 'connected', received: ['rvm.opened', { rvm: 7 }] },
  },
  {
    title: 'Echo sends a token as auth: .error is called for the viewer, .listen for the operator',
    async run(stage) {
      const [refused, received] = [stage.inbox(), stage.inbox()];
      const tokens = [await tokenFor(stage, 'vera', { roles: ['viewer'] }), await tokenFor(stage, 'olga')];
      const [viewer, operator] = tokens.map((token) =>
        stage.echo(
          '',
          sentAsAuth(() => token),
        ),
      );
      viewer?.private('admin-dashboard').error(refused.put);
      await new Promise<void>((resolve) => operator?.private('admin-dashboard').subscribed(resolve));
      operator?.private('admin-dashboard').listen('.rvm.opened', received.put);
      await stage.backend('trigger', DASHBOARD, 'rvm.opened', { rvm: 7 });
      return { refused: await refused.next(), received: await received.next() };
    },
    expected: { refused: VIEWER_REFUSED, received: { rvm: 7 } },
  },
  {
    title: 'who was refused gets in with a better token, on the same channel object of pusher-js',
    async run(stage) {
      const inbox = stage.inbox();
      const pusher = await connectedAs(stage, 'vera', { roles: ['viewer'] });
      recordAccess(inbox, pusher.subscribe(DASHBOARD), 'rvm.opened');
      const refused = await inbox.next();
      present(pusher, DASHBOARD, await tokenFor(stage, 'vera'));
      const admitted = await inbox.next();
      await stage.backend('trigger', DASHBOARD, 'rvm.opened', { rvm: 7 });
      return { refused, admitted, received: await inbox.next() };
    },
    expected: { refused: ['AuthError', 403], admitted: 'admitted', received: ['rvm.opened', { rvm: 7 }] },
  },
  {
    title: 'a token opens the channel of its own user, and that of no other',
    async run(stage) {
      const pusher = await connectedAs(stage, '42', { roles: [] });
      const own = await outcome(pusher.subscribe('private-user.42'));
      const { type, status } = (await outcome(pusher.subscribe('private-user.43'))) as typeof VIEWER_REFUSED;
      return { own, other: [type, status] };
    },
    expected: { own: 'admitted', other: ['AuthError', 403] },
  },
  {
    title: 'a token without signature, one of another app and one that is over are refused, each with its reason',
    async run(stage) {
      const options = [{ signedFor: 'nobody' }, { signedFor: 'other' }, { exp: 1_700_000_000 }] as const;
      const refusals: string[] = [];
      for (const option of options) {
        const pusher = await connectedAs(stage, 'olga', option);
        const { type, status, error } = (await outcome(pusher.subscribe(DASHBOARD))) as typeof VIEWER_REFUSED;
        refusals.push(`${type} ${status} ${error.replace(/\d+ s ago/, '… ago')}`);
      }
      return refusals;
    },
    expected: [
      'AuthError 401 Tokens signed with alg none are not accepted: the app allows HS256, HS384, HS512 (auth.jwt.algorithms, and the types of its keys)',
      "AuthError 401 The token's signature (HS256, no kid) is wrong: it was made with a different key than the app's, or the token was changed on the way",
      'AuthError 401 The token expired … ago: get a fresh one. If it is fresh, set the clocks of issuer and broker by NTP, or allow for the difference (auth.jwt.clockToleranceSeconds, now 0)',
    ],
  },
  {
    title: "the application's own signature opens the same channels beside tokens",
    async run(stage) {
      const room = 'presence-control-room.signed';
      const [signed, holder] = [await stage.connected('ann'), await connectedAs(stage, 'olga')];
      const inbox = stage.inbox();
      for (const pusher of [signed, holder]) record(inbox, await subscribed(pusher, DASHBOARD), 'rvm.opened');
      await stage.backend('trigger', DASHBOARD, 'rvm.opened', { rvm: 7 });
      const received = await inbox.take(2);
      await subscribed(signed, room);
      const { members } = (await subscribed(holder, room)) as unknown as { members: { members: unknown } };
      return { received, members: members.members };
    },
    expected: {
      received: Array(2).fill(['rvm.opened', { rvm: 7 }]),
      members: { ann: { name: 'ann' }, olga: { name: 'olga' } },
    },
  },
  {
    title: 'Echo tells who is here and who joins by what their tokens say',
    async run(stage) {
      const inbox = stage.inbox();
      const [ann, bob] = [await tokenFor(stage, 'ann'), await tokenFor(stage, 'bob')];
      stage
        .echo(
          '',
          sentAsAuth(() => ann, 'ann'),
        )
        .join('control-room.members')
        .here((members: Info[]) => inbox.put(['here', members]))
        .joining((member: Info) => inbox.put(['joining', member]))
        .leaving((member: Info) => inbox.put(['leaving', member]));
      const alone = await inbox.next();
      const echo = stage.echo(
        '',
        sentAsAuth(() => bob, 'bob'),
      );
      echo.join('control-room.members');
      const joining = await inbox.next();
      echo.leave('control-room.members');
      return [alone, joining, await inbox.next()];
    },
    expected: [
      ['here', [{ name: 'ann' }]],
      ['joining', { name: 'bob' }],
      ['leaving', { name: 'bob' }],
    ],
  },
  {
    title: 'pusher-js can say nobody else to be present than the token does',
    async run(stage) {
      const token = await tokenFor(stage, 'bob');
      const pusher = await stage.connected(
        '',
        sentAsAuth(() => token, 'ann'),
      );
      return outcome(pusher.subscribe('presence-control-room.impostor'));
    },
    expected: {
      type: 'AuthError',
      status: 403,
      error:
        'channel_data for presence-control-room.impostor names another user than the token: leave it out, or send user_id bob',
    },
  },
];

const signingIn: Scenario[] = [
  {
    title: 'pusher-js signs in with a token, is sent events as that user, and is present as that user',
    async run(stage) {
      const inbox = stage.inbox();
      const token = await tokenFor(stage, 'sam');
      // No channel_data: pusher-js waits for the sign-in and takes the user's id from there.
      const pusher = await stage.connected(
        '',
        sentAsAuth(() => token),
      );
      record(inbox, pusher.user, 'invoice');
      await signedIn(pusher);
      const channel = await subscribed(pusher, 'presence-control-room.signed-in');
      const { me } = (channel as unknown as { members: { me: unknown } }).members;
      await stage.backend('sendToUser', 'sam', 'invoice', { total: 3 });
      return { me, received: await inbox.next() };
    },
    expected: { me: { id: 'sam', info: { name: 'sam' } }, received: ['invoice', { total: 3 }] },
  },
  {
    title: 'a public channel that is closed opens to whoever signs in first, whatever characters the id has',
    async run(stage) {
      const inbox = stage.inbox();
      const refused = await outcome((await stage.connected()).subscribe('reports'));
      const token = await tokenFor(stage, 'auth0|5f7c8ec7', { roles: [] });
      const pusher = stage.pusher(
        '',
        sentAsAuth(() => token),
      );
      record(inbox, pusher.user, 'invoice');
      const signedInAs = signedIn(pusher);
      const admitted = await outcome(pusher.subscribe('reports'));
      await signedInAs;
      await stage.backend('sendToUser', 'auth0|5f7c8ec7', 'invoice', { total: 3 });
      return { refused, admitted, received: await inbox.next() };
    },
    expected: {
      refused: {
        type: 'AuthError',
        status: 401,
        error: 'reports is not open to everyone (app option channels): sign in with a token first, or send one as auth',
      },
      admitted: 'admitted',
      received: ['invoice', { total: 3 }],
    },
  },
  {
    title: 'a sign-in that is renewed outlasts the first token, without an error on the way',
    async run(stage) {
      const inbox = stage.inbox();
      const exp = soon();
      const [renewed, witness] = [await connectedAs(stage, 'rita', { exp }), await connectedAs(stage, 'wim', { exp })];
      for (const [index, pusher] of [renewed, witness].entries()) {
        pusher.connection.bind('error', ({ data }: { data?: { message: string } }) => {
          inbox.put([index, data?.message.replace(/\d{4}-[\d:.T-]+Z/, 'TIME')]);
        });
        await signedIn(pusher);
      }
      const again = new Promise((resolve) => renewed.bind('pusher:signin_success', resolve));
      renewed.send_event('pusher:signin', { auth: await tokenFor(stage, 'rita') });
      await again;
      const ended = await inbox.next();
      record(inbox, renewed.user, 'invoice');
      await stage.backend('sendToUser', 'rita', 'invoice', { total: 3 });
      return { ended, received: await inbox.next() };
    },
    expected: {
      ended: [1, 'Sign-in ended: its token expired at TIME. Sign in again with a fresh one'],
      received: ['invoice', { total: 3 }],
    },
  },
];

const ending: Scenario[] = [
  {
    title: 'a member is out when the token ends: it is told why, others see it leave, and it hears nothing more',
    async run(stage) {
      const room = 'presence-control-room.expiry';
      const [watching, leaving] = [stage.inbox(), stage.inbox()];
      const ann = await subscribed(await connectedAs(stage, 'ann'), room);
      record(watching, ann, 'pusher:member_added', 'pusher:member_removed', 'rvm.opened');
      const bob = await connectedAs(stage, 'bob', { exp: soon() });
      recordAccess(leaving, bob.subscribe(room), 'rvm.opened');
      recordAccess(leaving, bob.subscribe('rvm-status'), 'rvm.closed');
      const admitted = await leaving.take(2);
      const added = await watching.next();
      const [ended, removed] = [await leaving.next(), await watching.next()];
      await stage.backend('trigger', room, 'rvm.opened', { rvm: 7 });
      await stage.backend('trigger', 'rvm-status', 'rvm.closed', { rvm: 7 });
      return { admitted, added, ended, removed, seen: await watching.next(), heard: await leaving.next() };
    },
    expected: {
      admitted: ['admitted', 'admitted'],
      added: ['pusher:member_added', { id: 'bob', info: { name: 'bob' } }],
      ended: ['AuthError', 401],
      removed: ['pusher:member_removed', { id: 'bob', info: { name: 'bob' } }],
      seen: ['rvm.opened', { rvm: 7 }],
      heard: ['rvm.closed', { rvm: 7 }],
    },
  },
  {
    title: 'a subscription that is extended outlasts the first token and ends with the second',
    async run(stage) {
      const [extended, witness] = [stage.inbox(), stage.inbox()];
      const exp = soon();
      const ann = await connectedAs(stage, 'ann', { exp });
      recordAccess(extended, ann.subscribe(DASHBOARD), 'rvm.opened');
      recordAccess(witness, (await connectedAs(stage, 'wim', { exp })).subscribe(DASHBOARD));
      const before = [await extended.next(), await witness.next()];
      present(ann, DASHBOARD, await tokenFor(stage, 'ann', { exp: exp + 2 }));
      const confirmed = await extended.next();
      const witnessEnded = await witness.next();
      await stage.backend('trigger', DASHBOARD, 'rvm.opened', { rvm: 7 });
      return { before, confirmed, witnessEnded, received: await extended.next(), ended: await extended.next() };
    },
    expected: {
      before: ['admitted', 'admitted'],
      confirmed: 'admitted',
      witnessEnded: ['AuthError', 401],
      received: ['rvm.opened', { rvm: 7 }],
      ended: ['AuthError', 401],
    },
  },
  {
    title: 'a fresh token brings back what ended, on the same channel object of pusher-js',
    async run(stage) {
      const inbox = stage.inbox();
      const ann = await connectedAs(stage, 'ann', { exp: soon() });
      recordAccess(inbox, ann.subscribe(DASHBOARD), 'rvm.opened');
      const before = await inbox.take(2);
      present(ann, DASHBOARD, await tokenFor(stage, 'ann'));
      const after = await inbox.next();
      await stage.backend('trigger', DASHBOARD, 'rvm.opened', { rvm: 7 });
      return { before, after, received: await inbox.next() };
    },
    expected: { before: ['admitted', ['AuthError', 401]], after: 'admitted', received: ['rvm.opened', { rvm: 7 }] },
  },
];

export const tokenScenarios: readonly Scenario[] = [...entering, ...signingIn, ...ending];
