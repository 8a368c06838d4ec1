import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { CommandProcess, temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);

/** An empty project in which the packed package is installed, as a user would. */
let project: string;
beforeAll(async () => {
  const packed = temporaryFolder();
  // Built by the global set-up; its own build would take files away from tests that run meanwhile.
  await exec('npm', ['pack', '--ignore-scripts', '--pack-destination', packed], { cwd: ROOT });
  const [tarball] = readdirSync(packed);
  project = join(temporaryFolder(), 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  const flags = ['--prefer-offline', '--no-audit', '--no-fund'];
  await exec('npm', ['install', ...flags, join(packed, tarball ?? '')], { cwd: project });
});

test('npx kulkul works in a project that installed the package', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const { stdout } = await exec('npx', ['--no-install', 'kulkul', '--version'], { cwd: project });
  expect(stdout).toBe(`${version}\n`);
});

test('the installed package runs without anything that only development needs', async () => {
  // Everything else is in the bundle, and drivers of databases are for those who configure one.
  const packages = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
  expect(packages).toEqual(['kulkul', 'uWebSockets.js']);

  const broker = new CommandProcess(['start', '--host', '127.0.0.1', '--port', '0'], {
    command: join(project, 'node_modules/kulkul/dist/server/main.js'),
    cwd: project,
    env: { PUSHER_APP_ID: '1', PUSHER_APP_KEY: 'installed', PUSHER_APP_SECRET: 'secret' },
  });
  const { port } = await broker.logged('listening');
  const client = await RawClient.connect(`ws://127.0.0.1:${port}`, { key: 'installed' });
  await client.subscribed('scada');
  await client.close();
  broker.signal('SIGTERM');
  expect(await broker.exited).toEqual({ code: 0, signal: null });
});

test('a driver that is configured and not installed stops the start with the command that installs it', async () => {
  for (const [driver, name] of [
    ['mysql', 'mysql2'],
    ['postgres', 'pg'],
  ] as const) {
    const broker = new CommandProcess(['start', '--host', '127.0.0.1', '--port', '0'], {
      command: join(project, 'node_modules/kulkul/dist/server/main.js'),
      cwd: project,
      env: { KULKUL_APP_MANAGER_DRIVER: driver },
    });
    expect(await broker.exited).toEqual({ code: 1, signal: null });
    expect(broker.stderr).toContain(
      `kulkul: appManager.driver "${driver}" needs the package ${name}, which is not installed: run "npm install ${name}" in ${project}`,
    );
  }
});

test('the package holds what it is made of, and no source or test', () => {
  const installed = join(project, 'node_modules/kulkul');
  expect(readdirSync(installed).sort()).toEqual(
    expect.arrayContaining(['LICENSE', 'README.md', 'dist', 'docs', 'package.json', 'soketi.config.json']),
  );
  for (const folder of ['server', 'test', 'bench', 'node_modules/typescript']) {
    expect(readdirSync(installed)).not.toContain(folder);
  }
  expect(readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })).not.toContainEqual(
    expect.stringMatching(/\.test\.js$/),
  );
});
