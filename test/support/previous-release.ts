import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMMAND, temporaryFolder } from './process.ts';

const RELEASES = fileURLToPath(new URL('../releases', import.meta.url));
const ROOT = join(dirname(COMMAND), '../..');

/**
 * Installs the release before this one, which `npm run release:keep` packed when it was current: what was built, without the native part (which has not
 * its version) and the admin API.
 *
 * @returns its folder. Its version ends with `-previous`, so that the two can be told apart before a release has raised the number
 */
export function installPreviousRelease(): string {
  const [packed] = readdirSync(RELEASES).sort().reverse();
  if (packed === undefined) throw new Error(`no release in ${RELEASES}: npm run release:keep`);
  const folder = temporaryFolder();
  const { status, stderr } = spawnSync('tar', ['-xzf', join(RELEASES, packed), '-C', folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tar: ${stderr}`);
  symlinkSync(join(ROOT, 'dist/native'), join(folder, 'dist/native'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const manifest = join(folder, 'package.json');
  const { version, ...rest } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  writeFileSync(manifest, JSON.stringify({ ...rest, version: `${version}-previous` }));
  return folder;
}

/** What is built here, installed in a folder of its own: nothing that a test does to it is done to others. */
export function installThisRelease(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'dist'));
  for (const part of ['server', 'chunks']) {
    cpSync(join(ROOT, 'dist', part), join(folder, 'dist', part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'dist/native'), join(folder, 'dist/native'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  return folder;
}

export function commandOf(folder: string): string {
  return join(folder, 'dist/server/main.js');
}

/** A link to the present release, as deployments have it. */
export class ReleaseLink {
  readonly path: string;

  constructor(folder: string) {
    this.path = join(temporaryFolder(), 'current');
    symlinkSync(folder, this.path);
  }

  pointTo(folder: string): void {
    unlinkSync(this.path);
    symlinkSync(folder, this.path);
  }
}
