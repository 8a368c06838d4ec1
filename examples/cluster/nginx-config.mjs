import { readFileSync } from 'node:fs';

/**
 * The text of nginx.conf for a nginx on this machine, as this user.
 *
 * @param {{ port: number, nodePorts: readonly number[], folder: string }} places - folder: for what nginx writes
 */
export function nginxConfig({ port, nodePorts, folder }) {
  let node = 0;
  const own = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return readFileSync(new URL('nginx.conf', import.meta.url), 'utf8')
    .replace('/tmp/nginx.pid', `${folder}/nginx.pid`)
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace(/kulkul-\d:6001/g, () => `127.0.0.1:${nodePorts[node++]}`)
    .replace('access_log off;', `access_log off;\n  ${own.join('\n  ')}`);
}
