import { record, type Scenario, subscribed } from './stage.ts';

interface SubscriptionError {
  readonly type: string;
  readonly status: number;
  readonly error: string;
}

const READING = { station: 'Ubud', level: 4.2 };
const STATUS = { rvm: 7, status: 'full: 100 %', note: 'é ☃ 𝄞' };

const CHANNELS = [
  'scada',
  'private-scada',
  'presence-scada',
  'private-encrypted-scada',
  'cache-scada',
  'private-cache-scada',
  'presence-cache-scada',
  'private-encrypted-cache-scada',
];

const delivery: Scenario[] = CHANNELS.map((name) => ({
  title: `pusher-js receives what the SDK triggers on ${name}`,
  async run(stage) {
    const channel = await subscribed(stage.pusher(), name);
    const inbox = stage.inbox();
    record(inbox, channel, 'scada.data.received', 'rvm.status.updated');
    await stage.backend('trigger', name, 'scada.data.received', READING);
    await stage.backend('trigger', name, 'rvm.status.updated', STATUS);
    return inbox.take(2);
  },
  expected: [
    ['scada.data.received', READING],
    ['rvm.status.updated', STATUS],
  ],
}));

const events: Scenario[] = [
  {
    title: 'pusher-js receives one event on several channels, and the events of a batch, in order',
    async run(stage) {
      const pusher = stage.pusher();
      const [first, second] = await Promise.all([subscribed(pusher, 'batch-1'), subscribed(pusher, 'private-batch-2')]);
      const inbox = stage.inbox();
      first.bind_global((event: string, data: unknown) => event.startsWith('pusher') || inbox.put([1, event, data]));
      second.bind_global((event: string, data: unknown) => event.startsWith('pusher') || inbox.put([2, event, data]));
      await stage.backend('trigger', ['batch-1', 'private-batch-2'], 'both', { n: 0 });
      await stage.backend('triggerBatch', [
        { channel: 'private-batch-2', name: 'one', data: { n: 1 } },
        { channel: 'batch-1', name: 'two', data: 'text' },
      ]);
      return inbox.take(4);
    },
    expected: [
      [1, 'both', { n: 0 }],
      [2, 'both', { n: 0 }],
      [2, 'one', { n: 1 }],
      [1, 'two', 'text'],
    ],
  },
  {
    title: 'pusher-js does not receive what is triggered with its own socket id',
    async run(stage) {
      const [sender, other] = [await stage.connected('ann'), await stage.connected('bob')];
      const [mine, theirs] = await Promise.all([subscribed(sender, 'to-others'), subscribed(other, 'to-others')]);
      const [sent, received] = [stage.inbox(), stage.inbox()];
      record(sent, mine, 'first', 'second');
      record(received, theirs, 'first', 'second');
      await stage.backend('trigger', 'to-others', 'first', 1, { socket_id: sender.connection.socket_id });
      await stage.backend('trigger', 'to-others', 'second', 2);
      return { sender: await sent.next(), other: await received.take(2) };
    },
    expected: {
      sender: ['second', 2],
      other: [
        ['first', 1],
        ['second', 2],
      ],
    },
  },
  {
    title: "pusher-js exchanges client events, with the sender's user id on presence channels",
    async run(stage) {
      const [ann, bob] = [stage.pusher('ann'), stage.pusher('bob')];
      const inbox = stage.inbox();
      for (const name of ['private-desk', 'presence-desk']) {
        const [mine, theirs] = await Promise.all([subscribed(ann, name), subscribed(bob, name)]);
        theirs.bind('client-typing', (data: unknown, metadata: unknown) => inbox.put([name, data, metadata]));
        mine.bind('client-typing', () => inbox.put('the sender heard itself'));
        mine.trigger('client-typing', { key: 'a' });
      }
      return inbox.take(2);
    },
    expected: [
      ['private-desk', { key: 'a' }, {}],
      ['presence-desk', { key: 'a' }, { user_id: 'ann' }],
    ],
  },
  {
    title: 'pusher-js is told of a cache miss, then of the last event',
    async run(stage) {
      const inbox = stage.inbox();
      const early = stage.pusher('ann').subscribe('private-encrypted-cache-last');
      record(inbox, early, 'pusher:cache_miss', 'reading');
      const miss = await inbox.next();
      await stage.backend('trigger', 'private-encrypted-cache-last', 'reading', READING);
      const live = await inbox.next();
      const late = stage.pusher('bob').subscribe('private-encrypted-cache-last');
      record(inbox, late, 'pusher:cache_miss', 'reading');
      return [miss, live, await inbox.next()];
    },
    expected: [
      ['pusher:cache_miss', {}],
      ['reading', READING],
      ['reading', READING],
    ],
  },
  {
    title: 'pusher-js knows how many subscribers a channel has',
    async run(stage) {
      const inbox = stage.inbox();
      const channel = stage.pusher('ann').subscribe('counted');
      record(inbox, channel, 'pusher:subscription_count');
      const alone = await inbox.next();
      const second = await stage.connected('bob');
      await subscribed(second, 'counted');
      const two = await inbox.next();
      const told = channel.subscriptionCount;
      second.disconnect();
      return [alone, two, told, await inbox.next()];
    },
    expected: [
      ['pusher:subscription_count', { subscription_count: 1 }],
      ['pusher:subscription_count', { subscription_count: 2 }],
      2,
      ['pusher:subscription_count', { subscription_count: 1 }],
    ],
  },
  {
    title: 'pusher-js and the SDK see who is present',
    async run(stage) {
      const inbox = stage.inbox();
      const room = await subscribed(stage.pusher('ann'), 'presence-room');
      record(inbox, room, 'pusher:member_added', 'pusher:member_removed');
      const bob = await stage.connected('bob');
      await subscribed(bob, 'presence-room');
      const added = await inbox.next();
      const users = await stage.backend('get', { path: '/channels/presence-room/users' });
      const counts = await stage.backend('get', {
        path: '/channels',
        params: { filter_by_prefix: 'presence-room', info: 'user_count' },
      });
      bob.disconnect();
      return { added, users, counts, removed: await inbox.next() };
    },
    expected: {
      added: ['pusher:member_added', { id: 'bob', info: { name: 'bob' } }],
      users: { users: [{ id: 'ann' }, { id: 'bob' }] },
      counts: { channels: { 'presence-room': { user_count: 2 } } },
      removed: ['pusher:member_removed', { id: 'bob', info: { name: 'bob' } }],
    },
  },
];

