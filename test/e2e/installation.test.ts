import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { emptyProject, type Installed, npmInstall, packRelease, THIS_PLATFORM } from '../support/packed-release.ts';
import { CommandProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);

/** An empty project in which the packed package is installed, as a user would. */
let project: string;
let installed: Installed;
beforeAll(async () => {
  // Built by the global set-up; its own build would take files away from tests that run meanwhile.
  const tarballs = await packRelease([THIS_PLATFORM]);
  project = emptyProject();
  installed = await npmInstall(project, ['--prefer-offline', ...tarballs]);
});

const PROGRAM = `
import { startBroker, type Broker } from 'kulkul';
import { startTestBroker } from 'kulkul/testing';

const broker: Broker = await startBroker(
  { host: '127.0.0.1', port: 0, appId: '7', appKey: 'k', appSecret: 's', 'log.level': 'silent', eventLimits: { maxChannelsAtOnce: 5 } },
  { observer: { subscribed: ({ channel }) => { const name: string = channel; void name; } } },
);
const tested = await startTestBroker();
await tested.publish('orders', 'order.created', { id: 7 });
const { data } = await tested.received('orders', 'order.created');
console.log(broker.app.id, tested.app.key, JSON.stringify(data));
await Promise.all([broker.close(), tested.close()]);
`;
const TYPESCRIPT = JSON.stringify({
  compilerOptions: { module: 'nodenext', target: 'es2022', strict: true, types: [], lib: ['es2022', 'dom'] },
  files: ['program.mts'],
});

test('npm installs two packages, within 60 MB and without a warning', () => {
  expect(installed.packages).toEqual([`@kulkul/uws-${THIS_PLATFORM}`, 'kulkul']);
  expect(installed.bytes).toBeLessThan(60e6);
  expect(installed.stderr).toBe('');
});

test('npx kulkul works in a project that installed the package', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const { stdout } = await exec('npx', ['--no-install', 'kulkul', '--version'], { cwd: project });
  expect(stdout).toBe(`${version}\n`);
});

test('the installed package runs without anything that only development needs', async () => {
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

test('programs in JavaScript and TypeScript import it', async () => {
  writeFileSync(join(project, 'program.mts'), PROGRAM);
  writeFileSync(join(project, 'tsconfig.json'), TYPESCRIPT);
  // Declarations of packages are checked, too: skipLibCheck is off.
  await exec(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc')], { cwd: project });
  const { stdout } = await exec(process.execPath, ['program.mjs'], { cwd: project });
  expect(stdout).toBe('7 test-key {"id":7}\n');
});

test('without the package for this platform the start says which one to install', async () => {
  const folder = join(project, 'node_modules/@kulkul');
  renameSync(folder, `${folder}-away`);
  const broker = new CommandProcess(['start', '--host', '127.0.0.1', '--port', '0'], {
    command: join(project, 'node_modules/kulkul/dist/server/main.js'),
    cwd: project,
  });
  expect(await broker.exited).toEqual({ code: 1, signal: null });
  renameSync(`${folder}-away`, folder);
  expect(broker.stderr).toMatch(/^kulkul: The package @kulkul\/uws-.* run "npm install @kulkul\/uws-[\w-]+@[\d.]+"\n$/);
});

test('the package holds what it is made of, and no source or test', () => {
  const folder = join(project, 'node_modules/kulkul');
  const names = readdirSync(folder);
  expect(names).toEqual(
    expect.arrayContaining([
      'LICENSE',
      'README.md',
      'dist',
      'docs',
      'npm-shrinkwrap.json',
      'package.json',
      'soketi.config.json',
    ]),
  );
  for (const name of ['server', 'release', 'test', 'bench', 'node_modules']) expect(names).not.toContain(name);
  const manifest = Object.keys(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  for (const name of ['scripts', 'devDependencies', 'allowScripts', 'overrides']) expect(manifest).not.toContain(name);
  expect(readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' })).not.toContainEqual(
    expect.stringMatching(/\.test\.js$/),
  );
});
