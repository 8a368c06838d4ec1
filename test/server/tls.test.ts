import { execFileSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Listener } from '../../server/listener.ts';
import { loadTls, TlsError, type TlsSettings } from '../../server/tls.ts';
import { temporaryFolder } from '../support/process.ts';
import { Authority, type IssuedCertificate } from '../support/tls.ts';

const PASSPHRASE = 'open sesame';

let authority: Authority;
let intermediate: Authority;
let issued: IssuedCertificate;
let other: IssuedCertificate;
beforeAll(async () => {
  vi.stubEnv('TMPDIR', temporaryFolder());
  authority = await Authority.create();
  intermediate = await Authority.create('Intermediate', authority);
  issued = await intermediate.issue({ commonName: 'broker' });
  other = await authority.issue({ commonName: 'other' });
});

afterAll(() => {
  vi.unstubAllEnvs();
});

type Content = string | Uint8Array;

function settingsFor(cert: Content, key: Content, passphrase = ''): TlsSettings {
  const folder = temporaryFolder();
  const [certPath, keyPath] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeFileSync(certPath, cert);
  writeFileSync(keyPath, key);
  return { certPath, keyPath, passphrase, caPath: '', requestClientCertificate: false };
}

/** What a client sees of a listener with these files: the certificate, and by how many others it comes to the authority. */
async function servedBy(ssl: TlsSettings): Promise<{ name: string; chain: string[] }> {
  const listener = new Listener({
    host: '127.0.0.1',
    port: 0,
    isShared: false,
    ssl,
    log: pino({ level: 'silent' }),
    attach: (app) => void app.any('/*', (res) => void res.end()),
  });
  await listener.listen();
  onTestFinished(() => listener.close());
  return new Promise((resolve, reject) => {
    const socket = connect({ port: listener.port, host: '127.0.0.1', ca: authority.cert }, () => {
      const chain: string[] = [];
      let peer = socket.getPeerCertificate(true);
      const name = String(peer.subject.CN);
      while (peer.issuerCertificate && peer.issuerCertificate !== peer) {
        peer = peer.issuerCertificate;
        chain.push(String(peer.subject.CN));
      }
      socket.destroy();
      resolve({ name, chain });
    });
    socket.on('error', reject);
  });
}

async function refusal(ssl: TlsSettings): Promise<string> {
  const listener = new Listener({
    host: '127.0.0.1',
    port: 0,
    isShared: true,
    ssl,
    log: pino({ level: 'silent' }),
    attach: () => {},
  });
  const failure = await listener.listen().catch((error: unknown) => error);
  if (failure instanceof TlsError) return failure.message;
  listener.close();
  throw failure ?? new Error('it was taken');
}

const keyAs = (type: 'sec1' | 'pkcs8', encryption?: object): string =>
  String(
    createPrivateKey(issued.key).export({ type, format: 'pem', ...encryption } as { type: 'sec1'; format: 'pem' }),
  );
const cipher = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE };
/** The curve P-256 by name, as `openssl ecparam -genkey` writes it before the key. */
const PARAMETERS = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
const indent = (text: string): string => text.replace(/^/gm, '    ');

/** Cause: Node reads more forms of PEM than uWebSockets.js, which says nothing of why it refuses. Symptom: "App construction failed", with a stack. */
describe('serves certificate and key of any form that Node reads:', () => {
  test.each<[what: string, cert: () => Content, key: () => Content, passphrase?: string]>([
    ['as issued', () => issued.cert, () => issued.key],
    ['a byte order mark before the certificate', () => `\uFEFF${issued.cert}`, () => issued.key],
    ['a byte order mark before the key', () => issued.cert, () => `\uFEFF${issued.key}`],
    [
      'UTF-16',
      () => Buffer.from(`\uFEFF${issued.cert}`, 'utf16le'),
      () => Buffer.from(`\uFEFF${issued.key}`, 'utf16le'),
    ],
    ['line ends of Windows', () => issued.cert.replaceAll('\n', '\r\n'), () => issued.key.replaceAll('\n', '\r\n')],
    ['line ends of old Macs', () => issued.cert.replaceAll('\n', '\r'), () => issued.key.replaceAll('\n', '\r')],
    ['indented, as out of YAML', () => indent(issued.cert), () => indent(issued.key)],
    ['text around it', () => `Certificate:\n  Data\n${issued.cert}\nend`, () => `# the key\n${issued.key}`],
    ['the old label', () => issued.cert.replaceAll(' CERTIFICATE-', ' X509 CERTIFICATE-'), () => issued.key],
    ['a key of SEC 1', () => issued.cert, () => keyAs('sec1')],
    ['a key of SEC 1 after its parameters', () => issued.cert, () => PARAMETERS + keyAs('sec1')],
    ['an encrypted key of PKCS#8', () => issued.cert, () => keyAs('pkcs8', cipher), PASSPHRASE],
    ['an encrypted key of SEC 1', () => issued.cert, () => keyAs('sec1', cipher), PASSPHRASE],
    ['an encrypted key with a byte order mark', () => issued.cert, () => `\uFEFF${keyAs('pkcs8', cipher)}`, PASSPHRASE],
    ['a key encrypted by scrypt', () => issued.cert, () => byScrypt(issued.key), PASSPHRASE],
    ['a passphrase that is not needed', () => issued.cert, () => issued.key, PASSPHRASE],
    ['key and certificate in one file', () => issued.key + issued.cert, () => issued.cert + issued.key],
    ['several keys, the right one first', () => issued.cert, () => issued.key + other.key],
    ['several keys, the right one last', () => issued.cert, () => other.key + issued.key],
  ])('%s', async (_what, cert, key, passphrase) => {
    const before = copiesLeft();
    const chained = typeof cert() === 'string' ? `${cert()}\n${intermediate.cert}` : cert();
    const ssl = settingsFor(chained, key(), passphrase);
    if (typeof chained !== 'string') ssl.caPath = settingsFor(intermediate.cert, '').certPath;
    expect(await servedBy(ssl)).toEqual({ name: 'broker', chain: ['Intermediate', authority.name] });
    expect(copiesLeft()).toEqual(before);
  });

  test.each<[what: string, cert: () => string]>([
    ['the certificate last', () => intermediate.cert + issued.cert],
    ['the authority in between', () => issued.cert + authority.cert + intermediate.cert],
    ['everything upside down', () => authority.cert + intermediate.cert + issued.cert],
    ['another certificate first', () => other.cert + issued.cert + intermediate.cert],
  ])('a chain in the wrong order, with %s', async (_what, cert) => {
    const ssl = settingsFor(cert(), issued.key);
    expect(await servedBy(ssl)).toEqual({ name: 'broker', chain: ['Intermediate', authority.name] });
    const { chain } = loadTls(ssl, new Date());
    expect(chain.slice(0, 2).map(({ subject }) => subject)).toEqual(['CN=broker', 'CN=Intermediate']);
  });
});

