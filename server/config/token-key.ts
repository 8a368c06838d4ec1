import { createPublicKey, type KeyObject } from 'node:crypto';
import { MIN_RSA_BITS, PUBLIC_KEY_ALGORITHMS, type TokenAlgorithm } from '../../auth/token-claims.ts';

const CURVES: Readonly<Record<string, { readonly name: string; readonly algorithm: TokenAlgorithm }>> = {
  prime256v1: { name: 'P-256', algorithm: 'ES256' },
  secp384r1: { name: 'P-384', algorithm: 'ES384' },
  secp521r1: { name: 'P-521', algorithm: 'ES512' },
};

/** A public key, and what tokens signed with its other half may say of how they are. */
export interface PublicTokenKey {
  readonly key: KeyObject;
  readonly algorithms: readonly TokenAlgorithm[];
  /** `RSA, 2048 bits`, `EC, P-256`. */
  readonly description: string;
}

/**
 * Reads a public key, or a certificate that holds one.
 *
 * @param pem - PEM text
 * @throws {TypeError} why no token can be checked with it; the text is fit to follow the name of a setting
 */
export function parsePublicKey(pem: string): PublicTokenKey {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw new TypeError(
      'holds a private key, which has no place here: make the public one of it with openssl pkey -pubout',
    );
  }
  const key = readKey(pem);
  const { asymmetricKeyType: type, asymmetricKeyDetails: { modulusLength = 0, namedCurve = '' } = {} } = key;
  if (type === 'rsa') {
    if (modulusLength < MIN_RSA_BITS) {
      throw new TypeError(`is an RSA key of ${modulusLength} bits: it must have ${MIN_RSA_BITS} at least`);
    }
    const algorithms = PUBLIC_KEY_ALGORITHMS.filter((name) => !name.startsWith('ES'));
    return { key, algorithms, description: `RSA, ${modulusLength} bits` };
  }
  const curve = type === 'ec' ? CURVES[namedCurve] : undefined;
  if (curve === undefined) {
    const what = type === 'ec' ? `an EC key on the curve ${namedCurve}` : `a key of the type ${type}`;
    throw new TypeError(`is ${what}: it must be RSA, or EC on P-256, P-384 or P-521`);
  }
  return { key, algorithms: [curve.algorithm], description: `EC, ${curve.name}` };
}

function readKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw new TypeError('is not a public key in PEM (-----BEGIN PUBLIC KEY-----)', { cause });
  }
}
