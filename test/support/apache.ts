import { existsSync } from 'node:fs';
import { type ProxyPlace, ProxyProcess, type Site } from './proxy-process.ts';

const MODULES = ['/usr/lib/apache2/modules', '/usr/lib64/httpd/modules', '/usr/libexec/apache2'].find(existsSync);

/** Those that Debian has switched on, but for what only files need. */
const USUAL = [
  ...['mpm_event', 'access_compat', 'alias', 'auth_basic', 'authn_core', 'authn_file', 'authz_core', 'authz_host'],
  ...['authz_user', 'deflate', 'dir', 'env', 'filter', 'reqtimeout', 'setenvif', 'status'],
];

/** A real Apache on a port of its own. */
export function startApache(path: string, site: Site): Promise<ProxyProcess> {
  // Ended by SIGTERM, the first process takes the others with it.
  const args = (file: string, { folder }: ProxyPlace): string[] => ['-d', folder, '-f', file, '-DFOREGROUND'];
  return ProxyProcess.launch({ path, args, errorLog: 'error.log' }, site);
}

/**
 * A whole configuration around some part of one.
 *
 * @param modules - beside those that Debian has switched on, without `mod_`
 */
export function aroundApache(site: string, modules: readonly string[], { port, folder }: ProxyPlace): string {
  const load = [...USUAL, ...modules].map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`);
  // Started by root, it serves as another user.
  const user = process.getuid?.() === 0 ? ['User nobody', 'Group nogroup'] : [];
  const own = [
    `ServerName localhost`,
    `DefaultRuntimeDir ${folder}`,
    `PidFile ${folder}/apache.pid`,
    `ErrorLog ${folder}/error.log`,
    `Listen 127.0.0.1:${port}`,
  ];
  return [...load, ...own, ...user, site, ''].join('\n');
}
