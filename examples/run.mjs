#!/usr/bin/env node
/**
 * Runs one of the systems in this folder: broker, producer and page together, until Ctrl+C.
 *
 *   npm run example scada
 *   npm run example scada -- --port 0 --page-port 0     (any free ports)
 */
import { existsSync, readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startSystem } from './shared/system.mjs';

const folder = new URL('.', import.meta.url);
const names = readdirSync(folder).filter(
  (name) => name !== 'shared' && existsSync(new URL(`${name}/system.mjs`, folder)),
);
const options = { port: { type: 'string' }, 'page-port': { type: 'string' } };

const { positionals, values } = argumentsGiven();
const [name] = positionals;
if (name === undefined || !names.includes(name)) wrong(`Which one? npm run example ${names.join(' | ')}`);

const { default: system } = await import(new URL(`${name}/system.mjs`, folder).href);
const running = await startSystem(new URL(`${name}/`, folder), system, {
  port: portGiven('port'),
  pagePort: portGiven('page-port'),
}).catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
process.stdout.write(
  `\n${system.title}\n\n  Page    ${running.url}\n  Broker  ws://127.0.0.1:${running.port}   process ${running.brokerPid}\n`,
);
for (const line of running.notes) process.stdout.write(`  ${line}\n`);
process.stdout.write('\nCtrl+C stops all of it.\n');

let isStopping = false;
const stop = async (code) => {
  if (isStopping) process.exit(1);
  isStopping = true;
  await running.stop();
  process.exit(code);
};
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop(0));
const reason = await running.failed;
process.stderr.write(`${reason}\n`);
await stop(1);

function argumentsGiven() {
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    return wrong(error.message);
  }
}

function portGiven(option) {
  const text = values[option];
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535)
    wrong(`--${option} takes a port, or 0 for any free one, not ${text}`);
  return Number(text);
}

/** @returns {never} */
function wrong(line) {
  process.stderr.write(`${line}\n`);
  process.exit(2);
}
