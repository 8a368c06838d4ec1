import { createHash, createHmac } from 'node:crypto';
import { BENCH_APP } from '../servers/bench-app.ts';
import { frameBytes } from './subscriber.ts';

const EVENT = 'scada.data.received';
const PATH = `/apps/${BENCH_APP.id}/events`;

/**
 * A whole `POST /events` as the pusher SDK for Node writes it, ready for a keep-alive connection.
 *
 * @param data - the payload: a string that holds JSON
 */
export function signedTrigger(port: number, channel: string, data: string): Buffer {
  const body = JSON.stringify({ name: EVENT, data, channels: [channel] });
  const md5 = createHash('md5').update(body).digest('hex');
  const timestamp = Math.floor(Date.now() / 1000);
  const params = `auth_key=${BENCH_APP.key}&auth_timestamp=${timestamp}&auth_version=1.0&body_md5=${md5}`;
  const signature = createHmac('sha256', BENCH_APP.secret).update(`POST\n${PATH}\n${params}`).digest('hex');
  return Buffer.from(
    `POST ${PATH}?${params}&auth_signature=${signature} HTTP/1.1\r\n` +
      `Host: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nX-Pusher-Library: pusher-http-node 5.3.4\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: keep-alive\r\n\r\n${body}`,
  );
}

/** Bytes on the wire of one event with a `payload`, as a subscriber of the channel gets it. */
export function eventBytes(channel: string): number {
  return frameBytes(JSON.stringify({ event: EVENT, channel, data: payload(0) }).length);
}

const DATA_BYTES = 200;

/** Payloads of 200 bytes, each different from all others. */
export function payload(number: number): string {
  const head = `{"tag":"pump-7/flow","unit":"m3/h","quality":"good","value":${(number % 1e6) / 1e3 + 1000},"sequence":`;
  const tail = `${String(number).padStart(10, '1')},"note":"`;
  return `${(head + tail).padEnd(DATA_BYTES - 2, 'x')}"}`;
}
