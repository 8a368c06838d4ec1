import { vi } from 'vitest';
import { TestNode } from '../../channels/test-node.ts';
import { call } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { KeptConnection } from '../../support/kept-connection.ts';
import { RawClient } from '../../support/raw-client.ts';
import { APPS, api, loggedCause, type Row, type Seen } from './errors-broker.ts';

const QUERY = '?protocol=7&version=8.6.0';

/** The error frame and the close frame say the same. */
export async function seen(client: RawClient, cause: () => string): Promise<Seen> {
  const { code, reason, before } = await client.closed();
  const { data } = JSON.parse(before.at(-1) ?? '{}') as { data: { code: number; message: string } };
  if (data.code !== code || !data.message.startsWith(reason.replace(/\.\.\.$/, ''))) {
    throw new Error(`closed with ${code} "${reason}" after ${before.at(-1)}`);
  }
  return { id: cause(), code: String(code) };
}

/** Refused when it connects. */
function refused(id: string, path: string, headers: Record<string, string> = {}): Row {
  return {
    kind: 'Disconnect',
    id,
    raise: (broker) =>
      seen(new RawClient(`${broker.wsUrl}${path}`, { headers }), () => loggedCause(broker, 'connection refused')),
  };
}

/** Let in, and ended later. */
export function ended(
  id: string,
  end: (client: RawClient, broker: TestBroker) => Promise<unknown>,
  key: string = APP.key,
): Row {
  return {
    kind: 'Disconnect',
    id,
    raise: async (broker) => {
      const client = await RawClient.connect(broker.wsUrl, { key });
      await end(client, broker);
      return seen(client, () => loggedCause(broker, 'connection ended', client.socketId));
    },
  };
}

export const CONNECTION_ERRORS: readonly Row[] = [
  refused('tls-required', `/app/${APPS.tls.key}${QUERY}`),
  refused('unknown-app', `/app/nobody${QUERY}`),
  refused('app-disabled', `/app/${APPS.disabled.key}${QUERY}`),
  refused('over-connection-quota', `/app/${APPS.full.key}${QUERY}`),
  refused('path-not-found', `/socket${QUERY}`),
  {
    kind: 'Disconnect',
    id: 'over-capacity',
    raise: async () => {
      const full = await startBroker({ 'limits.maxConnections': 1 });
      const client = new RawClient(`${full.wsUrl}/app/${APP.key}${QUERY}`);
      const answer = await seen(client, () => loggedCause(full, 'connection refused'));
      full.kill();
      return answer;
    },
  },
  refused('invalid-version', `/app/${APP.key}?protocol=7&version=new`),
  refused('unsupported-protocol', `/app/${APP.key}?protocol=3`),
  refused('missing-protocol', `/app/${APP.key}`),
  refused('origin-refused', `/app/${APPS.origins.key}${QUERY}`, { origin: 'https://bad.example' }),
  ended('authorization-timeout', async () => {}, APPS.sessions.key),
  ended('missed-events', async (client, { node }) => {
    await client.subscribed('news');
    node.missed(APP.id, 'news', 1);
  }),
  ended('terminated', async (client, { url }) => {
    client.signIn('{"id":"1"}');
    await client.next('pusher:signin_success');
    await call(url, 'POST', api('/users/1/terminate_connections'), { body: {} });
  }),
  ended('user-reconnect', async (client, { url }) => {
    client.signIn('{"id":"1"}');
    await client.next('pusher:signin_success');
    await call(url, 'POST', api('/users/1/force_reconnect'), { body: {} });
  }),
  ended('ended-by-operator', async ({ socketId }, { node }) => {
    await node.questions.ask({ kind: 'disconnect', app: APP.id, socket: socketId });
  }),
  ended('internal-error', async (client, { node }) => {
    vi.spyOn(node.broker, 'publish').mockImplementationOnce(() => {
      throw new Error('a fault inside');
    });
    client.subscribe('presence-fault', '{"user_id":"1"}');
  }),
  ended('too-many-waiting', async (client, { node }) => {
    vi.spyOn(node.store, 'signIn').mockImplementationOnce(() => new Promise(() => {}));
    client.signIn('{"id":"waits"}');
    const wait = { event: 'client-e', channel: 'private-x', data: 'x'.repeat(4000) };
    for (let count = 0; count < 300; count += 1) client.send(wait);
  }),
  ended('over-budget', async (client) => {
    for (let count = 0; count < 100; count += 1) client.send('nonsense');
  }),
  {
    kind: 'Disconnect',
    id: 'restarting',
    raise: async () => {
      const broker = await startBroker({ 'drain.seconds': 0, 'log.level': 'debug' });
      const client = await RawClient.connect(broker.wsUrl);
      const stopped = broker.stop();
      const restarting = await seen(client, () => loggedCause(broker, 'connection ended', client.socketId));
      await stopped;
      return restarting;
    },
  },
  {
    kind: 'Disconnect',
    id: 'stopping',
    raise: async () => {
      const broker = await startBroker({ 'drain.seconds': 60 });
      // Those who must be moved off keep the broker stopping.
      for (let count = 0; count < 3; count += 1) await RawClient.connect(broker.wsUrl);
      const { agent } = await KeptConnection.open(broker.port);
      void broker.stop();
      const { code } = await new RawClient(`${broker.wsUrl}/app/${APP.key}`, { agent }).closed();
      broker.kill();
      return { id: String(broker.log.find(({ msg }) => msg === 'connection refused')?.cause), code: String(code) };
    },
  },
  {
    kind: 'Disconnect',
    id: 'not-reading',
    raise: async () => {
      const idle = new TestNode({ options: { pongTimeoutSeconds: 1 } });
      idle.node.uptake.ask(idle.connect().connected);
      idle.clock.advance(2000);
      return { id: String(idle.ended[0]?.id), code: String(idle.ended[0]?.code) };
    },
  },
  {
    kind: 'Disconnect',
    id: 'buffers-full',
    raise: async () => {
      const busy = new TestNode();
      const slow = busy.connect();
      slow.subscribe('news');
      Object.assign(slow.connected.transport, { bufferedBytes: 2_000_000 });
      void busy.node.broker.publish({ appId: '3', channel: 'news', frame: 'x'.repeat(500_000) });
      busy.clock.advance(500);
      return { id: String(busy.ended[0]?.id), code: String(busy.ended[0]?.code) };
    },
  },
  {
    kind: 'Disconnect',
    id: 'pong-timeout',
    // Takes more than 30 s on a real clock.
    raise: async () => {
      const idle = new TestNode({ options: { activityTimeoutSeconds: 1, pongTimeoutSeconds: 1 } });
      const client = idle.connect();
      idle.clock.advance(60_000);
      return { id: String(idle.ended[0]?.id), code: String(client.closedWith?.code) };
    },
  },
];
