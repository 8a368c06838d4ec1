/**
 * Writes the binaries of uWebSockets.js for this platform, one for each version of Node that there is one for, into `dist/native`, from the package that npm
 * installed. Part of `npm run build`; in a project that depends on `kulkul` and overrides uWebSockets.js:
 * `node node_modules/kulkul/dist/server/native/write-binaries.js`.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BINARIES, findInstalledPackage, type InstalledPackage, SOURCE_FILE } from './load-binary.ts';
import { mendBinary, UnknownBinaryError } from './mend-binary.ts';
import { PUBLISHED, SHA256 } from './published-binaries.ts';

/** Hashes that are taken besides those of the published package, separated by commas: for whoever overrides it. */
const TRUSTED_VARIABLE = 'KULKUL_UWS_SHA256';

try {
  writeBinaries();
} catch (error) {
  process.stderr.write(`kulkul: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function writeBinaries(): void {
  const source = findInstalledPackage();
  if (!source) throw new Error('uWebSockets.js is not installed: npm install');
  const prefix = `uws_${process.platform}_${process.arch}_`;
  const names = readdirSync(source.folder).filter((name) => name.startsWith(prefix) && name.endsWith('.node'));
  if (names.length === 0) {
    throw new Error(`${source.name} ${source.version} has no binary for ${process.platform} on ${process.arch}`);
  }
  // All of them before the first is written: what was there stays whole if one is refused.
  const binaries = names.map((name) => ({ name, binary: prepare(source, name) }));
  mkdirSync(BINARIES, { recursive: true });
  for (const { name, binary } of binaries) replaceFile(name, binary);
  for (const name of readdirSync(BINARIES)) {
    if (name.endsWith('.node') && !names.includes(name)) rmSync(new URL(name, BINARIES));
  }
  const { name, version } = source;
  replaceFile(SOURCE_FILE, `${JSON.stringify({ name, version })}\n`);
}

function prepare(source: InstalledPackage, name: string): Buffer {
  const path = join(source.folder, name);
  const binary = readFileSync(path);
  checkHash(source, name, createHash('sha256').update(binary).digest('hex'));
  if (process.platform !== 'linux') return binary;
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

/** A running broker keeps the file that it has loaded; written in place, it would crash. */
function replaceFile(name: string, content: Buffer | string): void {
  const path = fileURLToPath(new URL(name, BINARIES));
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}
