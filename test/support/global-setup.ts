import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { meetRequirements } from './requirements.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['protocol', 'auth', 'channels', 'server'];

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the browser. */
    readonly chromium: string;
  }
}

/** What must be there before any test runs: told once, here, instead of by every test that misses it. */
export default function setup(project: TestProject): void {
  project.provide('chromium', meetRequirements().chromium);
  if (isBuildStale()) build();
}

/** Tests of the command run what `npm run build` made. `npm test` builds first, plain `vitest run` does not. */
function isBuildStale(): boolean {
  const command = join(ROOT, 'dist/server/main.js');
  if (!existsSync(command)) return true;
  const newest = Math.max(...SOURCES.flatMap((folder) => modificationTimes(join(ROOT, folder))));
  return newest > Math.max(...modificationTimes(join(ROOT, 'dist')));
}

function modificationTimes(folder: string): number[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => statSync(join(folder, name)).mtimeMs);
}

function build(): void {
  const { status, stdout } = spawnSync('npm', ['run', 'build'], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm run build failed:\n${stdout}`);
}
