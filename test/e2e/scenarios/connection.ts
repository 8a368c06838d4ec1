import { record, type Scenario, subscribed } from './stage.ts';

/** The broker is stopped and started again by the application, on the same port. */
export const restartScenario: Scenario = {
  title: 'comes back with all subscriptions after the broker restarted',
  async run(stage) {
    const inbox = stage.inbox();
    const pusher = await stage.connected();
    const channels = await Promise.all(['scada', 'private-scada', 'presence-scada'].map((n) => subscribed(pusher, n)));
    const formerId = pusher.connection.socket_id;
    const again = channels.map((channel) => new Promise((done) => channel.bind('pusher:subscription_succeeded', done)));
    const echo = stage.echo('bob').private('scada');
    const count = stage.inbox();
    echo.subscribed(() => count.put('subscribed'));
    await count.next();

    await stage.backend('restartBroker');
    await Promise.all([...again, count.next()]);
    for (const channel of channels) record(inbox, channel, 'rvm.status.updated');
    echo.listen('.rvm.status.updated', (data: unknown) => count.put(data));
    await stage.backend('trigger', ['scada', 'private-scada', 'presence-scada'], 'rvm.status.updated', { rvm: 7 });
    return {
      received: await inbox.take(3),
      echo: await count.next(),
      hasNewId: pusher.connection.socket_id !== formerId,
    };
  },
  expected: {
    received: Array(3).fill(['rvm.status.updated', { rvm: 7 }]),
    echo: { rvm: 7 },
    hasNewId: true,
  },
};

/** Plain and TLS ports of one app that is for TLS only. */
export const forceTlsScenario: Scenario = {
  title: 'is sent from ws:// to wss:// by an app that forces TLS',
  async run(stage) {
    const inbox = stage.inbox();
    const pusher = stage.pusher('ann', { enabledTransports: ['ws'] });
    const channel = pusher.subscribe('private-scada');
    record(inbox, channel, 'scada.data.received');
    await new Promise((resolve) => channel.bind('pusher:subscription_succeeded', resolve));
    await stage.backend('trigger', 'private-scada', 'scada.data.received', { level: 4 });
    return { received: await inbox.next(), usesTls: pusher.shouldUseTLS() };
  },
  expected: { received: ['scada.data.received', { level: 4 }], usesTls: true },
};
