import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from '../package-root.ts';

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
