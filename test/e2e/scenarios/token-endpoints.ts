import { outcome, present, recordAccess, soon, tokenFor } from './holder.ts';
import type { PusherOptions } from './pusher.ts';
import { record, type Scenario, type Stage, subscribed } from './stage.ts';

const DASHBOARD = 'private-admin-dashboard';

interface Refusal {
  readonly type: string;
  readonly status: number;
  readonly error: string;
}

/** How pusher-js asks the broker's auth endpoints with a token. */
type Way = (stage: Stage, token: string) => Partial<PusherOptions>;

const byAjax: Way = (stage, token) => {
  const headers = { Authorization: `Bearer ${token}` };
  return {
    channelAuthorization: { transport: 'ajax', endpoint: `${stage.brokerUrl}/pusher/auth`, headers },
    userAuthentication: { transport: 'ajax', endpoint: `${stage.brokerUrl}/pusher/user-auth`, headers },
  };
};

/** With the token as a field, and the app named by the path. */
const byJsonp: Way = (stage, token) => {
  const endpoint = `${stage.brokerUrl}/apps/12345/auth`;
  return {
    channelAuthorization: { transport: 'jsonp', endpoint: `${endpoint}/channel`, params: { token } },
    userAuthentication: { transport: 'jsonp', endpoint: `${endpoint}/user`, params: { token } },
  };
};

async function connectedBy(way: Way, stage: Stage, user: string, options: Parameters<typeof tokenFor>[2] = {}) {
  return stage.connected(user, way(stage, await tokenFor(stage, user, options)));
}

/** What anybody who uses an endpoint sees, whatever the way. */
function scenariosOf(name: string, way: Way): Scenario[] {
  return [
    {
      title: `${name}: the viewer is refused, the operator admitted, to an encrypted channel as well`,
      async run(stage) {
        const viewer = await connectedBy(way, stage, 'vera', { roles: ['viewer'] });
        const { type, status } = (await outcome(viewer.subscribe(DASHBOARD))) as Refusal;
        const open = await outcome(viewer.subscribe('rvm-status'));
        const operator = await connectedBy(way, stage, 'olga');
        const inbox = stage.inbox();
        for (const channel of [DASHBOARD, 'private-encrypted-admin-dashboard']) {
          record(inbox, await subscribed(operator, channel), 'rvm.opened');
          await stage.backend('trigger', channel, 'rvm.opened', { rvm: channel });
        }
        return { refused: [type, status], open, received: await inbox.take(2) };
      },
      expected: {
        refused: ['AuthError', 403],
        open: 'admitted',
        received: [
          ['rvm.opened', { rvm: DASHBOARD }],
          ['rvm.opened', { rvm: 'private-encrypted-admin-dashboard' }],
        ],
      },
    },
    {
      title: `${name}: members are who their tokens say, and are out when these end`,
      async run(stage) {
        const room = `presence-control-room.${name.split(' ')[0]}`;
        const inbox = stage.inbox();
        const ann = await subscribed(await connectedBy(way, stage, 'ann'), room);
        record(inbox, ann, 'pusher:member_added', 'pusher:member_removed');
        const leaving = stage.inbox();
        const bob = (await connectedBy(way, stage, 'bob', { exp: soon() })).subscribe(room);
        recordAccess(leaving, bob);
        const admitted = await leaving.next();
        const { me } = (bob as unknown as { members: { me: unknown } }).members;
        return { admitted, me, ended: await leaving.next(), seen: await inbox.take(2) };
      },
      expected: {
        admitted: 'admitted',
        me: { id: 'bob', info: { name: 'bob' } },
        ended: ['AuthError', 401],
        seen: [
          ['pusher:member_added', { id: 'bob', info: { name: 'bob' } }],
          ['pusher:member_removed', { id: 'bob', info: { name: 'bob' } }],
        ],
      },
    },
    {
      title: `${name}: signs in as the user of the token, who is sent events`,
      async run(stage) {
        const inbox = stage.inbox();
        const user = `sue by ${name}`;
        const pusher = await connectedBy(way, stage, user);
        record(inbox, pusher.user, 'invoice');
        const success = new Promise((resolve) => pusher.bind('pusher:signin_success', resolve));
        pusher.signin();
        await success;
        await new Promise((resolve) => pusher.user.serverToUserChannel.bind('pusher:subscription_succeeded', resolve));
        await stage.backend('sendToUser', user, 'invoice', { total: 3 });
        return inbox.next();
      },
      expected: ['invoice', { total: 3 }],
    },
  ];
}

/** As Echo is set up for the broker's endpoints: its own paths, and its own way to send a token. */
function echoWith(stage: Stage, bearerToken: string): ReturnType<Stage['echo']> {
  return stage.echo('', {
    bearerToken,
    // Else all Echos of a page share these, and so the token of the last one.
    auth: { headers: {} },
    authEndpoint: `${stage.brokerUrl}/broadcasting/auth`,
    userAuthentication: { transport: 'ajax', endpoint: `${stage.brokerUrl}/broadcasting/user-auth`, headers: {} },
  });
}

