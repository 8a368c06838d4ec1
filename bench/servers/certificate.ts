import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority } from '../../test/support/tls.ts';

/** A certificate for loopback (ECDSA P-256), made for this run. */
export interface Certificate {
  readonly certPath: string;
  readonly keyPath: string;
  /** PEM of the authority that signed it. */
  readonly ca: string;
}

/** Its files are gone when the bench ends. */
export async function issueCertificate(): Promise<Certificate> {
  const authority = await Authority.create('Kulkul bench authority');
  const { cert, key } = await authority.issue();
  const folder = mkdtempSync(join(tmpdir(), 'kulkul-bench-tls-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const certPath = join(folder, 'cert.pem');
  const keyPath = join(folder, 'key.pem');
  writeFileSync(certPath, cert);
  writeFileSync(keyPath, key, { mode: 0o600 });
  return { certPath, keyPath, ca: authority.cert };
}
