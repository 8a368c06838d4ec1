import { createHash, randomBytes } from 'node:crypto';
import nacl from 'tweetnacl';
import { isJsonObject, parseJson } from '../../protocol/json.ts';

/**
 * The payload of an event on an encrypted channel.
 *
 * @param masterKey - 32 bytes
 * @see Pusher, "Encrypted channels": a secretbox of NaCl, under a key that is SHA-256 of the name and the master key
 */
export function encryptPayload(masterKey: Uint8Array, channel: string, data: string): string {
  const nonce = randomBytes(nacl.secretbox.nonceLength);
  const box = nacl.secretbox(Buffer.from(data), nonce, channelKey(masterKey, channel));
  return JSON.stringify({ nonce: nonce.toString('base64'), ciphertext: Buffer.from(box).toString('base64') });
}

/** What a payload says; undefined for one that was encrypted with another key, or not at all. */
export function decryptPayload(masterKey: Uint8Array, channel: string, payload: string): string | undefined {
  const parts = parseJson(payload);
  if (!isJsonObject(parts) || typeof parts.nonce !== 'string' || typeof parts.ciphertext !== 'string') return undefined;
  const nonce = Buffer.from(parts.nonce, 'base64');
  if (nonce.length !== nacl.secretbox.nonceLength) return undefined;
  const text = nacl.secretbox.open(Buffer.from(parts.ciphertext, 'base64'), nonce, channelKey(masterKey, channel));
  return text === null ? undefined : Buffer.from(text).toString();
}

function channelKey(masterKey: Uint8Array, channel: string): Buffer {
  return createHash('sha256').update(channel).update(masterKey).digest();
}
