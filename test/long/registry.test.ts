import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { emptyProject, npmInstall, packRelease, THIS_PLATFORM } from '../support/packed-release.ts';
import { CommandProcess, temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';

const exec = promisify(execFile);

const CONFIGURATION = `
storage: ./storage
auth: { htpasswd: { file: ./htpasswd } }
packages: { '**': { access: $all, publish: $all } }
log: { type: stdout, format: json, level: warn }
`;

/** A registry of its own that asks no other one. */
async function startRegistry(): Promise<string> {
  const folder = temporaryFolder();
  // One of its dependencies is named by a tag that not every mirror has.
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "overrides": { "node-fetch": "2.7.0" } }');
  await exec('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', 'verdaccio@6.1.2'], { cwd: folder });
  writeFileSync(join(folder, 'config.yaml'), CONFIGURATION);
  const port = await freePort();
  const args = ['--config', join(folder, 'config.yaml'), '--listen', `127.0.0.1:${port}`];
  const registry = spawn(process.execPath, [join(folder, 'node_modules/verdaccio/bin/verdaccio'), ...args], {
    stdio: 'ignore',
  });
  onTestFinished(async () => {
    registry.kill();
    await once(registry, 'exit');
  });
  const url = `http://127.0.0.1:${port}/`;
  await until(() =>
    fetch(`${url}-/ping`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return url;
}

test('what release:pack writes can be published, and npm install kulkul takes two packages of it', async () => {
  const tarballs = await packRelease();
  const registry = await startRegistry();
  const settings = join(temporaryFolder(), 'npmrc');
  writeFileSync(settings, `registry=${registry}\n${registry.replace('http:', '')}:_authToken=any\n`);
  const flags = ['--userconfig', settings];
  for (const tarball of tarballs) await exec('npm', ['publish', ...flags, tarball]);
  expect(tarballs).toHaveLength(6);

  const project = emptyProject();
  const before = performance.now();
  const { packages, bytes, stderr } = await npmInstall(project, [...flags, '--cache', temporaryFolder(), 'kulkul']);
  const seconds = (performance.now() - before) / 1000;
  process.stdout.write(
    `npm install kulkul: ${packages.length} packages, ${(bytes / 1e6).toFixed(1)} MB, ${seconds.toFixed(1)} s\n`,
  );
  expect(packages).toEqual([`@kulkul/uws-${THIS_PLATFORM}`, 'kulkul']);
  expect(bytes).toBeLessThan(60e6);
  expect(stderr).toBe('');

  const broker = new CommandProcess(['start', '--host', '127.0.0.1', '--port', '0'], {
    command: join(project, 'node_modules/kulkul/dist/server/main.js'),
    cwd: project,
    env: { PUSHER_APP_ID: '1', PUSHER_APP_KEY: 'installed', PUSHER_APP_SECRET: 'secret' },
  });
  const { port } = await broker.logged('listening');
  const client = await RawClient.connect(`ws://127.0.0.1:${port}`, { key: 'installed' });
  await client.subscribed('scada');
  await client.close();
});
