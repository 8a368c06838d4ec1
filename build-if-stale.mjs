/** Runs `npm run build`, unless what is there is newer than everything that it is made of. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
/** What is built of. The lock file stands for what npm installs. */
const SOURCES = [
  'protocol',
  'auth',
  'channels',
  'server',
  'console',
  'docs/errors.md',
  'build.mjs',
  'package-lock.json',
];

if (isStale()) {
  const { status } = spawnSync('npm', ['run', 'build'], {
    cwd: ROOT,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  process.exitCode = status ?? 1;
}

function isStale() {
  if (!existsSync(join(ROOT, 'dist/server/main.js'))) return true;
  const newest = Math.max(...SOURCES.flatMap((source) => modificationTimes(join(ROOT, source))));
  return newest > Math.max(...modificationTimes(join(ROOT, 'dist')));
}

function modificationTimes(path) {
  const names = statSync(path).isDirectory() ? readdirSync(path, { recursive: true }) : ['.'];
  return names.map((name) => statSync(join(path, name)).mtimeMs);
}
