import { createHash, createHmac } from 'node:crypto';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { PusherConnection } from './laravel.ts';

/** What Pusher's SDK for PHP puts on the wire. */
export interface SdkRequest {
  /** With the query, in the SDK's order: the signature comes last. */
  readonly path: string;
  readonly body: string;
}

const CHANNELS_AT_ONCE = 100;

/**
 * The requests of one broadcast. Laravel hands the SDK a hundred channels at a time; the SDK, from version 7.2 on, names a single channel
 * as `channel`, and several as `channels`.
 *
 * @param data - JSON as PHP wrote it
 */
export function requestsOf(
  { key, secret, app_id: appId }: PusherConnection,
  { channels, event, data, params }: Broadcast,
  timestamp: number,
): SdkRequest[] {
  const requests: SdkRequest[] = [];
  for (let at = 0; at < channels.length; at += CHANNELS_AT_ONCE) {
    const chunk = channels.slice(at, at + CHANNELS_AT_ONCE);
    const target = chunk.length === 1 ? { channel: chunk[0] } : { channels: chunk };
    const body = encodeAsPhp({ name: event, data, ...target, ...params });
    const path = `/apps/${appId}/events`;
    const md5 = createHash('md5').update(body).digest('hex');
    const query = `auth_key=${key}&auth_timestamp=${timestamp}&auth_version=1.0&body_md5=${md5}`;
    const signature = createHmac('sha256', secret).update(`POST\n${path}\n${query}`).digest('hex');
    requests.push({ path: `${path}?${query}&auth_signature=${signature}`, body });
  }
  return requests;
}

export interface Broadcast {
  readonly channels: readonly string[];
  readonly event: string;
  readonly data: string;
  readonly params: { readonly socket_id?: string };
}

/** `json_encode` without flags: slashes are escaped, and so is all that is not ASCII, in UTF-16, with small letters. */
export function encodeAsPhp(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('/', '\\/')
    .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Sends the bytes as they are, with the headers of the SDK. */
export async function send(port: number, { path, body }: SdkRequest): Promise<{ status: number; body: string }> {
  const headers = {
    'Content-Type': 'application/json',
    'X-Pusher-Library': 'pusher-http-php 7.2.6',
    'User-Agent': 'GuzzleHttp/7',
    'Content-Length': Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
    });
    sent.once('error', reject).end(body);
  });
}
