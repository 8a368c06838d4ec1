import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Settings } from './config/index.ts';
import { certificatesIn, decodePem, privateKeysIn } from './pem.ts';
import type { AppOptions } from './uws.ts';

export type TlsSettings = Settings['ssl'];

/** Why TLS can't be set up; the message names the file. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
}

/** A certificate that can be served. */
export interface TlsFiles {
  /** The chain that is served, the server's own certificate first. */
  readonly chain: readonly X509Certificate[];
  readonly subject: string;
  readonly expires: Date;
  /** Changes with any of the files. */
  readonly fingerprint: string;
  /**
   * Makes something of the native library that serves the certificate.
   *
   * @param create - throws, without saying why, where the library can't read or use the files
   * @throws {TlsError} nor can it use a copy of them in the form that it knows best
   */
  create<T>(create: (options: AppOptions) => T): T;
}

/**
 * Reads and checks the certificate files. Only what fits together is handed to the native library, which says nothing of
 * what it finds wrong.
 *
 * @throws {TlsError} a file that can't be read, isn't PEM, doesn't fit the key, or has expired
 */
export function loadTls(ssl: TlsSettings, now: Date): TlsFiles {
  // Before reading: what changes meanwhile must be seen as a change later.
  const fingerprint = tlsFingerprint(ssl);
  const certificates = readCertificates(ssl.certPath, 'ssl.certPath');
  const authorities = ssl.caPath === '' ? [] : readCertificates(ssl.caPath, 'ssl.caPath');
  const { key, leaf, isFirst } = findPair(ssl, certificates);
  const servesAuthorities = !ssl.requestClientCertificate;
  const chain = inOrder(leaf, [...certificates, ...(servesAuthorities ? authorities : [])]);
  checked(`ssl.certPath ${ssl.certPath} can't be used`, () =>
    createSecureContext({ cert: pemOf(chain), key: exportKey(key, '') }),
  );
  const expires = new Date(leaf.validTo);
  if (expires <= now) {
    throw new TlsError(`The certificate ${ssl.certPath} expired on ${expires.toISOString()}: renew it`);
  }
  const asksClients = ssl.requestClientCertificate && ssl.caPath !== '';
  const passphrase = ssl.passphrase === '' ? {} : { passphrase: ssl.passphrase };

  const create = <T>(make: (options: AppOptions) => T): T => {
    const copies = new Copies();
    try {
      // A copy of the key is made only where there is no other way.
      if (isFirst) {
        try {
          return make({
            cert_file_name: isSame(chain, certificates) ? ssl.certPath : copies.write('chain.pem', pemOf(chain)),
            key_file_name: ssl.keyPath,
            ...passphrase,
            ...(asksClients && { ca_file_name: ssl.caPath }),
          });
        } catch (error) {
          if (error instanceof TlsError) throw error;
        }
      }
      const options = {
        cert_file_name: copies.write('chain.pem', pemOf(chain)),
        key_file_name: copies.write('key.pem', exportKey(key, ssl.passphrase)),
        ...passphrase,
        ...(asksClients && { ca_file_name: copies.write('ca.pem', pemOf(authorities)) }),
      };
      return checked(unusable(ssl, key), () => make(options));
    } finally {
      copies.remove();
    }
  };
  return { chain, subject: leaf.subject.replaceAll('\n', ', '), expires, fingerprint, create };
}

/** Tells by time and size whether the files changed; '' while one of them is missing. */
export function tlsFingerprint(ssl: TlsSettings): string {
  try {
    return [ssl.certPath, ssl.keyPath, ssl.caPath]
      .filter((path) => path !== '')
      .map((path) => {
        const { mtimeMs, size, ino } = statSync(path);
        return `${ino}:${size}:${mtimeMs}`;
      })
      .join();
  } catch {
    return '';
  }
}

/** Files for the native library, which reads them once, when it is given them. */
class Copies {
  #folder: string | undefined;

