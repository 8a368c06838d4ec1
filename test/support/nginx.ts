import { type ProxyPlace, ProxyProcess, type Site } from './proxy-process.ts';

interface ClusterPlaces extends ProxyPlace {
  readonly nodePorts: readonly number[];
}

const CONFIG = new URL('../../examples/cluster/nginx-config.mjs', import.meta.url).href;
const { nginxConfig } = (await import(CONFIG)) as { nginxConfig(places: ClusterPlaces): string };

/**
 * A real nginx on a port of its own.
 *
 * @param path - of the program
 */
export function startNginx(path: string, site: Site): Promise<ProxyProcess> {
  // One process, so that nothing of it outlives a test run that is killed half-way.
  const directives = 'daemon off; master_process off;';
  const args = (file: string, { folder }: ProxyPlace): string[] => [
    ...['-p', folder, '-c', file, '-e', 'stderr'],
    ...['-g', directives],
  ];
  return ProxyProcess.launch({ path, args }, site);
}

/** In front of nodes, with the configuration of examples/cluster. */
export function startClusterNginx(path: string, nodePorts: readonly number[]): Promise<ProxyProcess> {
  return startNginx(path, {
    config: (place) => nginxConfig({ ...place, nodePorts }),
    isUp: async (port) => (await fetch(`http://127.0.0.1:${port}/ready`)).ok,
  });
}

/**
 * A whole configuration around some part of one.
 *
 * @param http - what stands in `http { … }`
 */
export function aroundNginx(http: string, { folder }: ProxyPlace): string {
  const own = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `pid ${folder}/nginx.pid;\nevents {}\nhttp {\naccess_log off;\n${own.join('\n')}\n${http}\n}\n`;
}
