import { createHash, randomBytes } from 'node:crypto';
import nacl from 'tweetnacl';
import { isJsonObject, parseJson } from '../../protocol/json.ts';

/**
 * The key of an encrypted channel.
 *
 * @param masterKey - 32 bytes
 * @see Pusher, "Encrypted channels": SHA-256 of the name and the master key
 */
export function channelKey(masterKey: Uint8Array, channel: string): Uint8Array {
  return createHash('sha256').update(channel).update(masterKey).digest();
}

/**
 * The payload of an event on an encrypted channel.
 *
 * @param key - of the channel
 * @see Pusher, "Encrypted channels": a secretbox of NaCl
 */
export function encryptPayload(key: Uint8Array, data: string): string {
  const nonce = randomBytes(nacl.secretbox.nonceLength);
  const box = nacl.secretbox(Buffer.from(data), nonce, key);
  return JSON.stringify({ nonce: nonce.toString('base64'), ciphertext: Buffer.from(box).toString('base64') });
}

/** What a payload says; undefined for one that was encrypted with another key, or not at all. */
export function decryptPayload(key: Uint8Array, payload: string): string | undefined {
  const parts = parseJson(payload);
  if (!isJsonObject(parts) || typeof parts.nonce !== 'string' || typeof parts.ciphertext !== 'string') return undefined;
  const nonce = Buffer.from(parts.nonce, 'base64');
  if (nonce.length !== nacl.secretbox.nonceLength || key.length !== nacl.secretbox.keyLength) return undefined;
  const text = nacl.secretbox.open(Buffer.from(parts.ciphertext, 'base64'), nonce, key);
  return text === null ? undefined : Buffer.from(text).toString();
}