const echo: Scenario[] = [
  {
    title:
      "Echo's bearerToken at /broadcasting/auth: .error is called with 403 for the viewer, .listen for the operator",
    async run(stage) {
      const [refused, received] = [stage.inbox(), stage.inbox()];
      const viewer = echoWith(stage, await tokenFor(stage, 'vera', { roles: ['viewer'] }));
      viewer.private('admin-dashboard').error(({ type, status }: Refusal) => refused.put([type, status]));
      const operator = echoWith(stage, await tokenFor(stage, 'olga'));
      const channels = [operator.private('admin-dashboard'), operator.encryptedPrivate('admin-dashboard')];
      await Promise.all(channels.map((channel) => new Promise<void>((resolve) => channel.subscribed(resolve))));
      for (const channel of channels) {
        channel.listen('.rvm.opened', received.put);
        await stage.backend('trigger', channel.name, 'rvm.opened', { rvm: channel.name });
      }
      return { refused: await refused.next(), received: await received.take(2) };
    },
    expected: {
      refused: ['AuthError', 403],
      received: [{ rvm: 'private-admin-dashboard' }, { rvm: 'private-encrypted-admin-dashboard' }],
    },
  },
  {
    title: "Echo's bearerToken at /broadcasting/auth: here, joining and leaving know who is meant",
    async run(stage) {
      const inbox = stage.inbox();
      echoWith(stage, await tokenFor(stage, 'ann'))
        .join('control-room.echo')
        .here((members: unknown) => inbox.put(['here', members]))
        .joining((member: unknown) => inbox.put(['joining', member]))
        .leaving((member: unknown) => inbox.put(['leaving', member]));
      const alone = await inbox.next();
      echoWith(stage, await tokenFor(stage, 'bob', { exp: soon() })).join('control-room.echo');
      return [alone, ...(await inbox.take(2))];
    },
    expected: [
      ['here', [{ name: 'ann' }]],
      ['joining', { name: 'bob' }],
      ['leaving', { name: 'bob' }],
    ],
  },
];

const revoking: Scenario[] = [
  {
    title: 'a user is taken out of a channel on every connection, and the same token does not open it again',
    async run(stage) {
      const token = await tokenFor(stage, 'rex');
      const inboxes = [stage.inbox(), stage.inbox(), stage.inbox()];
      const [first, second, other] = [
        await stage.connected('', byAjax(stage, token)),
        await connectedBy(byAjax, stage, 'rex'),
        await connectedBy(byAjax, stage, 'olga'),
      ];
      for (const [index, pusher] of [first, second, other].entries()) {
        const inbox = inboxes[index] ?? stage.inbox();
        recordAccess(inbox, pusher.subscribe(DASHBOARD), 'rvm.opened');
        await inbox.next();
      }
      await stage.backend('revoke', DASHBOARD, 'rex');
      const ended = [await inboxes[0]?.next(), await inboxes[1]?.next()];
      present(first, DASHBOARD, token);
      const again = await inboxes[0]?.next();
      const elsewhere = await outcome(second.subscribe('private-user.rex'));
      await stage.backend('trigger', DASHBOARD, 'rvm.opened', { rvm: 7 });
      return { ended, again, elsewhere, heardByOther: await inboxes[2]?.next() };
    },
    expected: {
      ended: Array(2).fill(['AuthError', 403]),
      again: ['AuthError', 403],
      elsewhere: 'admitted',
      heardByOther: ['rvm.opened', { rvm: 7 }],
    },
  },
  {
    title: 'the endpoint signs nothing for a token that was revoked',
    async run(stage) {
      const token = await tokenFor(stage, 'ron');
      const pusher = await stage.connected('', byAjax(stage, token));
      await stage.backend('revoke', DASHBOARD, 'ron');
      const { type, status } = (await outcome(pusher.subscribe(DASHBOARD))) as Refusal;
      return [type, status];
    },
    expected: ['AuthError', 403],
  },
];

export const endpointScenarios: readonly Scenario[] = [
  ...scenariosOf('ajax with a header', byAjax),
  ...echo,
  ...revoking,
];
/** pusher-js has this transport in browsers only. */
export const jsonpScenarios: readonly Scenario[] = scenariosOf('jsonp with the token as a parameter', byJsonp);

/** On a page of the broker's own origin: to others, pusher-js sends no cookies. */
export const cookieScenario: Scenario = {
  title: 'pusher-js has nothing but the cookie of the page',
  async run(stage) {
    const channelAuthorization = { transport: 'ajax', endpoint: '/pusher/auth' } as const;
    return outcome((await stage.connected('', { channelAuthorization })).subscribe(DASHBOARD));
  },
  expected: 'admitted',
};