  /** @returns its path; only this user can read it */
  write(name: string, content: string): string {
    return checked(`No copy of the TLS files can be made in ${tmpdir()}`, () => {
      this.#folder ??= mkdtempSync(join(tmpdir(), 'kulkul-'));
      const path = join(this.#folder, name);
      writeFileSync(path, content, { mode: 0o600 });
      return path;
    });
  }

  remove(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Pair {
  readonly key: KeyObject;
  readonly leaf: X509Certificate;
  /** The key is the first in its file, which is the one that the native library takes. */
  readonly isFirst: boolean;
}

/** The private key, and the certificate that it is for: both may have company in their files. */
function findPair(ssl: TlsSettings, certificates: readonly X509Certificate[]): Pair {
  const text = decodePem(readFile(ssl.keyPath, 'ssl.keyPath'));
  const blocks = privateKeysIn(text);
  for (const [index, block] of (blocks.length === 0 ? [text] : blocks).entries()) {
    const key = checked(
      `ssl.keyPath ${ssl.keyPath} is not a PEM private key, or ssl.passphrase is wrong${adviceFor(ssl.keyPath)}`,
      () => createPrivateKey({ key: block, passphrase: ssl.passphrase }),
    );
    const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key));
    if (leaf) return { key, leaf, isFirst: index === 0 };
  }
  throw new TlsError(`ssl.keyPath ${ssl.keyPath} is not the key of the certificate ${ssl.certPath}`);
}

function readCertificates(path: string, setting: string): readonly X509Certificate[] {
  const text = decodePem(readFile(path, setting));
  const blocks = certificatesIn(text);
  const begun = text.split(/-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/).length - 1;
  if (begun > Math.max(blocks.length, 1)) {
    throw new TlsError(`${setting} ${path} has ${begun} certificates, one of them truncated: get the file again`);
  }
  return (blocks.length === 0 ? [text] : blocks).map((block, index) => {
    const which = blocks.length < 2 ? '' : `, number ${index + 1} of ${blocks.length} in it`;
    return checked(
      `${setting} ${path} is not a PEM certificate${which}${adviceFor(path)}`,
      () => new X509Certificate(block),
    );
  });
}

/** DER and PKCS#12 begin alike. */
function adviceFor(path: string): string {
  return readFileSync(path)[0] === 0x30 ? '. It is DER or PKCS#12: convert it with openssl x509, pkey or pkcs12' : '';
}

/** Each certificate before the one that it was issued by; those that belong to none come last. */
function inOrder(leaf: X509Certificate, certificates: readonly X509Certificate[]): readonly X509Certificate[] {
  const chain = [leaf];
  const rest = certificates.filter((certificate) => certificate !== leaf);
  for (let last: X509Certificate | undefined = leaf; last; ) {
    const issued: X509Certificate = last;
    const index = rest.findIndex((certificate) => issued.checkIssued(certificate));
    last = index < 0 ? undefined : rest.splice(index, 1)[0];
    if (last) chain.push(last);
  }
  return [...chain, ...rest];
}

function isSame(one: readonly X509Certificate[], other: readonly X509Certificate[]): boolean {
  return one.length === other.length && one.every((certificate, index) => certificate === other[index]);
}

function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString().trimEnd()).join('\n');
}

/** Encrypted in the way that the native library knows, where there is a passphrase. */
function exportKey(key: KeyObject, passphrase: string): string {
  const form = { type: 'pkcs8', format: 'pem' } as const;
  return String(key.export(passphrase === '' ? form : { ...form, cipher: 'aes-256-cbc', passphrase }));
}

function unusable({ certPath, keyPath }: TlsSettings, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const { namedCurve, modulusLength } = asymmetricKeyDetails ?? {};
  const kind = [asymmetricKeyType, namedCurve ?? modulusLength].filter((part) => part !== undefined).join(' ');
  return (
    `ssl.certPath ${certPath} and ssl.keyPath ${keyPath} can't be used: uWebSockets.js does not support this key (${kind}). ` +
    'Use an RSA key of 2048 bits or more, or an EC key on P-256, P-384 or P-521 (a named curve, not explicit parameters)'
  );
}

function readFile(path: string, setting: string): Buffer {
  return checked(`${setting} ${path} can't be read`, () => readFileSync(path));
}

function checked<T>(failure: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new TlsError(`${failure} (${error instanceof Error ? error.message : String(error)})`, { cause: error });
  }
}
