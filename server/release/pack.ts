/**
 * Writes what a release publishes: a tarball for each platform, and the package itself, which depends on them.
 *
 *   npm run release:pack -- DIR                         all platforms
 *   npm run release:pack -- DIR --platform linux-x64    a release for these platforms alone (may be repeated)
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PLATFORMS, type Platform } from '../native/platform-packages.ts';
import { packBroker } from './broker-package.ts';
import type { Tarball } from './npm-pack.ts';
import { packPlatform } from './platform-package.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { platform: { type: 'string', multiple: true } },
});
const [directory] = positionals;
if (directory === undefined) throw new Error('usage: npm run release:pack -- DIR [--platform linux-x64]');
const destination = resolve(directory);
const platforms = values.platform?.map(readPlatform) ?? PLATFORMS;

const staging = mkdtempSync(join(tmpdir(), 'kulkul-release-'));
try {
  mkdirSync(destination, { recursive: true });
  const packed = platforms.map((platform) => packPlatform(platform, staging, destination));
  const broker = packBroker(packed, staging, destination);
  for (const tarball of [...packed, broker]) tell(tarball);
} finally {
  rmSync(staging, { recursive: true });
}

function readPlatform(text: string): Platform {
  const found = PLATFORMS.find(({ os, cpu }) => text === `${os}-${cpu}`);
  if (found) return found;
  throw new Error(`no platform ${text}; there are ${PLATFORMS.map(({ os, cpu }) => `${os}-${cpu}`).join(', ')}`);
}

function tell({ filename, packedBytes, unpackedBytes, files }: Tarball): void {
  const [packed, unpacked] = [packedBytes, unpackedBytes].map((bytes) => (bytes / 1e6).toFixed(1));
  process.stdout.write(`${filename}: ${packed} MB, ${unpacked} MB unpacked, ${files} files\n`);
}
