import { APP, startBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { StreamReader } from '../../support/stream-reader.ts';
import { APPS, loggedCause, type Row } from './errors-broker.ts';
import { row } from './request-errors.ts';

export const FEED_ERRORS: readonly Row[] = [
  row('feed-without-last', async (url) => {
    const answer = await fetch(`${url}/feeds/open`);
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  }),
  row('too-many-connections', async () => {
    const limits = { 'limits.connectionsPerAddress': 0, 'limits.trustedProxies': ['127.0.0.1'] };
    const broker = await startBroker(limits, [{ ...APPS.plain, feeds: [{ path: '/feed', channel: 'news' }] }]);
    const headers = { Accept: 'text/event-stream', 'X-Forwarded-For': '1.2.3.4' };
    const answer = await fetch(`${broker.url}/feed`, { headers });
    const text = await answer.text();
    broker.kill();
    return { status: answer.status, text, headers: answer.headers };
  }),
  {
    kind: 'SubscriptionError',
    id: 'feed-without-token',
    raise: async ({ url }) => {
      const { status, headers } = await StreamReader.ask(`${url}/feeds/private`);
      return { id: String(headers['x-kulkul-error']), code: `AuthError ${status}` };
    },
  },
  {
    kind: 'Disconnect',
    id: 'feed-changed',
    raise: async () => {
      const app = { ...APPS.plain, feeds: [{ path: '/feed', channel: 'news' }] };
      const broker = await startBroker({}, [APP, app]);
      const reader = new RawClient(`${broker.wsUrl}/feed`);
      await new Promise((resolve) => reader.ws.once('open', resolve));
      broker.replaceApps([APP, APPS.plain]);
      const { code } = await reader.closed();
      broker.kill();
      return { id: loggedCause(broker, 'connection ended'), code: String(code) };
    },
  },
];
