import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { APP } from './broker.ts';
import { atEndOfFiles } from './end-of-file.ts';
import { freePort } from './free-port.ts';
import { COMMAND, neutralEnvironment, temporaryFolder } from './process.ts';
import { RawClient } from './raw-client.ts';
import { until } from './until.ts';

/** With what resolves when each has ended. */
const running = new Map<ChildProcess, Promise<unknown>>();

atEndOfFiles(async () => {
  await Promise.all([...running.keys()].map(killed));
});

export interface Redirection {
  /** Of the shell, after the command: `> /dev/full`. */
  readonly shell?: string;
  readonly stdio?: StdioOptions;
  /** As in a configuration file. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
  /** What runs a line of the shell. Default: the shell. */
  readonly below?: (line: string) => readonly [string, ...string[]];
}

/** A broker whose output goes anywhere. It is ended with the tests of the file at the latest. */
export class RedirectedBroker {
  readonly child: ChildProcess;
  readonly port: number;
  readonly #config: string;

  private constructor(child: ChildProcess, port: number, config: string) {
    this.child = child;
    this.#config = config;
    this.port = port;
  }

  /** Resolves once it answers. */
  static async start(redirection: Redirection = {}): Promise<RedirectedBroker> {
    const { shell = '', stdio = 'ignore', settings = {}, args = [], below = inShell } = redirection;
    const port = await freePort();
    const config = join(temporaryFolder(), 'kulkul.json');
    const values = { host: '127.0.0.1', port, 'log.format': 'json', 'appManager.array.apps': [APP], ...settings };
    writeFileSync(config, JSON.stringify(values));
    const line = [process.execPath, COMMAND, 'start', '--config', config, ...args].join(' ');
    const [program, ...words] = below(`exec ${line} ${shell}`);
    const child = spawn(program, words, { stdio, env: neutralEnvironment(), detached: true });
    running.set(child, once(child, 'exit'));
    const broker = new RedirectedBroker(child, port, config);
    await until(async () => broker.hasEnded || (await broker.answers()));
    if (broker.hasEnded) throw new Error(`the broker has ended with ${child.exitCode ?? child.signalCode}`);
    return broker;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The process that serves, whatever it runs below. */
  get pid(): number {
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const [program, ...words] = commandLineOf(name);
      if (program === process.execPath && words.includes(this.#config)) return Number(name);
    }
    throw new Error('the broker is not running');
  }

  async answers(): Promise<boolean> {
    return fetch(`http://127.0.0.1:${this.port}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Has it log a line, and waits until it has. */
  async refuseSomebody(path = '/app/nobody'): Promise<void> {
    await new RawClient(`ws://127.0.0.1:${this.port}${path}`).closed();
  }
}

const inShell = (line: string) => ['sh', '-c', line] as const;

function commandLineOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  // With its workers, or what it runs below.
  process.kill(-child.pid, 'SIGKILL');
  await running.get(child);
}
