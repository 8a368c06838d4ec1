import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Vite, for the page in a system's folder.
 *
 * @param {URL} folder
 * @param {Record<string, string>} env - of which the page is told the ports and what begins with VITE_
 * @param {import('vite').ServerOptions} server - where it listens, or `middlewareMode`
 */
export async function createPage(folder, env, server) {
  const { createServer } = await import('vite');
  return createServer({
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
    server: { hmr: false, fs: { allow: [REPOSITORY] }, ...server },
  });
}
