import { createHmac } from 'node:crypto';
import type { AppCredentials } from './address.ts';

/** A text frame of a client whose mask is all zeros: valid, and the payload stays as it is. */
export function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  if (payload.length > 65_535) throw new Error('a client frame of the bench is short');
  const header =
    payload.length < 126
      ? [0x81, 0x80 | payload.length]
      : [0x81, 0x80 | 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([...header, 0, 0, 0, 0]), payload]);
}

export const PING = clientFrame('{"event":"pusher:ping","data":{}}');

/** `pusher:subscribe`, as a frame. */
export function subscribeFrame(app: AppCredentials, socketId: string, channel: string, userId: string): Buffer {
  if (!isSignedFor(channel)) return publicFrame(channel);
  return clientFrame(subscribeText(app, socketId, channel, userId));
}

/** `pusher:subscribe`, with what the kind of channel takes. */
export function subscribeText(app: AppCredentials, socketId: string, channel: string, userId: string): string {
  if (!isSignedFor(channel)) return JSON.stringify({ event: 'pusher:subscribe', data: { auth: '', channel } });
  const channelData = channel.startsWith('presence-')
    ? JSON.stringify({ user_id: userId, user_info: { name: `member ${userId}` } })
    : undefined;
  const signed = [socketId, channel, ...(channelData === undefined ? [] : [channelData])].join(':');
  const auth = `${app.key}:${createHmac('sha256', app.secret).update(signed).digest('hex')}`;
  return JSON.stringify({ event: 'pusher:subscribe', data: { auth, channel_data: channelData, channel } });
}

function isSignedFor(channel: string): boolean {
  return /^(private|presence)-/.test(channel);
}

export function unsubscribeFrame(channel: string): Buffer {
  return clientFrame(JSON.stringify({ event: 'pusher:unsubscribe', data: { channel } }));
}

const publicFrames = new Map<string, Buffer>();

function publicFrame(channel: string): Buffer {
  let frame = publicFrames.get(channel);
  if (!frame) {
    frame = clientFrame(JSON.stringify({ event: 'pusher:subscribe', data: { auth: '', channel } }));
    publicFrames.set(channel, frame);
  }
  return frame;
}
