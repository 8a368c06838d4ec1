#!/usr/bin/env node
/**
 * Runs systems of this folder: broker, producer and page together, until Ctrl+C.
 *
 *   npm run example scada
 *   npm run example scada -- --port 0 --page-port 0     (any free ports)
 *   npm run example all                                 (side by side)
 *
 * Each port has a variable of the environment that moves it, such as SCADA_PAGE_PORT. It is printed.
 */
import { existsSync, readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { choosePorts, portOf, UsageError } from './shared/ports.mjs';
import { startSystem } from './shared/system.mjs';

const ALL = 'all';

const folder = new URL('.', import.meta.url);
const available = readdirSync(folder)
  .filter((name) => name !== 'shared' && existsSync(new URL(`${name}/system.mjs`, folder)))
  .sort();

try {
  await main();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
}

async function main() {
  const { names, options } = argumentsGiven();
  const systems = [];
  for (const name of names) {
    const { default: system } = await import(new URL(`${name}/system.mjs`, folder).href);
    systems.push({ name, system });
  }
  const places = await choosePorts(systems, options, process.env);
  let isStopping = false;
  let running = [];
  const stop = async (code) => {
    // Whoever is in a hurry, or has a system that is still starting: what it has started ends with this program.
    if (isStopping || running.length === 0) process.exit(code);
    isStopping = true;
    await Promise.all(running.map((system) => system.stop()));
    process.exit(code);
  };
  // The last two: a terminal that is closed, and Ctrl+Break of Windows.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK']) process.on(signal, () => void stop(0));
  const starts = await Promise.allSettled(
    systems.map(({ name, system }) =>
      startSystem(new URL(`${name}/`, folder), system, places.get(name), systems.length > 1 ? `${name} ` : ''),
    ),
  );
  running = starts.flatMap(({ value }) => value ?? []);
  const failures = starts.flatMap(({ reason }) => reason?.message ?? []);
  if (failures.length > 0) {
    process.stderr.write(`${failures.join('\n')}\n`);
    return stop(1);
  }
  for (const [index, { name, system }] of systems.entries()) tell(system.title, running[index], places.get(name));
  process.stdout.write('\nCtrl+C stops all of it.\n');
  const reason = await Promise.race(running.map(({ failed }) => failed));
  process.stderr.write(`${reason}\n`);
  await stop(1);
}

function tell(title, { url, port, brokerPid, notes }, places) {
  const lines = [`Page    ${url}`, `Broker  ws://localhost:${port}   process ${brokerPid}`, ...notes];
  for (const { port: now, variable, movedFrom } of Object.values(places)) {
    if (movedFrom) lines.push(`Moved   ${movedFrom.port} is taken by ${movedFrom.to}: ${variable} is ${now}`);
  }
  const variables = Object.values(places).map(({ variable }) => variable);
  lines.push(`Ports   are moved by ${variables.join(', ')}`);
  process.stdout.write(`\n${title}\n\n${lines.map((line) => `  ${line}\n`).join('')}`);
}

function argumentsGiven() {
  const { positionals, values } = parsed();
  const names = positionals.includes(ALL) ? available : [...new Set(positionals)];
  if (names.length === 0 || !names.every((name) => available.includes(name)))
    throw new UsageError(`Which one? npm run example ${[...available, ALL].join(' | ')}`);
  const options = {
    port: portOf('--port', values.port),
    pagePort: portOf('--page-port', values['page-port']),
  };
  if (names.length > 1 && (options.port || options.pagePort))
    throw new UsageError(
      '--port and --page-port are for one system: beside others their ports are moved by variables.',
    );
  return { names, options };
}

function parsed() {
  try {
    const options = { port: { type: 'string' }, 'page-port': { type: 'string' } };
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    throw new UsageError(error.message);
  }
}
