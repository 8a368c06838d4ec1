/**
 * Reads one server every few seconds and sends what it read to the application.
 *
 *   node agent.mjs --name web-7                  this machine
 *   node agent.mjs --name web-8 --simulated      a server that it only plays
 */
import os from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { every } from '../shared/publisher.mjs';
import { variablesOf } from '../shared/variables.mjs';
import { Host } from './host.mjs';
import { intervalFrom, orEnd } from './settings.mjs';
import { SimulatedServer } from './simulated-server.mjs';

/** Processor and network figures are means over a time: this is the first one. */
const FIRST_MS = 500;

const { AGENT_TOKEN, PAGE_PORT } = variablesOf('AGENT_TOKEN', 'PAGE_PORT');
const { APPLICATION_URL = `http://127.0.0.1:${PAGE_PORT}`, AGENT_NAME = os.hostname(), AGENT_INFO = '' } = process.env;
const options = { name: { type: 'string', default: AGENT_NAME }, simulated: { type: 'boolean', default: false } };
const { name, simulated } = orEnd(() => parseArgs({ options }).values);
const intervalMs = orEnd(() => intervalFrom(process.env));
const server = simulated ? new SimulatedServer(name) : new Host();
const info = {
  system: simulated ? 'simulated' : `${os.type()} ${os.release()}`,
  ...(AGENT_INFO !== '' && { notes: AGENT_INFO }),
};
let problem = '';

async function report() {
  const reading = await server.read();
  tell(await send({ server: name, ...reading, info }));
}

/** @returns what went wrong, or an empty text */
async function send(reading) {
  try {
    const answer = await fetch(`${APPLICATION_URL}/api/v1/readings`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${AGENT_TOKEN}` },
      body: JSON.stringify(reading),
      signal: AbortSignal.timeout(intervalMs),
    });
    return answer.ok ? '' : `The application answered ${answer.status}: ${await answer.text()}`;
  } catch (error) {
    return `The application can't be reached (${error.cause?.code ?? error.name})`;
  }
}

function tell(now) {
  if (now === problem) return;
  process.stdout.write(now === '' ? 'The application takes readings again.\n' : `${now}: trying again.\n`);
  problem = now;
}

process.stdout.write(
  `${name}${simulated ? ' (simulated)' : ''}, every ${intervalMs / 1000} s, process ${process.pid}\n`,
);
await setTimeout(FIRST_MS);
every(intervalMs, report);
