import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
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
  expect(runner.stderr).toBe('Which one? npm run example latency | monitoring | rvm | sales | scada\n');
});

interface System {
  readonly port: number;
  readonly pagePort: number;
  readonly ports?: Readonly<Record<string, number>>;
  readonly programs?: readonly string[];
}

// Monitoring and sales both wanted 8003 for their page.
test('all systems can run beside each other', async () => {
  const folder = new URL('../../examples/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const ports: number[] = [];
  for (const file of files.filter((path) => /^(?!shared)[a-z]+\/system\.mjs$/.test(path))) {
    const { default: system } = (await import(new URL(file, folder).href)) as { default: System };
    ports.push(system.port, system.pagePort, ...Object.values(system.ports ?? {}));
  }
  expect(ports.length).toBeGreaterThanOrEqual(10);
  expect(ports).toHaveLength(new Set(ports).size);
});

// Where a Soketi ran, it was taken for the system's own broker: events went there, and ours was started again for ever.
test('a port that another broker has is named, with what to do', async () => {
  const other = createServer((_, response) => response.end('OK')).listen(0, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const taken = String((other.address() as AddressInfo).port);
  for (const ports of [{ port: taken }, { pagePort: taken }]) {
    const runner = runExample('latency', {}, ports);
    expect(await runner.exited).toEqual({ code: 1, signal: null });
    expect(runner.stderr).toMatch(
      new RegExp(`^Another program has port ${taken} of 127\\.0\\.0\\.1: stop it, or choose another port: .*port 0\n$`),
    );
    expect(runner.stdout).toBe('');
  }
});

// The producer of monitoring ended with a stack about a bad port.
test('a program that is started without its system says in one line what to run instead', async () => {
  const folder = new URL('../../examples/', import.meta.url);
  for (const name of ['latency', 'monitoring', 'rvm', 'sales', 'scada']) {
    const { default: system } = (await import(new URL(`${name}/system.mjs`, folder).href)) as { default: System };
    for (const program of system.programs ?? []) {
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
  const runner = runExample('latency', {}, { port: '6OO5' });
  expect(await runner.exited).toEqual({ code: 2, signal: null });
  expect(runner.stderr).toBe('--port takes a port, or 0 for any free one, not 6OO5\n');
});
