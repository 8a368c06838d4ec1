import { execFile } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { CommandProcess, temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);

/** The commands of the first stage of the Dockerfile, each as a shell runs it. */
function buildSteps(): string[] {
  const [, stage = ''] = readFileSync(join(ROOT, 'Dockerfile'), 'utf8').split(/^FROM .*$/m);
  return [...stage.replaceAll('\\\n', ' ').matchAll(/^RUN (.*)$/gm)].map(([, command = '']) => command);
}

/** What .dockerignore lets through; it names everything else with `*`. */
function copyContext(folder: string): void {
  const [first, ...others] = readFileSync(join(ROOT, '.dockerignore'), 'utf8').trim().split('\n');
  expect(first).toBe('*');
  for (const line of others) cpSync(join(ROOT, line.slice(1)), join(folder, line.slice(1)), { recursive: true });
}

/** Cause: the build began to read a file that .dockerignore keeps out. Symptom: `docker build` failed, and everything else worked. */
test('the steps of the Dockerfile make a broker of what .dockerignore lets through', async () => {
  const folder = temporaryFolder();
  copyContext(folder);
  const steps = buildSteps();
  expect(steps).toHaveLength(4);
  for (const step of steps) await exec('sh', ['-ec', step], { cwd: folder });

  const binaries = readdirSync(join(folder, 'dist/native')).filter((name) => name.endsWith('.node'));
  expect(binaries).toEqual([`uws_${process.platform}_${process.arch}_${process.versions.modules}.node`]);
  const packages = readdirSync(join(folder, 'node_modules'));
  expect(packages).toEqual(expect.arrayContaining(['mysql2', 'pg']));
  expect(existsSync(join(folder, 'node_modules/vite'))).toBe(false);
  const { stdout } = await exec('sh', ['-c', 'tar -cz package.json LICENSE node_modules dist | wc -c'], {
    cwd: folder,
  });
  process.stdout.write(`On top of node:24-trixie-slim: ${(Number(stdout) / 1e6).toFixed(1)} MB compressed\n`);
  // The image of Node has 99 MB of the 120.
  expect(Number(stdout)).toBeLessThan(21e6);

  const broker = new CommandProcess(['start', '--host', '127.0.0.1', '--port', '0'], {
    command: join(folder, 'dist/server/main.js'),
    env: { PUSHER_APP_ID: '1', PUSHER_APP_KEY: 'key', PUSHER_APP_SECRET: 'secret' },
  });
  const { port } = await broker.logged('listening');
  const client = await RawClient.connect(`ws://127.0.0.1:${port}`, { key: 'key' });
  await client.subscribed('scada');
  await client.close();
  broker.signal('SIGTERM');
  expect(await broker.exited).toEqual({ code: 0, signal: null });
});
