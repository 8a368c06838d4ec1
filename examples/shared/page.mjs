import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/**
 * Vite, which serves the page in a system's folder.
 *
 * @param {URL} folder
 * @param {Record<string, string>} env - of which the page is told the ports and what begins with VITE_
 * @param {import('vite').ServerOptions} server - where it listens
 */
export async function createPage(folder, env, server) {
  const { createServer } = await import('vite');
  return createServer({ ...optionsFor(folder, env), server: { hmr: false, fs: { allow: [REPOSITORY] }, ...server } });
}

/**
 * The page in a system's folder as files to serve, for an application that does so itself.
 *
 * @param {URL} folder
 * @returns {Promise<Map<string, { type: string, body: string | Uint8Array }>>} by path: `/`, `/assets/index-abc.js`
 */
export async function buildPage(folder) {
  const { build } = await import('vite');
  const { output } = await build({ ...optionsFor(folder, {}), build: { write: false } });
  return new Map(
    output.map(({ fileName, code, source = code }) => [
      fileName === 'index.html' ? '/' : `/${fileName}`,
      { type: TYPES[fileName.split('.').at(-1)] ?? 'application/octet-stream', body: source },
    ]),
  );
}

function optionsFor(folder, env) {
  return {
    configFile: false,
    root: fileURLToPath(new URL('page/', folder)),
    cacheDir: fileURLToPath(new URL(`../../node_modules/.vite/${folder.pathname.split('/').at(-2)}`, import.meta.url)),
    logLevel: 'warn',
    clearScreen: false,
    define: Object.fromEntries(
      Object.entries(env)
        .filter(([name]) => name.endsWith('_PORT') || name.startsWith('VITE_'))
        .map(([name, value]) => [`import.meta.env.${name}`, JSON.stringify(value)]),
    ),
  };
}
