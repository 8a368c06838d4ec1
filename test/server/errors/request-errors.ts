import { connect } from 'node:net';
import { vi } from 'vitest';
import { SeamUnavailable } from '../../../channels/broker.ts';
import { type ApiAnswer, call, trigger } from '../../support/api-client.ts';
import { APP, type TestBroker } from '../../support/broker.ts';
import { APPS, api, BODY_LIMIT_BYTES, DATA_LIMIT_BYTES, type Row, type Seen } from './errors-broker.ts';

const EVENT = { name: 'e', channel: 'c', data: '{}' };

/** One line of text with the id in a header: what every refused request gets. */
function seen({ status, text, headers }: ApiAnswer): Seen {
  if (!/^[^\n]{20,}$/.test(text)) throw new Error(`no useful line: ${text}`);
  return { id: String(headers.get('x-kulkul-error')), code: String(status) };
}

/** A request that is refused. */
export function row(id: string, send: (url: string, broker: TestBroker) => Promise<ApiAnswer>): Row {
  return { kind: 'ApiError', id, raise: async (broker) => seen(await send(broker.url, broker)) };
}

const get = (url: string, path: string, params = {}): Promise<ApiAnswer> => call(url, 'GET', api(path), { params });
const event = (url: string, fields: object): Promise<ApiAnswer> => trigger(url, { ...EVENT, ...fields });
const batch = (url: string, events: object[]): Promise<ApiAnswer> =>
  call(url, 'POST', api('/batch_events'), { body: { batch: events } });

async function unsigned(url: string, query: string, method = 'GET', path = api('/channels')): Promise<ApiAnswer> {
  const answer = await fetch(`${url}${path}${query}`, { method });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

/** Announces more than it sends, and waits. */
function trickle(port: number): Promise<ApiAnswer> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`POST ${api('/events')} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`);
    });
    socket.on('data', (part) => {
      text += part.toString();
    });
    socket.on('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      const id = /x-kulkul-error: (\S+)/i.exec(head)?.[1] ?? '';
      resolve({ status: Number(head.split(' ')[1]), text: body, headers: new Headers({ 'x-kulkul-error': id }) });
    });
  });
}

export const REQUEST_ERRORS: readonly Row[] = [
  row('batch-too-large', (url) => batch(url, Array(11).fill(EVENT))),
  row('extraneous-parameters', (url) => get(url, '/channels/presence-x/users', { info: 'user_count' })),
  row('info-not-applicable', (url) => get(url, '/channels/news', { info: 'user_count' })),
  row('invalid-body', (url) => trigger(url, '[]')),
  row('invalid-channel', (url) => event(url, { channel: 'not a name' })),
  row('invalid-channels', (url) => trigger(url, { name: 'e', channels: [], data: '' })),
  row('invalid-event-name', (url) => event(url, { name: '' })),
  row('invalid-json-body', (url) => trigger(url, '{')),
  row('invalid-socket-id', (url) => event(url, { socket_id: 'me' })),
  row('invalid-user-id', (url) =>
    call(url, 'POST', api(`/users/${'u'.repeat(129)}/terminate_connections`), { body: {} }),
  ),
  row('missing-data', (url) => trigger(url, { name: 'e', channel: 'c' })),
  row('not-presence', (url) => get(url, '/channels/news/users')),
  row('too-many-channels', (url) => trigger(url, { name: 'e', channels: Array(101).fill('c'), data: '' })),
  row('unknown-info', (url) => get(url, '/channels/news', { info: 'members' })),
  row('auth-timestamp', (url) => call(url, 'GET', api('/channels'), { timestamp: 1_000_000_000 })),
  row('auth-version', (url) => get(url, '/channels', { auth_version: '2.0' })),
  row('body-md5', (url) => trigger(url, EVENT, { params: { body_md5: '0'.repeat(32) } })),
  row('invalid-signature', (url) => trigger(url, EVENT, { app: { ...APP, secret: 'wrong' } })),
  row('missing-auth-key', (url) => unsigned(url, '')),
  row('missing-signature', (url) =>
    unsigned(url, `?auth_key=${APP.key}&auth_version=1.0&auth_timestamp=${Math.floor(Date.now() / 1000)}`),
  ),
  row('unknown-auth-key', (url) => trigger(url, EVENT, { app: { ...APP, key: APPS.plain.key } })),
  row('app-disabled', (url) => trigger(url, EVENT, { app: APPS.disabled })),
  row('not-found', (url) => unsigned(url, '', 'GET', '/nowhere')),
  row('unknown-app-id', (url) => trigger(url, EVENT, { app: { ...APP, id: '1234' } })),
  row('method-not-allowed', (url) => unsigned(url, '', 'DELETE')),
  row('body-too-slow', (_url, { port }) => trickle(port)),
  row('body-too-large', (url) => event(url, { data: 'x'.repeat(BODY_LIMIT_BYTES) })),
  row('data-too-large', (url) => event(url, { data: 'x'.repeat(DATA_LIMIT_BYTES + 1) })),
  row('rate-limited', (url) => trigger(url, { name: 'e', channels: ['a', 'b'], data: '' }, { app: APPS.scarce })),
  row('unavailable', (url, { node }) => {
    vi.spyOn(node.broker, 'publish').mockImplementationOnce(() => Promise.reject(new SeamUnavailable('Redis is away')));
    return trigger(url, EVENT);
  }),
  row('internal-error', async (url, { node }) => {
    const fault = vi.spyOn(node.store, 'occupied').mockImplementation(() => {
      throw new Error('a fault inside');
    });
    try {
      return await get(url, '/channels');
    } finally {
      fault.mockRestore();
    }
  }),
];
