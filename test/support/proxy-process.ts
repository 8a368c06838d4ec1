import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEndOfFiles } from './end-of-file.ts';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

/** Where a proxy finds itself. */
export interface ProxyPlace {
  readonly port: number;
  /** Of its own, for whatever it reads and writes. */
  readonly folder: string;
}

/** What is served. */
export interface Site {
  /** The text of the configuration file. */
  config(place: ProxyPlace): string;
  /** Whether it answers on its port. */
  isUp(port: number): Promise<boolean>;
}

/** How a program is started. */
export interface ProxyProgram {
  /** Path of the program. */
  readonly path: string;
  /** Arguments for it to run in the foreground. */
  args(file: string, place: ProxyPlace): readonly string[];
  readonly env?: (place: ProxyPlace) => Readonly<Record<string, string>>;
  /** Where it writes its errors, in the folder; else to standard error. */
  readonly errorLog?: string;
}

const running = new Set<ProxyProcess>();

atEndOfFiles(async () => {
  await Promise.all([...running].map((proxy) => proxy.stop()));
});

/** A real proxy on a port of its own; ended with the tests of the file at the latest. */
export class ProxyProcess {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'kulkul-proxy-'));
  readonly #program: ProxyProgram;
  readonly #child: ChildProcess;
  #errors = '';

  private constructor(program: ProxyProgram, port: number, site: Site) {
    this.port = port;
    this.#program = program;
    const place = { port, folder: this.#folder };
    writeFileSync(this.configFile, site.config(place));
    this.#child = spawn(program.path, program.args(this.configFile, place), {
      cwd: this.#folder,
      env: { ...process.env, ...program.env?.(place) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    running.add(this);
  }

  /** Resolves once it answers. */
  static async launch(program: ProxyProgram, site: Site): Promise<ProxyProcess> {
    const proxy = new ProxyProcess(program, await freePort(), site);
    await proxy.#untilUp(site);
    return proxy;
  }

  get configFile(): string {
    return join(this.#folder, 'proxy.conf');
  }

  /** What it said on standard error and in its log of errors. */
  get errors(): string {
    const { errorLog } = this.#program;
    const file = errorLog === undefined ? undefined : join(this.#folder, errorLog);
    return file === undefined || !existsSync(file) ? this.#errors : this.#errors + readFileSync(file, 'utf8');
  }

  async stop(): Promise<void> {
    running.delete(this);
    if (!this.#isOver) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #untilUp({ isUp }: Site): Promise<void> {
    await until(async () => {
      if (this.#isOver) throw new Error(`${this.#program.path} ended: ${this.errors}`);
      return await isUp(this.port).catch(() => false);
    });
  }

  get #isOver(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}
