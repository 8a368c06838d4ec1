import { record, type Scenario, subscribed } from './stage.ts';

/** What happens to the broker is done by the application, as an operation with this name. */
const interruption = (title: string, operation: string): Scenario => ({
  title,
  async run(stage) {
    const names = ['scada', 'private-scada', 'presence-scada'];
    const pusher = await stage.connected();
    const channels = await Promise.all(names.map((name) => subscribed(pusher, name)));
    const former = pusher.connection.socket_id;
    const back = channels.map((channel) => new Promise((done) => channel.bind('pusher:subscription_succeeded', done)));
    const [inbox, echoInbox] = [stage.inbox(), stage.inbox()];
    const echo = stage.echo('bob').private('scada');
    echo.subscribed(() => echoInbox.put('subscribed'));
    await echoInbox.next();

    await stage.backend(operation);
    await Promise.all([...back, echoInbox.next()]);
    for (const channel of channels) record(inbox, channel, 'rvm.status.updated');
    echo.listen('.rvm.status.updated', echoInbox.put);
    await stage.backend('trigger', names, 'rvm.status.updated', { rvm: 7 });
    return {
      received: await inbox.take(3),
      echo: await echoInbox.next(),
      hasNewId: pusher.connection.socket_id !== former,
    };
  },
  expected: {
    received: Array(3).fill(['rvm.status.updated', { rvm: 7 }]),
    echo: { rvm: 7 },
    hasNewId: true,
  },
});

export const interruptionScenarios: readonly Scenario[] = [
  interruption('comes back with all subscriptions after the broker crashed and was started again', 'crashBroker'),
  interruption('moves to another broker with all subscriptions when its own is stopped', 'replaceBroker'),
];

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
    return { received: await inbox.next(), usesTls: pusher.connection.isUsingTLS() };
  },
  expected: { received: ['scada.data.received', { level: 4 }], usesTls: true },
};
