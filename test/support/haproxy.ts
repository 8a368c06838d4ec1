import { ProxyProcess, type Site } from './proxy-process.ts';

/** A real HAProxy on a port of its own. */
export function startHaproxy(path: string, site: Site): Promise<ProxyProcess> {
  return ProxyProcess.launch({ path, args: (file) => ['-db', '-f', file] }, site);
}
