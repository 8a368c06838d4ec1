import { createHash, createHmac } from 'node:crypto';
import type { Address, AppCredentials } from './address.ts';

const EVENT = 'scada.data.received';

/**
 * A whole `POST` as the pusher SDK for Node writes it, ready for a keep-alive connection.
 *
 * @param resource - what follows `/apps/ID`
 */
export function signedRequest({ host, port, app }: Address, resource: string, content: unknown): Buffer {
  const body = JSON.stringify(content);
  const md5 = createHash('md5').update(body).digest('hex');
  return Buffer.from(
    `POST ${signedPath(app, 'POST', resource, [`body_md5=${md5}`])} HTTP/1.1\r\n` +
      `Host: ${host}:${port}\r\nContent-Type: application/json\r\nX-Pusher-Library: pusher-http-node 5.3.4\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: keep-alive\r\n\r\n${body}`,
  );
}

/**
 * @param resource - what follows `/apps/ID`
 * @param params - further ones of the query, in their order
 */
export function signedPath(app: AppCredentials, method: string, resource: string, params: readonly string[]): string {
  const path = `/apps/${app.id}${resource}`;
  const timestamp = Math.floor(Date.now() / 1000);
  const query = [`auth_key=${app.key}`, `auth_timestamp=${timestamp}`, 'auth_version=1.0', ...params].join('&');
  const signature = createHmac('sha256', app.secret).update(`${method}\n${path}\n${query}`).digest('hex');
  return `${path}?${query}&auth_signature=${signature}`;
}

/** @param data - the payload: a string that holds JSON */
export function signedTrigger(address: Address, channels: readonly string[], data: string): Buffer {
  return signedRequest(address, '/events', { name: EVENT, data, channels });
}

/** Several events at once, each on a channel of its own. */
export function signedBatch(address: Address, channels: readonly string[], data: string): Buffer {
  return signedRequest(address, '/batch_events', {
    batch: channels.map((channel) => ({ name: EVENT, channel, data })),
  });
}

const DATA_BYTES = 200;

/** Payloads of 200 bytes, unless it says otherwise, each different from all others. */
export function payload(number: number, bytes = DATA_BYTES): string {
  const head = `{"tag":"pump-7/flow","unit":"m3/h","quality":"good","value":${(number % 1e6) / 1e3 + 1000},"sequence":`;
  const tail = `${String(number).padStart(10, '1')},"note":"`;
  return `${(head + tail).padEnd(bytes - 2, 'x')}"}`;
}
