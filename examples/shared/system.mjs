import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runBroker } from './broker.mjs';
import { Children } from './children.mjs';
import { createPage } from './page.mjs';
import { LOOPBACK } from './ports.mjs';

const POLL_MS = 50;

/**
 * What a folder's `system.mjs` exports. Ports come as texts by the names that programs know: BROKER_PORT, PAGE_PORT, and those of `ports`.
 *
 * @typedef {object} System
 * @property {string} title
 * @property {string} config - the broker's configuration file, in the folder
 * @property {number} port - of the broker, where none is asked for
 * @property {number} pagePort
 * @property {Record<string, number>} [ports] - further ones by the variable that holds them
 * @property {string} [pagePath] - where the page is, '/' unless it is given
 * @property {string} [pageProgram] - listens on PAGE_PORT and serves the page itself, in place of Vite
 * @property {(ports: Ports) => Record<string, string | object>} [proxy] - paths on the page's port that others serve, as Vite's `server.proxy`
 * @property {(string | Program)[]} [programs] - producers and backends, each of which is started with the environment below
 * @property {Record<string, string> | ((ports: Ports) => Record<string, string>)} [env] - for the programs, beside the ports
 * @property {(running: Ports & { port: number, pagePort: number }) => string[]} [notes] - lines for whoever started it
 *
 * @typedef {Record<string, string>} Ports
 *
 * @typedef {object} Program
 * @property {string} file - in the folder
 * @property {string} [label] - before its lines; its file's name unless it is given
 * @property {string[]} [args]
 * @property {boolean} [mayEnd] - the system goes on without it
 */

/**
 * Starts a system. Programs find the broker by the variables BROKER_HOST, BROKER_PORT, and the page by `import.meta.env.BROKER_PORT`:
 * it is told the ports and what begins with VITE_, and none of the secrets.
 *
 * @param {URL} folder
 * @param {System} system
 * @param {Record<string, import('./ports.mjs').Place>} places - of its ports
 * @param {string} prefix - before the lines of its programs
 */
export async function startSystem(folder, system, places, prefix = '') {
  const ports = Object.fromEntries(Object.entries(places).map(([name, { port }]) => [name, String(port)]));
  const own = typeof system.env === 'function' ? system.env(ports) : system.env;
  const env = { ...own, ...ports, BROKER_HOST: LOOPBACK };
  const [port, pagePort] = [places.BROKER_PORT.port, places.PAGE_PORT.port];
  const url = `http://localhost:${pagePort}${system.pagePath ?? '/'}`;
  const children = new Children(fileURLToPath(folder), env, prefix);
  let page;
  const stop = async () => {
    await Promise.all([page?.close(), children.stop()]);
  };
  try {
    const brokerPid = await runBroker(children, system.config, places.BROKER_PORT);
    if (system.pageProgram) {
      // Before the others, which may need it.
      children.start(runnable(system.pageProgram));
      await Promise.race([answerOf(url), children.failed.then(failWith)]);
    } else {
      const proxy = system.proxy?.(ports) ?? {};
      page = await createPage(folder, env, { host: LOOPBACK, port: pagePort, strictPort: true, proxy });
      await page.listen();
    }
    for (const program of system.programs ?? []) children.start(runnable(program));
    const notes = system.notes?.({ ...ports, port, pagePort }) ?? [];
    return { port, pagePort, url, brokerPid, notes, failed: children.failed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @param {string | Program} program */
function runnable(program) {
  const { file, label = file.replace(/\.mjs$/, ''), args = [], mayEnd } = program.file ? program : { file: program };
  return { label, args: [file, ...args], mayEnd };
}

async function answerOf(url) {
  while (!(await fetch(url).catch(() => undefined))?.ok) await setTimeout(POLL_MS);
}

/** @returns {never} */
function failWith(reason) {
  throw new Error(reason);
}
