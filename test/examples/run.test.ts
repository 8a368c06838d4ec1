import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { atLength } from '../support/at-length.ts';
import { CommandProcess } from '../support/process.ts';
import { until } from '../support/until.ts';
import { runExample, runProgram } from './start-example.ts';

const RUN = fileURLToPath(new URL('../../examples/run.mjs', import.meta.url));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

// A test whose hook failed closed the pipe: the runner ended by EPIPE, and its broker and producers ran on for ever.
test('nothing of a system outlives a runner whose output nobody reads any more', async () => {
  const runner = spawn(process.execPath, [RUN, 'sales', '--port', '0', '--page-port', '0'], {
    env: { ...process.env, SALES_DATABASE: ':memory:' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void runner.kill('SIGTERM'));
  const ended = once(runner, 'close');
  const lines = createInterface(runner.stdout);
  let brokerPid = 0;
  for await (const line of lines) {
    brokerPid = Number(/process (\d+)$/.exec(line)?.[1] ?? brokerPid);
    if (line.startsWith('Ctrl+C')) break;
  }
  const children = readFileSync(`/proc/${runner.pid}/task/${runner.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .map(Number);
  expect(children).toContain(brokerPid);
  runner.stdout.destroy();
  // It says so, or would.
  process.kill(brokerPid, 'SIGKILL');
  await ended;
  await until(() => !children.some(isAlive));
});

test('a system that there is not is answered with those that there are', async () => {
  const runner = runExample('laravel');
  expect(await runner.exited).toEqual({ code: 2, signal: null });
  expect(runner.stderr).toBe('Which one? npm run example latency | monitoring | rvm | sales | scada | all\n');
});

const EXAMPLES = new URL('../../examples/', import.meta.url);
const NAMES = ['latency', 'monitoring', 'rvm', 'sales', 'scada'];
const MAX_PICTURE_BYTES = 100_000;
/** Five brokers and five pages, on a machine that may have much else to do. */
const START_OF_ALL_MS = 240_000;

interface System {
  readonly port: number;
  readonly pagePort: number;
  readonly ports?: Readonly<Record<string, number>>;
  readonly programs?: readonly (string | { readonly file: string })[];
}

async function systemOf(name: string): Promise<System> {
  const { default: system } = (await import(new URL(`${name}/system.mjs`, EXAMPLES).href)) as { default: System };
  return system;
}

test('systems are at the ports that their users know', async () => {
  const known = {
    latency: { port: 3001, pagePort: 3000 },
    monitoring: { pagePort: 18904 },
    rvm: { port: 8080, pagePort: 8000 },
    sales: { port: 8080 },
    scada: { port: 6001, pagePort: 8000 },
  };
  for (const [name, ports] of Object.entries(known)) expect(await systemOf(name)).toMatchObject(ports);
});

test('the README has each system with a picture, its ports and the variables that move them', async () => {
  const text = readFileSync(new URL('README.md', EXAMPLES), 'utf8');
  for (const name of NAMES) {
    expect(text).toMatch(new RegExp(`^### \\[${name}\\]\\(${name}\\): `, 'm'));
    expect(text).toContain(`](${name}/${name}.png)`);
    expect(statSync(new URL(`${name}/${name}.png`, EXAMPLES)).size).toBeLessThan(MAX_PICTURE_BYTES);
    const { port, pagePort, ports = {} } = await systemOf(name);
    for (const [key, number] of Object.entries({ BROKER_PORT: port, PAGE_PORT: pagePort, ...ports })) {
      expect(text).toContain(`\`${name.toUpperCase()}_${key}\``);
      expect(text).toContain(`localhost:${number}`);
    }
  }
});

// Two systems whose descriptions name the same port could not run beside each other. That each one starts is shown by its own tests.
atLength(undefined, test)?.(
  'all systems run beside each other, and each says where it is',
  async () => {
    const runner = runExample('all', { SALES_DATABASE: ':memory:' });
    await runner.printed(/^Ctrl\+C/);
    const pages = [...runner.stdout.matchAll(/^ {2}Page +(\S+)$/gm)].map(([, url = '']) => url);
    expect(pages).toHaveLength(NAMES.length);
    for (const url of pages) expect((await fetch(url)).status).toBe(200);
    for (const name of NAMES) {
      await runner.printed(new RegExp(`^${name} \\w+ `));
      expect(runner.stdout).toMatch(new RegExp(`are moved by ${name.toUpperCase()}_BROKER_PORT, .*_PAGE_PORT`));
    }
    runner.signal('SIGTERM');
    expect(await runner.exited).toEqual({ code: 0, signal: null });
  },
  START_OF_ALL_MS,
);

// Where a Soketi ran, it was taken for the system's own broker: events went there, and ours was started again for ever.
test('ports that other programs have are named, each with the variable that moves it', async () => {
  const [broker, page] = [await listen('127.0.0.1'), await listen('127.0.0.1')];
  const asked = [
    { ports: { port: broker, pagePort: page }, env: {} },
    { ports: { port: undefined, pagePort: undefined }, env: { LATENCY_BROKER_PORT: broker, LATENCY_PAGE_PORT: page } },
  ];
  for (const { ports, env } of asked) {
    const runner = runExample('latency', env, ports);
    expect(await runner.exited).toEqual({ code: 1, signal: null });
    expect(runner.stderr).toBe(
      `Another program has port ${broker}: stop it, or set LATENCY_BROKER_PORT to another port, or to 0 for any free one.\n` +
        `Another program has port ${page}: stop it, or set LATENCY_PAGE_PORT to another port, or to 0 for any free one.\n`,
    );
    expect(runner.stdout).toBe('');
  }
});

test('variables move the ports of a system', async () => {
  const runner = runExample(
    'scada',
    { SCADA_BROKER_PORT: '0', SCADA_PAGE_PORT: '0' },
    { port: undefined, pagePort: undefined },
  );
  await runner.printed(/^Ctrl\+C/);
  expect(runner.stdout).not.toMatch(/localhost:(6001|8000)\b/);
  const [, url = ''] = /^ {2}Page +(\S+)$/m.exec(runner.stdout) ?? [];
  expect((await fetch(url)).status).toBe(200);
});

async function listen(host: string): Promise<string> {
  const other = createServer((_, response) => response.end('OK')).listen(0, host);
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  return String((other.address() as AddressInfo).port);
}

// The producer of monitoring ended with a stack about a bad port.
test('a program that is started without its system says in one line what to run instead', async () => {
  for (const name of NAMES) {
    const system = await systemOf(name);
    for (const entry of system.programs ?? []) {
      const program = typeof entry === 'string' ? entry : entry.file;
      const alone = runProgram(`${name}/${program}`, {});
      expect(await alone.exited).toEqual({ code: 2, signal: null });
      expect(alone.stderr).toMatch(
        new RegExp(`^${program} is a part of a system \\([A-Z_, ]+ not set\\): npm run example ${name}\n$`),
      );
    }
  }
});

test('a host is no option: examples are for this machine', async () => {
  const runner = new CommandProcess(['latency', '--host', '0.0.0.0'], { command: RUN });
  expect(await runner.exited).toEqual({ code: 2, signal: null });
  expect(runner.stderr).toContain("Unknown option '--host'");
});

test('what is no port is refused instead of being left out', async () => {
  const option = runExample('latency', {}, { port: '6OO5' });
  expect(await option.exited).toEqual({ code: 2, signal: null });
  expect(option.stderr).toBe('--port takes a port, or 0 for any free one, not 6OO5\n');
  const variable = runExample('latency', { LATENCY_PAGE_PORT: '65536' }, { pagePort: undefined });
  expect(await variable.exited).toEqual({ code: 2, signal: null });
  expect(variable.stderr).toBe('LATENCY_PAGE_PORT takes a port, or 0 for any free one, not 65536\n');
});
