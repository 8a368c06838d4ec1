import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { parseDotenv } from '../../../server/config/environment.ts';
import { freePort } from '../../support/free-port.ts';
import { aroundNginx } from '../../support/nginx.ts';
import type { Site } from '../../support/proxy-process.ts';
import { Authority } from '../../support/tls.ts';

/** The folder whose files a Laravel project copies. */
export const PROJECT = fileURLToPath(new URL('../../../examples/laravel/', import.meta.url));

export function projectFile(path: string): string {
  return readFileSync(join(PROJECT, path), 'utf8');
}

const PAGE = '<!doctype html><title>Page</title><body><script src="/page.js"></script>';

/** `.env`, with what stands for other variables in it. */
export function environment(): Record<string, string> {
  return Object.fromEntries(parseDotenv(projectFile('.env.example'), {}));
}

/** A value of the systemd unit, which is not of this project alone. */
export function unitValue(name: string): string {
  return new RegExp(`^${name}=(.*)$`, 'm').exec(projectFile('../../deploy/systemd/kulkul.service'))?.[1] ?? '';
}

/** The values of a directive of nginx. */
export function directives(name: string): string[] {
  return [...projectFile('server/nginx.conf').matchAll(new RegExp(`^\\s*${name}\\s+(.*);$`, 'gm'))].map(
    ([, value = '']) => value,
  );
}

/** A script of the project with what it imports, built as its `npm run build` does. */
export async function buildScript(file: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    define: { 'import.meta.env': JSON.stringify(env) },
  });
  return outputFiles[0]?.text ?? '';
}

export interface ProjectSite extends Site {
  /** Where what comes without TLS is sent on. */
  readonly httpPort: number;
}

/** The site of server/nginx.conf with a page, on this machine: other places and ports, and nothing else changed. */
export async function siteOf(brokerPort: number): Promise<ProjectSite> {
  const script = await buildScript(fileURLToPath(new URL('page.js', import.meta.url)), environment());
  const httpPort = await freePort();
  const { cert, key } = await (await Authority.create()).issue();
  return {
    httpPort,
    config({ port, folder }) {
      writeFileSync(join(folder, 'fullchain.pem'), cert);
      writeFileSync(join(folder, 'privkey.pem'), key);
      writeFileSync(join(folder, 'fastcgi_params'), '');
      mkdirSync(join(folder, 'public'));
      writeFileSync(join(folder, 'public/page.js'), script);
      writeFileSync(join(folder, 'public/page.html'), PAGE);
      const site = projectFile('server/nginx.conf')
        .replace('listen 80;', `listen 127.0.0.1:${httpPort};`)
        .replace('listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`)
        .replace('http://127.0.0.1:8080', `http://127.0.0.1:${brokerPort}`)
        .replaceAll('/etc/letsencrypt/live/rvm.example.com', folder)
        .replace('/var/www/rvm/public', `${folder}/public`);
      return aroundNginx(site, { port, folder });
    },
    async isUp() {
      const { status } = await fetch(`http://127.0.0.1:${httpPort}/`, { redirect: 'manual' });
      return status === 301;
    },
  };
}
