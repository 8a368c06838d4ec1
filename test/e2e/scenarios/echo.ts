import { type Scenario, subscribed } from './stage.ts';

interface Info {
  readonly name: string;
}

const READING = { station: 'Ubud', level: 4.2 };

/** To be called before the answer can have come: Echo tells it once. */
function entered(channel: { subscribed(callback: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => {
    channel.subscribed(resolve);
  });
}

export const echoScenarios: readonly Scenario[] = [
  {
    title: 'Echo listens on public, private, encrypted and presence channels, with and without a namespace',
    async run(stage) {
      const inbox = stage.inbox();
      const echo = stage.echo();
      const channels = {
        'echo-scada': echo.channel('echo-scada'),
        'private-echo-scada': echo.private('echo-scada'),
        'private-encrypted-echo-scada': echo.encryptedPrivate('echo-scada'),
        'presence-echo-scada': echo.join('echo-scada'),
      };
      await Promise.all(Object.values(channels).map(entered));
      for (const [name, channel] of Object.entries(channels)) {
        channel.listen('.scada.data.received', (data: unknown) => inbox.put([name, 'scada.data.received', data]));
        channel.listen('RvmStatusUpdated', (data: unknown) => inbox.put([name, 'RvmStatusUpdated', data]));
        await stage.backend('trigger', name, 'scada.data.received', READING);
        await stage.backend('trigger', name, 'App\\Events\\RvmStatusUpdated', { rvm: 7 });
      }
      return inbox.take(8);
    },
    expected: [
      ['echo-scada', 'scada.data.received', READING],
      ['echo-scada', 'RvmStatusUpdated', { rvm: 7 }],
      ['private-echo-scada', 'scada.data.received', READING],
      ['private-echo-scada', 'RvmStatusUpdated', { rvm: 7 }],
      ['private-encrypted-echo-scada', 'scada.data.received', READING],
      ['private-encrypted-echo-scada', 'RvmStatusUpdated', { rvm: 7 }],
      ['presence-echo-scada', 'scada.data.received', READING],
      ['presence-echo-scada', 'RvmStatusUpdated', { rvm: 7 }],
    ],
  },
  {
    title: 'Echo tells who is here, who joins and who leaves',
    async run(stage) {
      const inbox = stage.inbox();
      stage
        .echo('ann')
        .join('echo-room')
        .here((members: Info[]) => inbox.put(['here', members]))
        .joining((member: Info) => inbox.put(['joining', member]))
        .leaving((member: Info) => inbox.put(['leaving', member]));
      const alone = await inbox.next();
      const bob = stage.echo('bob');
      const hisInbox = stage.inbox();
      bob.join('echo-room').here((members: Info[]) => hisInbox.put(members));
      const both = await hisInbox.next();
      const joining = await inbox.next();
      bob.leave('echo-room');
      return { alone, both, joining, leaving: await inbox.next() };
    },
    expected: {
      alone: ['here', [{ name: 'ann' }]],
      both: [{ name: 'ann' }, { name: 'bob' }],
      joining: ['joining', { name: 'bob' }],
      leaving: ['leaving', { name: 'bob' }],
    },
  },
  {
    title: 'Echo whispers to others on private and presence channels',
    async run(stage) {
      const inbox = stage.inbox();
      const [ann, bob] = [stage.echo('ann'), stage.echo('bob')];
      for (const kind of ['private', 'join'] as const) {
        const [mine, theirs] = [ann[kind]('echo-desk'), bob[kind]('echo-desk')];
        await Promise.all([mine, theirs].map(entered));
        theirs.listenForWhisper('typing', (data: unknown) => inbox.put([kind, data]));
        mine.listenForWhisper('typing', () => inbox.put('the sender heard itself'));
        mine.whisper('typing', { key: 'a' });
        // The payload is optional, though not for the types of Echo.
        (mine.whisper as (event: string) => unknown).call(mine, 'typing');
        for (let count = 0; count < 2; count += 1) await inbox.next().then(inbox.put);
      }
      return inbox.take(4);
    },
    expected: [
      ['private', { key: 'a' }],
      ['private', {}],
      ['join', { key: 'a' }],
      ['join', {}],
    ],
  },
  {
    title: 'Echo leaves out the sender when the application broadcasts to others',
    async run(stage) {
      const [ann, bob] = [stage.echo('ann'), stage.echo('bob')];
      const [sent, received] = [stage.inbox(), stage.inbox()];
      for (const [echo, inbox] of [[ann, sent] as const, [bob, received] as const]) {
        const channel = echo.private('echo-others');
        await entered(channel);
        channel.listen('.rvm.status.updated', inbox.put);
      }
      await stage.backend('trigger', 'private-echo-others', 'rvm.status.updated', 1, { socket_id: ann.socketId() });
      await stage.backend('trigger', 'private-echo-others', 'rvm.status.updated', 2);
      return { sender: await sent.next(), other: await received.take(2) };
    },
    expected: { sender: 2, other: [1, 2] },
  },
  {
    title: 'Echo receives notifications',
    async run(stage) {
      const inbox = stage.inbox();
      const channel = stage.echo().private('App.Models.User.1');
      channel.notification(inbox.put);
      await entered(channel);
      const event = 'Illuminate\\Notifications\\Events\\BroadcastNotificationCreated';
      await stage.backend('trigger', 'private-App.Models.User.1', event, { id: 'n1', type: 'invoice.paid' });
      return inbox.next();
    },
    expected: { id: 'n1', type: 'invoice.paid' },
  },
  {
    title: 'Echo is told when a channel is refused: by the application, or by the broker',
    async run(stage) {
      const inbox = stage.inbox();
      const echo = stage.echo();
      for (const name of ['forbidden', 'forged']) {
        echo.private(name).error(({ type, status }: { type: string; status: number }) => inbox.put([type, status]));
      }
      return { errors: await inbox.take(2), status: echo.connectionStatus() };
    },
    expected: {
      errors: [
        ['AuthError', 403],
        ['AuthError', 401],
      ],
      status: 'connected',
    },
  },
  {
    title: 'Echo hears nothing of a channel after leaveChannel, nor of any form of it after leave',
    async run(stage) {
      const inbox = stage.inbox();
      const echo = stage.echo('ann');
      const watcher = await subscribed(stage.pusher('bob'), 'presence-echo-left');
      const gone = new Promise((resolve) => watcher.bind('pusher:member_removed', resolve));
      const left = {
        'echo-single': echo.channel('echo-single'),
        'echo-left': echo.channel('echo-left'),
        'private-echo-left': echo.private('echo-left'),
        'presence-echo-left': echo.join('echo-left'),
      };
      const kept = echo.private('echo-kept');
      const channels = [...Object.values(left), kept];
      await Promise.all(channels.map(entered));
      for (const channel of channels) {
        channel.listen('.late', inbox.put);
      }
      echo.leaveChannel('echo-single');
      // Presence is left last: who is told of that knows that the rest is done.
      echo.leave('echo-left');
      await gone;
      await stage.backend('trigger', [...Object.keys(left), 'private-echo-kept'], 'late', 'only once');
      await stage.backend('trigger', 'private-echo-kept', 'late', 'the end');
      const occupied = await stage.backend('get', { path: '/channels', params: { filter_by_prefix: 'echo-' } });
      return { heard: await inbox.take(2), occupied };
    },
    expected: { heard: ['only once', 'the end'], occupied: { channels: {} } },
  },
  {
    title: 'Echo knows its connection status',
    async run(stage) {
      const inbox = stage.inbox();
      const echo = stage.echo();
      echo.connector.onConnectionChange(inbox.put);
      const before = echo.connectionStatus();
      // One call for the change of state, one for the event of the new state.
      const connected = await inbox.take(2);
      echo.disconnect();
      return { before, connected, disconnected: await inbox.take(2), after: echo.connectionStatus() };
    },
    expected: {
      before: 'connecting',
      connected: ['connected', 'connected'],
      disconnected: ['disconnected', 'disconnected'],
      after: 'disconnected',
    },
  },
];