const users: Scenario[] = [
  {
    title: 'pusher-js signs in, receives what is sent to the user, and is ended when the user is terminated',
    async run(stage) {
      const inbox = stage.inbox();
      const pusher = await stage.connected('carla');
      record(inbox, pusher, 'pusher:signin_success');
      record(inbox, pusher.user, 'invoice');
      record(inbox, pusher.connection, 'disconnected');
      pusher.signin();
      const signedIn = await inbox.next();
      // The client enters the user's channel by itself; only then it can be reached.
      await new Promise((resolve) => pusher.user.serverToUserChannel.bind('pusher:subscription_succeeded', resolve));
      await stage.backend('sendToUser', 'carla', 'invoice', { total: 3 });
      const sent = await inbox.next();
      await stage.backend('terminateUserConnections', 'carla');
      const ended = await inbox.next();
      return { signedIn, sent, ended, state: pusher.connection.state };
    },
    expected: {
      signedIn: ['pusher:signin_success', { user_data: '{"id":"carla","user_info":{"name":"carla"},"watchlist":[]}' }],
      sent: ['invoice', { total: 3 }],
      ended: ['disconnected', undefined],
      state: 'disconnected',
    },
  },
  {
    title: 'pusher-js comes back when its user is to reconnect, signs in again and is authorized anew',
    async run(stage) {
      const inbox = stage.inbox();
      const pusher = await stage.connected('carla');
      const former = pusher.connection.socket_id;
      pusher.connection.bind('message', ({ event, channel = '' }: { event: string; channel?: string }) => {
        if (/error|success|succeeded|invoice/.test(event)) inbox.put(`${event} ${channel}`.trim());
      });
      pusher.signin();
      pusher.subscribe('private-orders');
      const entered = (await inbox.take(3)).sort();
      await stage.backend('post', { path: '/users/carla/force_reconnect', body: {} });
      const again = (await inbox.take(4)).sort();
      await stage.backend('sendToUser', 'carla', 'invoice', { total: 4 });
      return { entered, again, sent: await inbox.next(), isOther: pusher.connection.socket_id !== former };
    },
    expected: {
      entered: [
        'pusher:signin_success',
        'pusher_internal:subscription_succeeded #server-to-user-carla',
        'pusher_internal:subscription_succeeded private-orders',
      ],
      again: [
        'pusher:error',
        'pusher:signin_success',
        'pusher_internal:subscription_succeeded #server-to-user-carla',
        'pusher_internal:subscription_succeeded private-orders',
      ],
      sent: 'invoice #server-to-user-carla',
      isOther: true,
    },
  },
  {
    title: 'pusher-js enters a presence channel as the signed-in user',
    async run(stage) {
      const inbox = stage.inbox();
      const room = await subscribed(stage.pusher('ann'), 'presence-signed-in');
      record(inbox, room, 'pusher:member_added');
      const dora = await stage.connected('dora');
      dora.signin();
      dora.subscribe('presence-signed-in');
      return inbox.next();
    },
    expected: ['pusher:member_added', { id: 'dora', info: { name: 'dora' } }],
  },
  {
    title: 'pusher-js hears when somebody on its watchlist comes and goes',
    async run(stage) {
      const inbox = stage.inbox();
      const watcher = await stage.connected('fay-watches-ed');
      record(inbox, watcher.user.watchlist, 'online', 'offline');
      watcher.signin();
      const before = await inbox.next();
      const watched = await stage.connected('ed');
      watched.signin();
      const online = await inbox.next();
      watched.disconnect();
      return [before, online, await inbox.next()];
    },
    expected: [
      ['offline', { name: 'offline', user_ids: ['ed'] }],
      ['online', { name: 'online', user_ids: ['ed'] }],
      ['offline', { name: 'offline', user_ids: ['ed'] }],
    ],
  },
];

