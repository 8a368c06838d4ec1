import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProvidedContext } from 'vitest';
import type { TestProject } from 'vitest/node';
import { meetRequirements, NEEDS, type ProjectName, REQUIREMENTS, type Requirement } from './requirements.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMMAND = join(ROOT, 'dist/server/main.js');

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the server. */
    readonly redis: string;
    /** Path of the browser. */
    readonly chromium: string;
    /** Path of the load balancer. */
    readonly nginx: string;
    /** Path of the server. */
    readonly prometheus: string;
    /** Path of the program. */
    readonly curl: string;
    /** Paths of the database servers. */
    readonly mariadb: string;
    readonly postgres: string;
    /** Path of PHP, which has Laravel's classes. */
    readonly php: string;
    /** Path of a Python that has the module `websockets`. */
    readonly python: string;
  }
}

/** What must be there before any test of a project runs: told once, here, instead of by every test that misses it. */
export default function setup(project: TestProject): void {
  const needs = NEEDS[project.name as ProjectName];
  meetAndProvide(project, Object.fromEntries(needs.map((name) => [name, REQUIREMENTS[name]])));
  if (project.name !== 'unit') buildIfStale();
}

export function meetAndProvide(project: TestProject, requirements: Readonly<Record<string, Requirement>>): void {
  for (const [name, path] of Object.entries(meetRequirements(requirements))) {
    project.provide(name as keyof ProvidedContext, path as never);
  }
}

/**
 * Tests of the command run what `npm run build` made. `npm test` builds first, plain `vitest run` does not.
 * Code with type errors is written all the same: tests say whether it works, `npm run check` whether its types do.
 */
export function buildIfStale(): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['build-if-stale.mjs'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status === 0) return;
  if (!existsSync(COMMAND)) throw new Error(`npm run build failed:\n${stdout}${stderr}`);
  process.stderr.write(`npm run build has something to say:\n${stdout}${stderr}\n`);
}