describe('refuses in one line', () => {
  test.each<[what: string, cert: () => Content, key: () => Content, message: RegExp]>([
    ['a key that is no certificate’s', () => issued.cert, () => other.key, /is not the key of the certificate/],
    ['a certificate in DER', () => der(issued.cert), () => issued.key, /certPath .* It is DER or PKCS#12: convert it/],
    ['a key in DER', () => issued.cert, () => der(issued.key), /keyPath .* It is DER or PKCS#12: convert it/],
    ['an empty file', () => '', () => issued.key, /certPath .* is not a PEM certificate/],
    ['a truncated chain', () => issued.cert + intermediate.cert.slice(0, 300), () => issued.key, /truncated/],
    [
      'a chain with a broken link',
      () => `${issued.cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
      () => issued.key,
      /is not a PEM certificate, number 2 of 2 in it/,
    ],
    ['the files in each other’s place', () => issued.key, () => issued.cert, /certPath .* is not a PEM certificate/],
  ])('%s', async (_what, cert, key, message) => {
    const text = await refusal(settingsFor(cert(), key()));
    expect(text).toMatch(message);
    expect(text).not.toContain('\n');
  });

  test.each([
    ['secp256k1', 'ec secp256k1', ['ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1']],
    ['Ed448', 'ed448', ['ed448']],
    ['RSA-PSS', 'rsa-pss 2048', ['rsa-pss', '-pkeyopt', 'rsa_keygen_bits:2048']],
  ])('a key that Node takes and uWebSockets.js does not: %s', async (_what, kind, algorithm) => {
    const before = copiesLeft();
    const { cert, key } = selfSigned(algorithm);
    expect(await refusal(settingsFor(cert, key))).toMatch(
      new RegExp(`can't be used: uWebSockets\\.js does not support this key \\(${kind}\\)\\. Use an RSA key`),
    );
    expect(copiesLeft()).toEqual(before);
  });

  test('a place where no copy can be made', async () => {
    const ssl = settingsFor(intermediate.cert + issued.cert, issued.key);
    const folder = tmpdir();
    vi.stubEnv('TMPDIR', '/nowhere');
    onTestFinished(() => void vi.stubEnv('TMPDIR', folder));
    expect(await refusal(ssl)).toMatch(/^No copy of the TLS files can be made in \/nowhere/);
  });
});

/** Folders that copies are made in. */
function copiesLeft(): string[] {
  return readdirSync(tmpdir()).filter((name) => /^kulkul-.{6}$/.test(name));
}

function der(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64');
}

function byScrypt(key: string): string {
  const args = ['pkcs8', '-topk8', '-scrypt', '-passout', `pass:${PASSPHRASE}`];
  return execFileSync('openssl', args, { input: key, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
}

function selfSigned(algorithm: readonly string[]): IssuedCertificate {
  const file = join(temporaryFolder(), 'key.pem');
  const args = ['req', '-x509', '-nodes', '-days', '30', '-subj', '/CN=localhost', '-keyout', file, '-newkey'];
  const cert = execFileSync('openssl', [...args, ...algorithm], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return { cert, key: readFileSync(file, 'utf8') };
}
