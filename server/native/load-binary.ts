import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from '../package-root.ts';

/** uWebSockets.js can't be loaded here; the message says what would be needed. */
export class NativePartError extends Error {
  override readonly name = 'NativePartError';
}

/** What `process.report` knows of the C library, and its types don't. */
interface ReportHeader {
  /** Undefined where the library is another one: musl. */
  readonly glibcVersionRuntime?: string;
}

/** Versions of Node that there are binaries for, without those that are no long-term release. */
const NODE_VERSIONS = '20, 22 and 24';

/**
 * Loads the binary for this platform and version of Node: the one that the build wrote, or that of the installed package where it is
 * another package by now (an override) or another platform.
 *
 * @returns the module of uWebSockets.js
 * @throws {NativePartError}
 */
export function loadBinary(): unknown {
  const path = findBinary();
  if (path === undefined) throw new NativePartError(`uWebSockets.js has no binary for ${here()}. ${supported()}`);
  try {
    return createRequire(import.meta.url)(path);
  } catch (error) {
    throw new NativePartError(explain(path, String(error)), { cause: error });
  }
}

function findBinary(): string | undefined {
  const name = binaryName();
  const written = fileURLToPath(new URL(name, BINARIES));
  const installed = findInstalledPackage();
  const candidates = installed ? [join(installed.folder, name)] : [];
  if (installed === undefined || isMadeFrom(installed)) candidates.unshift(written);
  return candidates.find(existsSync);
}

function isMadeFrom(installed: { readonly name: string; readonly version: string }): boolean {
  try {
    const { name, version } = readSource(new URL(SOURCE_FILE, BINARIES));
    return name === installed.name && version === installed.version;
  } catch {
    return false;
  }
}

function explain(path: string, reason: string): string {
  const [, needed] = /GLIBC_([\d.]+)' not found/.exec(reason) ?? [];
  const { glibcVersionRuntime: present } = (process.report.getReport() as unknown as { header: ReportHeader }).header;
  if (process.platform === 'linux' && present === undefined) {
    return `uWebSockets.js needs glibc, but this system has another C library (musl, as on Alpine). ${supported()}`;
  }
  if (needed === undefined)
    return `The binary of uWebSockets.js can't be loaded by ${here()}: ${reason}. ${supported()}`;
  const advice = path.startsWith(fileURLToPath(BINARIES))
    ? supported()
    : `To patch it for glibc 2.36 and newer: node ${WRITE_COMMAND}`;
  return `The binary of uWebSockets.js needs glibc ${needed}, and this system has ${present}. ${advice}`;
}

function here(): string {
  return `Node ${process.version} on ${process.platform} ${process.arch}`;
}

function supported(): string {
  return `Kulkul runs on Node ${NODE_VERSIONS}: on Linux with glibc 2.36 or newer (Debian 12, Ubuntu 24.04; not Alpine), on macOS and on Windows`;
}

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

/** Undefined where none is installed, as in an image from which it was taken when the binaries had been made. */
export function findInstalledPackage(): InstalledPackage | undefined {
  try {
    // Its package.json is none of its exports, so it is found by way of its entry.
    const folder = dirname(createRequire(import.meta.url).resolve('uWebSockets.js'));
    return { folder, ...readSource(join(folder, 'package.json')) };
  } catch {
    return undefined;
  }
}

/** @throws {Error} there is no such file */
export function readSource(path: string | URL): BinarySource {
  const { name, version } = JSON.parse(readFileSync(path, 'utf8')) as BinarySource;
  return { name, version };
}

/** @param modules - of a Node version: `process.versions.modules` */
export function binaryName(modules = process.versions.modules): string {
  return `uws_${process.platform}_${process.arch}_${modules}.node`;
}
