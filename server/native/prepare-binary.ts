import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstalledPackage } from './load-binary.ts';
import { mendBinary, UnknownBinaryError } from './mend-binary.ts';
import { PUBLISHED, SHA256 } from './published-binaries.ts';

/** Hashes that are taken besides those of the published package, separated by commas: for whoever overrides it. */
const TRUSTED_VARIABLE = 'KULKUL_UWS_SHA256';

/**
 * A binary of an installed package as Kulkul ships it: checked against the hash that is pinned, and patched if it is for Linux.
 *
 * @param name - of the file, such as `uws_linux_x64_137.node`
 * @throws {Error} it is not what was published, or not what the patch knows
 */
export function prepareBinary(source: InstalledPackage, name: string): Buffer {
  const path = join(source.folder, name);
  const binary = readFileSync(path);
  checkHash(source, name, createHash('sha256').update(binary).digest('hex'));
  if (!name.startsWith('uws_linux_')) return binary;
  try {
    return mendBinary(binary);
  } catch (error) {
    if (!(error instanceof UnknownBinaryError)) throw error;
    throw new Error(`${path} is not what this version of Kulkul expects: ${error.message}`);
  }
}

function checkHash({ name: packageName, version }: InstalledPackage, name: string, hash: string): void {
  const isPublished = packageName === PUBLISHED.name && version === PUBLISHED.version;
  const trusted = process.env[TRUSTED_VARIABLE]?.split(',').map((one) => one.trim().toLowerCase()) ?? [];
  if ((isPublished && SHA256[name] === hash) || trusted.includes(hash)) return;
  const reason = isPublished
    ? `has a different hash than the one that was published (${SHA256[name]}): install again`
    : 'has a hash that Kulkul does not know';
  throw new Error(
    `${name} of ${packageName} ${version} ${reason}. To use it anyway: ${TRUSTED_VARIABLE}=${hash} (several separated by commas)`,
  );
}
