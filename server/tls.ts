import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Settings } from './config/index.ts';
import type { AppOptions } from './uws.ts';

export type TlsSettings = Settings['ssl'];

/** Why TLS can't be set up; the message names the file. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
}

/** A certificate that can be served. */
export interface TlsFiles {
  readonly options: AppOptions;
  readonly subject: string;
  readonly expires: Date;
  /** Changes with any of the files. */
  readonly fingerprint: string;
  /** Removes what was written for the native library. To be called once the listener has read it. */
  readonly dispose: () => void;
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
  const cert = readPem(ssl.certPath, 'ssl.certPath');
  const key = readPem(ssl.keyPath, 'ssl.keyPath');
  const ca = ssl.caPath === '' ? undefined : readPem(ssl.caPath, 'ssl.caPath');
  const certificate = checked(`ssl.certPath ${ssl.certPath} is not a PEM certificate`, () => new X509Certificate(cert));
  const privateKey = checked(`ssl.keyPath ${ssl.keyPath} is not a PEM private key, or ssl.passphrase is wrong`, () =>
    createPrivateKey({ key, passphrase: ssl.passphrase }),
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new TlsError(`ssl.keyPath ${ssl.keyPath} is not the key of the certificate ${ssl.certPath}`);
  }
  checked(`ssl.certPath ${ssl.certPath} or ssl.caPath ${ssl.caPath} can't be used`, () =>
    createSecureContext({ cert, key, passphrase: ssl.passphrase, ...(ca && { ca }) }),
  );
  const expires = new Date(certificate.validTo);
  if (expires <= now) {
    throw new TlsError(`The certificate ${ssl.certPath} expired on ${expires.toISOString()}: renew it`);
  }
  const chain = writeChain(ssl, cert, ca);
  return {
    options: {
      cert_file_name: chain?.path ?? ssl.certPath,
      key_file_name: ssl.keyPath,
      ...(ssl.passphrase !== '' && { passphrase: ssl.passphrase }),
      ...(ssl.requestClientCertificate && ssl.caPath !== '' && { ca_file_name: ssl.caPath }),
    },
    subject: certificate.subject.replaceAll('\n', ', '),
    expires,
    fingerprint,
    dispose: () => chain?.remove(),
  };
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

/**
 * The native library asks clients for certificates as soon as it is given authorities. Where nobody wants that, the
 * authorities are what they are in most set-ups: the rest of the server's own chain.
 */
function writeChain(
  ssl: TlsSettings,
  cert: string,
  ca: string | undefined,
): { path: string; remove: () => void } | undefined {
  if (ca === undefined || ssl.requestClientCertificate) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'kulkul-'));
  chmodSync(folder, 0o700);
  const path = join(folder, 'chain.pem');
  writeFileSync(path, `${cert.trimEnd()}\n${ca}`);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function readPem(path: string, setting: string): string {
  return checked(`${setting} ${path} can't be read`, () => readFileSync(path, 'utf8'));
}

function checked<T>(failure: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new TlsError(`${failure} (${error instanceof Error ? error.message : String(error)})`, { cause: error });
  }
}
