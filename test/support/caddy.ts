import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { type ProxyPlace, ProxyProcess, type ProxyProgram, type Site } from './proxy-process.ts';

/** A real Caddy on a port of its own, with a Caddyfile. */
export function startCaddy(path: string, site: Site): Promise<ProxyProcess> {
  return ProxyProcess.launch(caddy(path), site);
}

function caddy(path: string): ProxyProgram {
  return {
    path,
    args: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
    env: ({ folder }) => ({ HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }),
  };
}

/**
 * A whole Caddyfile around some sites.
 *
 * @param sites - with certificates of their own
 */
export function aroundCaddy(sites: string, place: ProxyPlace): string {
  return `{\n\tadmin ${adminOf(place)}\n\tauto_https disable_redirects\n}\n${sites}`;
}

function adminOf({ folder }: ProxyPlace): string {
  return `unix/${join(folder, 'admin.sock')}`;
}

/** Has it take up its Caddyfile again, as `systemctl reload caddy` does. */
export async function reloadCaddy(path: string, { configFile }: ProxyProcess): Promise<void> {
  const args = ['reload', '--force', '--adapter', 'caddyfile', '--config', configFile];
  const reloading = spawn(path, args, { cwd: dirname(configFile), stdio: 'inherit' });
  const [code] = await once(reloading, 'exit');
  if (code !== 0) throw new Error(`caddy reload ended with ${code}`);
}
