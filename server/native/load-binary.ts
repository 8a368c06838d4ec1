import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT, packageVersion } from '../package-root.ts';
import { binaryName, NODE_MODULES_VERSIONS, PLATFORMS, platformPackageName } from './platform-packages.ts';

/** uWebSockets.js can't be loaded here; the message says what would be needed. */
export class NativePartError extends Error {
  override readonly name = 'NativePartError';
}

/** What `process.report` knows of the C library, and its types don't. */
interface ReportHeader {
  /** Undefined where the library is another one: musl. */
  readonly glibcVersionRuntime?: string;
}

const HERE = { os: process.platform, cpu: process.arch };
const NAME = binaryName(HERE, process.versions.modules);

/**
 * Loads the binary for this platform and version of Node. The first of: the one that the build wrote, the one in the package for this platform, and that of
 * uWebSockets.js where somebody installed it.
 *
 * @returns the module of uWebSockets.js
 * @throws {NativePartError}
 */
export function loadBinary(): unknown {
  const path = findBinary();
  if (path === undefined) throw new NativePartError(explainAbsence());
  try {
    return createRequire(import.meta.url)(path);
  } catch (error) {
    throw new NativePartError(explain(path, String(error)), { cause: error });
  }
}

function findBinary(): string | undefined {
  const installed = findInstalledPackage();
  const folders = [findFolder(`${platformPackageName(HERE)}/package.json`), installed?.folder];
  // An override that came after the build is meant to be used.
  if (installed === undefined || isMadeFrom(installed)) folders.unshift(fileURLToPath(BINARIES));
  return folders
    .flatMap((folder) => folder ?? [])
    .map((folder) => join(folder, NAME))
    .find(existsSync);
}

function isMadeFrom(installed: { readonly name: string; readonly version: string }): boolean {
  try {
    const { name, version } = readSource(new URL(SOURCE_FILE, BINARIES));
    return name === installed.name && version === installed.version;
  } catch {
    return false;
  }
}

function explainAbsence(): string {
  if (isOtherLibrary()) return OTHER_LIBRARY;
  const isSupported =
    PLATFORMS.some(({ os, cpu }) => os === HERE.os && cpu === HERE.cpu) &&
    [...NODE_MODULES_VERSIONS.values()].includes(process.versions.modules);
  if (!isSupported) return `uWebSockets.js has no binary for ${here()}. ${SUPPORTED}`;
  const isClone = existsSync(new URL('build.mjs', PACKAGE_ROOT));
  if (isClone) return `There is no binary of uWebSockets.js yet: run "npm run build" in ${fileURLToPath(PACKAGE_ROOT)}`;
  const name = platformPackageName(HERE);
  return (
    `The package ${name} is not installed. npm leaves it out with --omit=optional, and if node_modules or the lock file were made on another platform: ` +
    `run "npm install ${name}@${packageVersion()}"`
  );
}

function explain(path: string, reason: string): string {
  if (isOtherLibrary()) return OTHER_LIBRARY;
  const [, needed] = /GLIBC_([\d.]+)' not found/.exec(reason) ?? [];
  if (needed === undefined) return `The binary of uWebSockets.js can't be loaded by ${here()}: ${reason}. ${SUPPORTED}`;
  const isPublished = path.startsWith(join(findInstalledPackage()?.folder ?? '?', '/'));
  const advice = isPublished ? `To patch it for glibc 2.36 and newer: node ${WRITE_COMMAND}` : SUPPORTED;
  return `The binary of uWebSockets.js needs glibc ${needed}, and this system has ${glibcVersion()}. ${advice}`;
}

function here(): string {
  return `Node ${process.version} on ${process.platform} ${process.arch}`;
}

function isOtherLibrary(): boolean {
  return process.platform === 'linux' && glibcVersion() === undefined;
}

function glibcVersion(): string | undefined {
  return (process.report.getReport() as unknown as { header: ReportHeader }).header.glibcVersionRuntime;
}

/** Versions of Node, without those that are no long-term release. */
const NODE_VERSIONS = [...NODE_MODULES_VERSIONS.keys()].join(', ').replace(/, (\d+)$/, ' and $1');
const SUPPORTED =
  `Kulkul runs on Node ${NODE_VERSIONS}: on Linux with glibc 2.36 or newer (Debian 12, Ubuntu 24.04; not Ubuntu 22.04, RHEL 9 or Alpine), ` +
  'on macOS and on Windows. On other systems run it in a container, from an image such as node:24-trixie-slim (docs/operating.md#container)';
const OTHER_LIBRARY = `uWebSockets.js needs glibc, but this system has another C library (musl, as on Alpine). ${SUPPORTED}`;

/** The package that npm installed under the name of uWebSockets.js: the published one, or what an override put in its place. */
export interface InstalledPackage {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
}

/** Where binaries of a package are, and of which one: written beside them. */
export type BinarySource = Omit<InstalledPackage, 'folder'>;

/** `npm run build` writes the binaries here, and with them what they were made from. */
export const BINARIES = new URL('dist/native/', PACKAGE_ROOT);
export const SOURCE_FILE = 'source.json';
/** What writes them. */
export const WRITE_COMMAND = fileURLToPath(new URL('dist/server/native/write-binaries.js', PACKAGE_ROOT));

/** Undefined where none is installed: only a clone needs it. */
export function findInstalledPackage(): InstalledPackage | undefined {
  // Its package.json is none of its exports, so it is found by way of its entry.
  const folder = findFolder('uWebSockets.js');
  try {
    return folder === undefined ? undefined : { folder, ...readSource(join(folder, 'package.json')) };
  } catch {
    return undefined;
  }
}

/** Of the file that Node finds for a name. */
function findFolder(specifier: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(specifier));
  } catch {
    return undefined;
  }
}

/** @throws {Error} there is no such file */
export function readSource(path: string | URL): BinarySource {
  const { name, version } = JSON.parse(readFileSync(path, 'utf8')) as BinarySource;
  return { name, version };
}
