import { type AppKey, hmacHex } from './hmac.ts';

/**
 * Headers by which a receiver knows that a webhook's request is from this broker.
 *
 * @param pair - the oldest of the app
 * @param body - exactly what is sent
 * @see Pusher, "Webhooks", "Authentication": hex HMAC-SHA256 of the body
 */
export function signWebhook({ key, secret }: AppKey, body: string): Readonly<Record<string, string>> {
  return { 'X-Pusher-Key': key, 'X-Pusher-Signature': hmacHex(secret, body) };
}
