import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { FULL_APP } from './broker.ts';
import { atEndOfFiles } from './end-of-file.ts';
import { until } from './until.ts';

/** What `npm run build` made of the command. */
export const COMMAND = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url));

export interface CommandOptions {
  /** Instead of the command that was built. */
  readonly command?: string;
  readonly cwd?: string;
  /** Added to the test's own environment, out of which what would configure a broker is taken. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export type LogLine = Record<string, unknown>;

const running = new Set<CommandProcess>();
const folders: string[] = [];

atEndOfFiles(async () => {
  await Promise.all([...running].map((process) => process.kill()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kulkul-test-'));
  folders.push(folder);
  return folder;
}

/** The command as a child process; ended with the tests of the file at the latest. */
export class CommandProcess {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #watchers = new Set<() => void>();
  #errors = '';
  #isOver = false;

  constructor(args: readonly string[], { command = COMMAND, cwd, env = {} }: CommandOptions = {}) {
    this.#child = spawn(process.execPath, [command, ...args], {
      cwd: cwd ?? temporaryFolder(),
      env: { ...neutralEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(this);
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        running.delete(this);
        this.#isOver = true;
        this.#wake();
        resolve({ code, signal });
      });
    });
    const { stdout, stderr } = this.#child;
    if (!stdout || !stderr) throw new Error('no pipes to the child process');
    createInterface({ input: stdout }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
  }

  get stdout(): string {
    return this.#lines.map((line) => `${line}\n`).join('');
  }

  get stderr(): string {
    return this.#errors;
  }

  /** Log lines so far: those of standard output that are JSON. */
  get log(): readonly LogLine[] {
    return this.#lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LogLine);
  }

  /** The first log line with a text, which may have been written already or is waited for. */
  logged(message: string, count = 1): Promise<LogLine> {
    return this.#once(
      () => this.log.filter(({ msg }) => String(msg).startsWith(message))[count - 1],
      `ended without logging "${message}"`,
    );
  }

  /** The first line of standard output that matches, likewise. */
  printed(pattern: RegExp): Promise<string> {
    return this.#once(() => this.#lines.find((line) => pattern.test(line)), `ended without printing ${pattern}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  async #once<T>(find: () => T | undefined, failure: string): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (this.#isOver) throw new Error(`${failure}:\n${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  #wake(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const wake of watchers) wake();
  }
}

export interface Answer extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command to its end. */
export async function run(args: readonly string[], options: CommandOptions = {}): Promise<Answer> {
  const process = new CommandProcess(args, options);
  const exit = await process.exited;
  return { ...exit, stdout: process.stdout, stderr: process.stderr };
}

/** A broker that runs as the command does. */
export class BrokerProcess extends CommandProcess {
  readonly isTls: boolean;
  port = 0;
  /** Its configuration file. */
  configFile = '';

  constructor(args: readonly string[], isTls: boolean, options: CommandOptions) {
    super(args, options);
    this.isTls = isTls;
  }

  get url(): string {
    return `http${this.isTls ? 's' : ''}://127.0.0.1:${this.port}`;
  }

  get wsUrl(): string {
    return `ws${this.isTls ? 's' : ''}://127.0.0.1:${this.port}`;
  }
}

export interface BrokerOptions extends CommandOptions {
  /** As in a configuration file; host, port and log format are set. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly apps?: readonly Readonly<Record<string, unknown>>[];
  readonly args?: readonly string[];
  /** Default: any free one. */
  readonly port?: number;
}

/** `kulkul start` with a configuration file, on loopback. Resolves once it listens. */
export async function startProcess({
  settings = {},
  apps = [FULL_APP],
  args = [],
  port = 0,
  ...options
}: BrokerOptions = {}): Promise<BrokerProcess> {
  const file = join(temporaryFolder(), 'kulkul.json');
  const defaults = { host: '127.0.0.1', 'log.format': 'json', 'appManager.array.apps': apps };
  writeFileSync(file, JSON.stringify({ ...defaults, port, ...settings }));
  const broker = new BrokerProcess(['start', '--config', file, ...args], 'ssl.certPath' in settings, options);
  broker.configFile = file;
  broker.port = Number((await broker.logged('listening')).port);
  return broker;
}

/** Waits until a broker listens no more. */
export async function untilDeaf({ url }: BrokerProcess): Promise<void> {
  await until(() =>
    fetch(`${url}/`).then(
      () => false,
      () => true,
    ),
  );
}

/** Without the admin API: there is one port for it, and brokers of several tests run at once. */
export function neutralEnvironment(): NodeJS.ProcessEnv {
  const isConfiguration = /^(SOKETI|KULKUL|PUSHER|REVERB|FORCE_COLOR$|NO_COLOR$|NODE_OPTIONS$|VITEST)/;
  const inherited = Object.entries(process.env).filter(([name]) => !isConfiguration.test(name));
  return { ...Object.fromEntries(inherited), KULKUL_ADMIN_ENABLED: 'false' };
}
