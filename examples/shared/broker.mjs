import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { problemOf } from './ports.mjs';

/** The broker as it is installed; in this repository `npm run build` makes it. */
const KULKUL = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url));

/** Of the broker only what is worth reading beside the system's own lines. */
const QUIET = {
  KULKUL_LOG_FORMAT: 'json',
  KULKUL_LOG_LEVEL: process.env.KULKUL_LOG_LEVEL ?? 'warn',
  KULKUL_ADMIN_ENABLED: 'false',
};

/** A broker that ends is started again, as a service would be: after a pause in which the pages show that it is away. */
const RESTART_MS = 2000;
const POLL_MS = 50;

/**
 * Starts the broker and keeps it running.
 *
 * @param {import('./children.mjs').Children} children
 * @param {string} config - its file, in the system's folder
 * @param {import('./ports.mjs').Place} place
 * @returns its process id, once it takes connections
 * @throws {Error} it could not start
 */
export async function runBroker(children, config, place) {
  if (!existsSync(KULKUL)) throw new Error('The broker is not built yet: npm run build');
  // A broker of somebody else there would answer that it is ready.
  const problem = await problemOf(place);
  if (problem) throw new Error(problem);
  const { port } = place;
  const state = { ready: false, ended: false };
  const args = [KULKUL, 'start', '--config', config, '--port', String(port)];
  const broker = children.spawn('broker', args, QUIET, (how) => {
    state.ended = true;
    if (state.ready) void restart(children, config, place, how);
  });
  while (!state.ended) {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined);
    if (answer?.ok) {
      state.ready = true;
      return broker.pid;
    }
    await setTimeout(POLL_MS);
  }
  throw new Error(`The broker could not start on port ${port}: see above.`);
}

async function restart(children, config, place, how) {
  children.tell(`The broker ended (${how}): it is started again in ${RESTART_MS / 1000} s.`);
  await setTimeout(RESTART_MS);
  if (children.isStopping) return;
  try {
    const pid = await runBroker(children, config, place);
    children.tell(`The broker runs again, process ${pid}.`);
  } catch (error) {
    children.fail(error.message);
  }
}
