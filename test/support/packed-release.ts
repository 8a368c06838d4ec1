import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from './process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSX = join(ROOT, 'node_modules/tsx/dist/cli.mjs');
export const THIS_PLATFORM = `${process.platform}-${process.arch}`;

const exec = promisify(execFile);

/**
 * What `npm run release:pack` writes of the build that is there.
 *
 * @param platforms - such as `linux-x64`; none: all
 * @returns paths of the tarballs; of Kulkul itself last
 */
export async function packRelease(platforms: readonly string[] = []): Promise<string[]> {
  const folder = temporaryFolder();
  const flags = platforms.flatMap((platform) => ['--platform', platform]);
  await exec(process.execPath, [TSX, join(ROOT, 'server/release/pack.ts'), folder, ...flags]);
  const isBroker = (name: string): boolean => /^kulkul-\d/.test(name);
  return readdirSync(folder)
    .sort((a, b) => Number(isBroker(a)) - Number(isBroker(b)))
    .map((name) => join(folder, name));
}

/** A folder that holds nothing but a package.json, as users begin. */
export function emptyProject(): string {
  const project = join(temporaryFolder(), 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  return project;
}

export interface Installed {
  /** What npm wrote of warnings. */
  readonly stderr: string;
  /** Installed packages, by name. */
  readonly packages: readonly string[];
  readonly bytes: number;
}

export async function npmInstall(project: string, args: readonly string[]): Promise<Installed> {
  const { stderr } = await exec('npm', ['install', '--no-audit', '--no-fund', ...args], { cwd: project });
  const files = readdirSync(join(project, 'node_modules'), { recursive: true, encoding: 'utf8' });
  const packages = files.flatMap((path) => /^((?:@[^/]+\/)?[^@./][^/]*)\/package\.json$/.exec(path)?.[1] ?? []);
  const sizes = files.map((path) => statSync(join(project, 'node_modules', path))).filter((stat) => stat.isFile());
  return { stderr, packages: packages.sort(), bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
}