const refusals: Scenario[] = [
  {
    title: 'pusher-js is told why a private channel is refused: by the application, or by the broker',
    async run(stage) {
      const inbox = stage.inbox();
      const pusher = stage.pusher();
      for (const name of ['private-forbidden', 'private-forged']) {
        pusher.subscribe(name).bind('pusher:subscription_error', ({ type, status, error }: SubscriptionError) => {
          inbox.put({ type, status, text: /received status: 403|Invalid signature/.exec(error)?.[0] });
        });
      }
      const errors = await inbox.take(2);
      return { errors, state: pusher.connection.state };
    },
    expected: {
      errors: [
        { type: 'AuthError', status: 403, text: 'received status: 403' },
        { type: 'AuthError', status: 401, text: 'Invalid signature' },
      ],
      state: 'connected',
    },
  },
  {
    title: 'pusher-js stays away after an unknown key',
    async run(stage) {
      const inbox = stage.inbox();
      const pusher = stage.pusher('ann', { key: 'no-such-key' });
      pusher.connection.bind('error', ({ error }: { error: { data: unknown } }) => inbox.put(error.data));
      pusher.connection.bind('state_change', ({ current }: { current: string }) => inbox.put(current));
      const seen = await inbox.take(2);
      return { seen, willRetry: Boolean(pusher.connection.retryTimer) };
    },
    expected: {
      seen: [
        {
          code: 4001,
          message: 'App key no-such-key does not exist on this server. Is it the key (not the id) of the app?',
        },
        'disconnected',
      ],
      willRetry: false,
    },
  },
];

export const pusherJsScenarios: readonly Scenario[] = [...delivery, ...events, ...users, ...refusals];
