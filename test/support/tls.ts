import 'reflect-metadata';
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

/** A certificate with its key, as PEM. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  readonly commonName?: string;
  /** Encrypts the key. */
  readonly passphrase?: string;
  readonly expires?: Date;
}

/** Signs certificates for tests: none is ever kept, so no key is committed. */
export class Authority {
  readonly name: string;
  readonly cert: string;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(name: string, cert: string, keys: webcrypto.CryptoKeyPair) {
    this.name = name;
    this.cert = cert;
    this.#keys = keys;
  }

  /** @param issuer - makes it an intermediate authority */
  static async create(name = 'Kulkul test authority', issuer?: Authority): Promise<Authority> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.create({
      ...validity(),
      serialNumber: serialNumber(),
      subject: `CN=${name}`,
      issuer: `CN=${issuer?.name ?? name}`,
      publicKey: keys.publicKey,
      signingKey: (issuer ? issuer.#keys : keys).privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
      ],
    });
    return new Authority(name, pem(certificate.toString('pem')), keys);
  }

  /** A certificate that is its own authority. */
  static async selfSigned(): Promise<IssuedCertificate> {
    const own = await Authority.create('localhost');
    return { cert: own.cert, key: exportKey(own.#keys.privateKey, undefined) };
  }

  /** A certificate for loopback, good for servers and clients. */
  async issue({ commonName = 'localhost', passphrase, expires }: IssueOptions = {}): Promise<IssuedCertificate> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.create({
      ...validity(expires),
      serialNumber: serialNumber(),
      subject: `CN=${commonName}`,
      issuer: `CN=${this.name}`,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          { type: 'ip', value: '127.0.0.1' },
        ]),
      ],
    });
    return { cert: pem(certificate.toString('pem')), key: exportKey(keys.privateKey, passphrase) };
  }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function exportKey(privateKey: webcrypto.CryptoKey, passphrase: string | undefined): string {
  const key = KeyObject.from(privateKey);
  if (passphrase === undefined) return String(key.export({ type: 'pkcs8', format: 'pem' }));
  return String(key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }));
}

function validity(notAfter = new Date(Date.now() + 30 * DAY_MS)): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Math.min(Date.now(), notAfter.getTime()) - DAY_MS), notAfter };
}

/** Positive: the first bit must be 0. */
function serialNumber(): string {
  return `01${randomBytes(8).toString('hex')}`;
}

function pem(text: string): string {
  return `${text.trimEnd()}\n`;
}
