import { renameSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import PusherSdk from 'pusher';
import { beforeAll, describe, expect, test } from 'vitest';
import { APP } from '../support/broker.ts';
import { freePort } from '../support/free-port.ts';
import { type BrokerProcess, run, startProcess, temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { Authority, type IssuedCertificate } from '../support/tls.ts';

let authority: Authority;
beforeAll(async () => {
  authority = await Authority.create();
});

/** Certificate and key in files, as certbot or an operator leaves them. */
class CertificateFiles {
  readonly #folder = temporaryFolder();

  constructor(issued: IssuedCertificate) {
    this.replace(issued);
  }

  get settings(): Record<string, string> {
    return { 'ssl.certPath': this.path('cert.pem'), 'ssl.keyPath': this.path('key.pem') };
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /** As a whole file each, like certbot does. */
  write(name: string, content: string): string {
    writeFileSync(this.path(`${name}.new`), content);
    renameSync(this.path(`${name}.new`), this.path(name));
    return this.path(name);
  }

  replace({ cert, key }: IssuedCertificate): void {
    this.write('cert.pem', cert);
    this.write('key.pem', key);
  }
}

function clientOf(broker: BrokerProcess, options: Parameters<typeof RawClient.connect>[1] = {}): Promise<RawClient> {
  return RawClient.connect(broker.wsUrl, { ca: authority.cert, ...options });
}

function clientWith(broker: BrokerProcess, certificate: IssuedCertificate): RawClient {
  return new RawClient(`${broker.wsUrl}/app/${APP.key}`, { ca: authority.cert, ...certificate });
}

/** `https` beside `wss` on the same port, with the official SDK. */
function sdkOf({ port }: BrokerProcess): PusherSdk {
  const { id, key, secret } = APP;
  const agent = new Agent({ ca: authority.cert });
  return new PusherSdk({ appId: id, key, secret, host: '127.0.0.1', port: String(port), useTLS: true, agent });
}

function peerOf(client: RawClient): PeerCertificate {
  return (client.ws as unknown as { _socket: TLSSocket })._socket.getPeerCertificate();
}

describe('TLS', () => {
  test('serves wss and https with a key that has a passphrase, and logs path and expiry', async () => {
    const files = new CertificateFiles(await authority.issue({ passphrase: 'open sesame' }));
    const broker = await startProcess({ settings: { ...files.settings, 'ssl.passphrase': 'open sesame' } });
    const client = await clientOf(broker);
    await client.subscribed('scada');
    await client.next('pusher_internal:subscription_count');
    await sdkOf(broker).trigger('scada', 'scada.data.received', { level: 4 });
    expect(await client.nextText()).toBe('{"event":"scada.data.received","channel":"scada","data":"{\\"level\\":4}"}');
    expect(await broker.logged('TLS is on')).toMatchObject({
      certPath: files.path('cert.pem'),
      subject: 'CN=localhost',
      expires: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect(broker.stdout).not.toContain('open sesame');
  });

  test('serves the chain in the certificate file', async () => {
    const intermediate = await Authority.create('Intermediate', authority);
    const { cert, key } = await intermediate.issue();
    const broker = await startProcess({
      settings: new CertificateFiles({ cert: cert + intermediate.cert, key }).settings,
    });
    await (await clientOf(broker)).close();
  });

  test('serves the chain in ssl.caPath, and takes no notice of certificates of clients', async () => {
    const stranger = await Authority.create('Stranger');
    const intermediate = await Authority.create('Intermediate', authority);
    const files = new CertificateFiles(await intermediate.issue());
    const caPath = files.write('ca.pem', intermediate.cert);
    const broker = await startProcess({ settings: { ...files.settings, 'ssl.caPath': caPath } });
    await (await clientOf(broker)).close();
    await clientWith(broker, await stranger.issue()).next('pusher:connection_established');
  });

  test('asks clients for a certificate when told to, and refuses one of another authority', async () => {
    const stranger = await Authority.create('Stranger');
    const files = new CertificateFiles(await authority.issue());
    const caPath = files.write('ca.pem', authority.cert);
    const broker = await startProcess({
      settings: { ...files.settings, 'ssl.caPath': caPath, 'ssl.requestClientCertificate': true },
    });
    await (await clientOf(broker)).close();
    const known = clientWith(broker, await authority.issue({ commonName: 'dashboard' }));
    await known.next('pusher:connection_established');
    const refused = clientWith(broker, await stranger.issue({ commonName: 'intruder' }));
    expect(await refused.closed()).toMatchObject({ code: 1006, before: [] });
  });
});

describe('replaced certificate files', () => {
  test('are taken up, while connections of the old certificate live on and events reach both', async () => {
    const files = new CertificateFiles(await authority.issue({ commonName: 'old' }));
    const broker = await startProcess({ settings: files.settings, port: await freePort() });
    const old = await clientOf(broker);
    expect(peerOf(old).subject.CN).toBe('old');
    await old.subscribed('presence-room', '{"user_id":"old"}');

    files.replace(await authority.issue({ commonName: 'new' }));
    expect(await broker.logged('TLS certificate reloaded')).toMatchObject({ certPath: files.path('cert.pem') });
    const young = await clientOf(broker);
    expect(peerOf(young).subject.CN).toBe('new');
    await young.subscribed('presence-room', '{"user_id":"young"}');
    expect((await old.next('pusher_internal:member_added')).data).toBe('{"user_id":"young"}');

    const sdk = sdkOf(broker);
    await sdk.trigger('presence-room', 'rvm.status.updated', 1);
    for (const client of [old, young]) expect((await client.next('rvm.status.updated')).data).toBe('1');
    old.send({ event: 'client-ping', channel: 'presence-room', data: 2 });
    expect(await young.next('client-ping')).toMatchObject({ data: '2', user_id: 'old' });
    await sdk.trigger('presence-room', 'rvm.status.updated', 3, { socket_id: young.socketId });
    expect((await old.next('rvm.status.updated')).data).toBe('3');
    expect(await young.flush()).toEqual([]);

    await old.close();
    expect((await young.next('pusher_internal:member_removed')).data).toBe('{"user_id":"old"}');
    broker.signal('SIGTERM');
    expect(await young.closed()).toMatchObject({ code: 1001 });
    expect(await broker.exited).toEqual({ code: 0, signal: null });
  });

  test('are left alone when broken: the old certificate stays, the log says why, the next good one is taken', async () => {
    const files = new CertificateFiles(await authority.issue({ commonName: 'old' }));
    const broker = await startProcess({ settings: files.settings, port: await freePort() });
    const failed = 'TLS files changed but can not be used';

    const { cert, key } = await authority.issue({ commonName: 'new' });
    files.write('cert.pem', cert);
    expect((await broker.logged(failed)).err).toMatchObject({ message: expect.stringContaining('is not the key of') });
    files.write('cert.pem', 'not a certificate');
    expect((await broker.logged(failed, 2)).err).toMatchObject({
      message: expect.stringContaining(`ssl.certPath ${files.path('cert.pem')} is not a PEM certificate`),
    });
    const client = await clientOf(broker);
    expect(peerOf(client).subject.CN).toBe('old');
    await client.close();

    files.replace({ cert, key });
    await broker.logged('TLS certificate reloaded');
    expect(peerOf(await clientOf(broker)).subject.CN).toBe('new');
  });
});

describe('a start with files that can not be served', () => {
  test.each([
    ['a certificate that is missing', 'cert.pem', undefined, /ssl\.certPath \S+gone\.pem can't be read \(ENOENT/],
    ['a certificate that is none', 'cert.pem', 'text', /ssl\.certPath \S+cert\.pem is not a PEM certificate/],
    [
      'a key that is none',
      'key.pem',
      'text',
      /ssl\.keyPath \S+key\.pem is not a PEM private key, or ssl\.passphrase is wrong/,
    ],
  ])('names file and fault: %s', async (_, name, content, message) => {
    const files = new CertificateFiles(await authority.issue());
    if (content !== undefined) files.write(name, content);
    const settings = { ...files.settings, ...(content === undefined && { 'ssl.certPath': files.path('gone.pem') }) };
    expect(await startAndFail(settings)).toMatch(message);
  });

  test('names file and fault: a wrong passphrase', async () => {
    const files = new CertificateFiles(await authority.issue({ passphrase: 'right' }));
    const message = await startAndFail({ ...files.settings, 'ssl.passphrase': 'wrong-passphrase' });
    expect(message).toMatch(/ssl\.keyPath \S+key\.pem is not a PEM private key, or ssl\.passphrase is wrong/);
    expect(message).not.toContain('wrong-passphrase');
  });

  test('names file and fault: the key of another certificate', async () => {
    const { cert } = await authority.issue();
    const { key } = await authority.issue();
    const files = new CertificateFiles({ cert, key });
    expect(await startAndFail(files.settings)).toMatch(
      /ssl\.keyPath \S+key\.pem is not the key of the certificate \S+cert\.pem/,
    );
  });

  test('names file and fault: a certificate that expired', async () => {
    const files = new CertificateFiles(await authority.issue({ expires: new Date('2024-02-03T00:00:00Z') }));
    expect(await startAndFail(files.settings)).toMatch(
      /The certificate \S+cert\.pem expired on 2024-02-03T00:00:00\.000Z: renew it/,
    );
  });
});

/** Standard error of a start that ends by itself, as a usage error. */
async function startAndFail(settings: Record<string, string>): Promise<string> {
  const files = new CertificateFiles({ cert: '', key: '' });
  const config = files.write('kulkul.json', JSON.stringify({ host: '127.0.0.1', port: 0, ...settings }));
  const { code, stdout, stderr } = await run(['start', '--config', config]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  return stderr;
}
