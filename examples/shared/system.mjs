import { fileURLToPath } from 'node:url';
import { runBroker } from './broker.mjs';
import { Children } from './children.mjs';
import { assertFree, freePort, LOOPBACK } from './ports.mjs';

/**
 * What a folder's `system.mjs` exports.
 *
 * @typedef {object} System
 * @property {string} title
 * @property {string} config - the broker's configuration file, in the folder
 * @property {number} port - of the broker, where none is asked for
 * @property {number} pagePort
 * @property {Record<string, number>} [ports] - further ones by the variable that holds them
 * @property {string[]} [programs] - producers and backends, in the folder; each is started with the environment below
 * @property {Record<string, string>} [env] - for the programs, beside the ports
 * @property {(running: { port: number, pagePort: number } & Record<string, string>) => string[]} [notes] - lines for whoever started it; `ports` are in it by their names
 */

/**
 * Starts a system. Programs find the broker by the variables BROKER_HOST, BROKER_PORT, and the page by `import.meta.env.BROKER_PORT`:
 * it is told the ports, and none of the secrets.
 *
 * @param {URL} folder
 * @param {System} system
 * @param {{ port?: number, pagePort?: number }} options - a port of 0 is any free one
 */
export async function startSystem(folder, system, options) {
  const port = options.port || (options.port === 0 ? await freePort() : system.port);
  const pagePort = options.pagePort || (options.pagePort === 0 ? await freePort() : system.pagePort);
  const ports = await portsOf(system.ports ?? {}, options.pagePort === 0);
  await assertFree(pagePort, '--page-port 0');
  const env = {
    ...system.env,
    ...ports,
    BROKER_HOST: LOOPBACK,
    BROKER_PORT: String(port),
    PAGE_PORT: String(pagePort),
  };
  const children = new Children(fileURLToPath(folder), env);
  let page;
  const stop = async () => {
    await Promise.all([page?.close(), children.stop()]);
  };
  try {
    const brokerPid = await runBroker(children, system.config, port);
    for (const program of system.programs ?? []) children.start(program.replace(/\.mjs$/, ''), [program]);
    page = await servePage(folder, env, pagePort);
    const notes = system.notes?.({ port, pagePort, ...ports }) ?? [];
    const url = `http://${LOOPBACK}:${pagePort}/`;
    return { port, pagePort, url, brokerPid, notes, failed: children.failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function servePage(folder, env, port) {
  const { createServer: createVite } = await import('vite');
  const vite = await createVite({
    configFile: false,
    root: fileURLToPath(new URL('page/', folder)),
    cacheDir: fileURLToPath(new URL(`../../node_modules/.vite/${folder.pathname.split('/').at(-2)}`, import.meta.url)),
    logLevel: 'warn',
    clearScreen: false,
    define: Object.fromEntries(
      Object.entries(env)
        .filter(([name]) => name.endsWith('_PORT'))
        .map(([name, value]) => [`import.meta.env.${name}`, JSON.stringify(value)]),
    ),
    server: {
      host: LOOPBACK,
      port,
      strictPort: true,
      hmr: false,
      fs: { allow: [fileURLToPath(new URL('../..', import.meta.url))] },
    },
  });
  await vite.listen();
  return vite;
}

/** @param {boolean} anyFree - in place of those that are named */
async function portsOf(named, anyFree) {
  const ports = {};
  for (const [name, port] of Object.entries(named)) {
    if (!anyFree) await assertFree(port, '--page-port 0');
    ports[name] = String(anyFree ? await freePort() : port);
  }
  return ports;
}
