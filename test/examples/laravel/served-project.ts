import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { ProxyProcess } from '../../support/proxy-process.ts';
import { buildScript, environment, PROJECT } from './project.ts';

/** Copied to the same paths, as a project's developer does. */
const COPIED = ['app', 'config', 'database', 'resources', 'routes'];
/** Those of a project that examples/laravel does not bring. */
const SETTINGS = ['app', 'auth', 'cache', 'database', 'hashing', 'logging', 'queue', 'session', 'view'];
const FOLDERS = [
  'bootstrap/cache',
  'public',
  ...['cache/data', 'sessions', 'views'].map((name) => `storage/framework/${name}`),
];

/** A Laravel project with the files of examples/laravel, served by PHP: see server.php. Ended with the tests of the file. */
export async function serveProject(brokerPort: number): Promise<ProxyProcess> {
  const php = inject('php');
  const env = {
    ...environment(),
    REVERB_PORT: String(brokerPort),
    VITE_REVERB_HOST: '127.0.0.1',
    VITE_REVERB_PORT: String(brokerPort),
    VITE_REVERB_SCHEME: 'http',
  };
  const script = await buildScript(join(PROJECT, 'resources/js/rvm-dashboard.js'), env);
  return ProxyProcess.launch(
    {
      path: php,
      args: (_, { port }) => ['-S', `127.0.0.1:${port}`, 'server.php'],
      env: () => env,
    },
    {
      config({ folder }) {
        for (const name of COPIED) cpSync(join(PROJECT, name), join(folder, name), { recursive: true });
        for (const name of FOLDERS) mkdirSync(join(folder, name), { recursive: true });
        for (const name of ['server.php', 'settings.php'])
          copyFileSync(fileURLToPath(new URL(name, import.meta.url)), join(folder, name));
        for (const name of SETTINGS)
          writeFileSync(
            join(folder, `config/${name}.php`),
            `<?php return (require base_path('settings.php'))['${name}'];`,
          );
        for (const name of ['.env', 'database.sqlite']) writeFileSync(join(folder, name), '');
        writeFileSync(join(folder, 'public/rvm-dashboard.js'), script);
        const { status, stdout, stderr } = spawnSync(php, ['server.php'], { cwd: folder, env, encoding: 'utf8' });
        if (status !== 0) throw new Error(`the project could not be set up:\n${stdout}${stderr}`);
        return '';
      },
      async isUp(port) {
        return (await fetch(`http://127.0.0.1:${port}/api/rvm/snapshot`)).ok;
      },
    },
  );
}
