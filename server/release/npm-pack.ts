import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The parts of a package.json that go into what is published. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly [field: string]: unknown;
}

export interface Tarball {
  /** Of the package. */
  readonly name: string;
  readonly version: string;
  /** In the folder that it was written to. */
  readonly filename: string;
  /** As in lock files: `sha512-...` */
  readonly integrity: string;
  readonly packedBytes: number;
  readonly unpackedBytes: number;
  readonly files: number;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

export function writeJson(path: string, content: unknown): void {
  writeFileSync(path, `${JSON.stringify(content, undefined, 2)}\n`);
}

interface PackReport {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly integrity: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly entryCount: number;
}

/** @throws {Error} npm refused the package */
export function npmPack(folder: string, destination: string): Tarball {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', destination];
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm pack in ${folder} failed:\n${stderr}`);
  const [report] = JSON.parse(stdout) as readonly PackReport[];
  if (!report) throw new Error(`npm pack in ${folder} wrote nothing`);
  const { name, version, filename, integrity, size, unpackedSize, entryCount } = report;
  return { name, version, filename, integrity, packedBytes: size, unpackedBytes: unpackedSize, files: entryCount };
}
