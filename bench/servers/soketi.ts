import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../test/support/free-port.ts';
import { startNode } from './child.ts';
import { APP, type Contender, running, tlsSettings, withConfig } from './contender.ts';

const FOLDER = fileURLToPath(new URL('../peers/soketi/', import.meta.url));
const SCRIPT = `${FOLDER}node_modules/@soketi/soketi/bin/server.js`;

export const isSoketiInstalled = (): boolean => existsSync(SCRIPT);

/**
 * Installs what bench/peers/soketi/package-lock.json says.
 *
 * @throws {Error} npm fails
 */
export function installSoketi(onProgress: (text: string) => void): void {
  onProgress('installing Soketi in bench/peers/soketi (npm ci, some 430 MB) …');
  // Install scripts are for pm2 and native extras, none of which it needs here.
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--omit=optional'], {
    cwd: FOLDER,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error('npm ci in bench/peers/soketi failed: is the registry reachable?');
}

/**
 * Soketi 1.6.1 on the same Node.js and the same uWebSockets.js as Kulkul.
 *
 * @param settings - other than the defaults
 */
export function soketi(name = 'soketi', settings: Readonly<Record<string, unknown>> = {}): Contender {
  return {
    name,
    version: versionOf('@soketi/soketi'),
    isForeign: true,
    has: (need) => need !== 'feeds',
    async start({ cores, nodeFlags, certificate }) {
      const [port, metricsPort] = [await freePort(), await freePort()];
      const config = {
        host: '127.0.0.1',
        port,
        'metrics.host': '127.0.0.1',
        'metrics.port': metricsPort,
        'appManager.array.apps': [APP],
        ...tlsSettings(certificate),
        ...settings,
      };
      return withConfig(config, async (file) => {
        const args = [...nodeFlags, '--no-warnings', SCRIPT, 'start', `--config=${file}`];
        // pm2, which it loads, makes a folder for its own purposes.
        const child = startNode(cores, args, { PM2_HOME: dirname(file) });
        await child.line((line) => line.includes('/usage endpoint is available'));
        return running(child, port, certificate);
      });
    },
  };
}

function versionOf(dependency: string): string {
  return (JSON.parse(readFileSync(`${FOLDER}package.json`, 'utf8')) as Manifest).dependencies[dependency] ?? '';
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}
