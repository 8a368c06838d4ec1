import { once } from 'node:events';
import { createServer } from 'node:net';

/** Examples are for this machine: broker, page and programs listen there, and nowhere else. */
export const LOOPBACK = '127.0.0.1';

/** `localhost` means either of them: a program on one of the two answers in place of a system on the other. */
const LOCALHOST = [LOOPBACK, '::1'];
const HIGHEST = 65_535;

/** Something to mend in how the command was called. */
export class UsageError extends Error {}

/**
 * A port of a system.
 *
 * @typedef {object} Place
 * @property {number} port
 * @property {string} variable - of the environment, which moves it: SCADA_PAGE_PORT
 * @property {{ port: number, to: string }} [movedFrom] - its own port, and the system that has it
 */

/**
 * Chooses the ports of systems that run side by side. One that is asked for, by option or variable, is taken as it is; the others are
 * moved up where they meet.
 *
 * @param {{ name: string, system: import('./system.mjs').System }[]} systems
 * @param {{ port?: number, pagePort?: number }} options - they go before variables; 0 is any free port. A page port of 0 is for further ports, too
 * @param {Record<string, string | undefined>} environment
 * @returns {Promise<Map<string, Record<string, Place>>>} by system, and by the name that its programs know: BROKER_PORT
 * @throws {UsageError} a variable is no port, or two have the same one
 * @throws {Error} other programs have ports, all of which are named
 */
export async function choosePorts(systems, options, environment) {
  const wishes = systems.flatMap(({ name, system }) => wishesOf(name, system, options, environment));
  const asked = wishes.filter(({ isAsked }) => isAsked);
  const taken = new Map();
  for (const wish of asked) {
    const other = taken.get(wish.port);
    if (other)
      throw new UsageError(`${other.variable} and ${wish.variable} are both ${wish.port}: change one of them.`);
    if (wish.port !== 0) taken.set(wish.port, wish);
  }
  const own = new Set(wishes.map(({ port }) => port));
  for (const wish of wishes) {
    if (wish.isAsked) continue;
    const holder = taken.get(wish.port);
    if (holder) {
      wish.movedFrom = { port: wish.port, to: holder.name };
      while (taken.has(wish.port) || own.has(wish.port) || (await errorOf(wish.port))) wish.port += 1;
    }
    taken.set(wish.port, wish);
  }
  for (const wish of asked.filter(({ port }) => port === 0)) {
    do wish.port = await freePort();
    while (taken.has(wish.port));
    taken.set(wish.port, wish);
  }
  const problems = [];
  for (const wish of wishes) problems.push(await problemOf(wish));
  if (problems.some(Boolean)) throw new Error(problems.filter(Boolean).join('\n'));
  return byName(wishes);
}

/**
 * @param {Place} place
 * @returns why it can't be used, and what to do; undefined when it can
 */
export async function problemOf({ port, variable }) {
  const code = await errorOf(port);
  const advice = `set ${variable} to another port, or to 0 for any free one.`;
  if (code === 'EADDRINUSE') return `Another program has port ${port}: stop it, or ${advice}`;
  return code && `Port ${port} can't be used (${code}): ${advice}`;
}

/** @returns the port that a text names, where there is one */
export function portOf(name, text) {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) > HIGHEST)
    throw new UsageError(`${name} takes a port, or 0 for any free one, not ${text}`);
  return Number(text);
}

function wishesOf(name, system, { port, pagePort }, environment) {
  const further = pagePort === 0 ? 0 : undefined;
  return [
    ['BROKER_PORT', system.port, port],
    ['PAGE_PORT', system.pagePort, pagePort],
    ...Object.entries(system.ports ?? {}).map(([key, own]) => [key, own, undefined]),
  ].map(([key, own, option]) => {
    const variable = `${name.toUpperCase().replaceAll('-', '_')}_${key}`;
    const asked = option ?? portOf(variable, environment[variable]) ?? further;
    return { name, key, variable, port: asked ?? own, isAsked: asked !== undefined };
  });
}

function byName(wishes) {
  const systems = new Map();
  for (const { name, key, port, variable, movedFrom } of wishes) {
    const places = systems.get(name) ?? {};
    places[key] = { port, variable, ...(movedFrom && { movedFrom }) };
    systems.set(name, places);
  }
  return systems;
}

/** @returns the code of the system why a port of this machine can't be had; undefined when it can */
async function errorOf(port) {
  for (const host of LOCALHOST) {
    try {
      await listenOnce(port, host);
    } catch ({ code }) {
      // A machine without IPv6 has nobody there either.
      if (host === LOOPBACK || code === 'EADDRINUSE') return code;
    }
  }
  return undefined;
}

async function freePort() {
  return listenOnce(0, LOOPBACK);
}

async function listenOnce(port, host) {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  const { port: taken } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return taken;
}
