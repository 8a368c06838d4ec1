import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFailed } from 'vitest';
import { loadConfig } from '../../server/config/index.ts';
import { atEndOfFiles } from './end-of-file.ts';
import { freePort } from './free-port.ts';
import type { PageBlock } from './page-blocks.ts';
import { COMMAND, neutralEnvironment, temporaryFolder } from './process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Ports of the broker (Reverb's, too), its admin API and a backend on the pages. Each reader replaces them by free ones, so that pages can be followed at the same time. */
const PORTS = ['6001', '8080', '9601', '8000'] as const;

const readers = new Set<PageReader>();
atEndOfFiles(() => {
  for (const reader of readers) reader.leave();
  readers.clear();
});

/**
 * Follows a page as a user would, in one shell and in a folder that has nothing but installed packages. The mark behind the language of a
 * block says what to do with it:
 *
 * | mark | means |
 * | --- | --- |
 * | `file NAME` | save it under this name |
 * | `run` | run it to its end; it must succeed. Shell, or a program in JavaScript or Python |
 * | `start` | run it in the background. If it is a broker, the one before it is ended, and the next block waits until it listens |
 * | `output` | the program that was run last, or the one that was started last, prints this; output that an earlier block has matched does not count. `…` stands for anything in a line |
 * | `config` | a configuration file: it is accepted |
 * | `app` | options of an app: they are accepted beside an id, a key and a secret |
 *
 * Nothing is downloaded: `npm install` succeeds if this repository has the packages.
 */
export class PageReader {
  readonly folder = temporaryFolder();
  readonly #tools = temporaryFolder();
  readonly #python: string;
  readonly #ports = new Map<string, string>();
  readonly #programs: Program[] = [];
  #broker: Program | undefined;
  /** The last one that was started in the background. */
  #started: Program | undefined;

  private constructor(python: string) {
    this.#python = python;
    readers.add(this);
  }

  /**
   * @param python - path of one that has the module `websockets`
   * @param cloned - what of this repository is in the folder
   */
  static async create(python: string, cloned: readonly string[] = []): Promise<PageReader> {
    const reader = new PageReader(python);
    for (const port of PORTS) reader.#ports.set(port, String(await freePort()));
    for (const name of ['node_modules', ...cloned]) symlinkSync(join(ROOT, name), join(reader.folder, name));
    reader.#addTool('kulkul', `exec node '${COMMAND}' "$@"`);
    reader.#addTool('npx', `[ "$1" = kulkul ] && shift && exec kulkul "$@"`);
    reader.#addTool('npm', npm());
    // By default curl succeeds whatever the status is, and shows its progress if there is no terminal.
    writeFileSync(join(reader.#tools, '.curlrc'), 'fail-with-body\nno-progress-meter\n');
    return reader;
  }

  /** Does what the marks of the blocks say. */
  async follow(blocks: readonly PageBlock[]): Promise<void> {
    let last: PageBlock | undefined;
    onTestFailed(() => {
      const printed = this.#programs.map(({ output }) => output).join('---\n');
      process.stderr.write(
        `Stopped at this block under "${last?.heading}":\n${last?.text}Programs printed:\n${printed}`,
      );
    });
    for (const block of blocks) {
      last = block;
      await this.#followBlock(block);
    }
  }

  leave(): void {
    for (const program of this.#programs) program.end();
  }

  async #followBlock({ language, mark, text: written }: PageBlock): Promise<void> {
    const text = written.replace(/\b(?:6001|8080|9601|8000)\b/g, (port) => this.#ports.get(port) ?? port);
    const [verb, name = ''] = mark.split(' ');
    switch (verb) {
      case 'file':
        return this.#save(name, text);
      case 'run':
        return this.#start(language, text).succeeded;
      case 'start':
        return this.#startBeside(language, text);
      case 'output':
        return this.#printed(text.trim());
      case 'config':
        return this.#accepted(text);
      case 'app': {
        const app = { id: '1', key: 'k', secret: 's', ...(JSON.parse(text) as object) };
        return this.#accepted(JSON.stringify({ 'appManager.array.apps': [app] }));
      }
      case '':
        return;
      default:
        throw new Error(`no such mark: ${mark}`);
    }
  }

  async #startBeside(language: string, text: string): Promise<void> {
    const isBroker = /kulkul start|npm start/.test(text);
    if (isBroker) {
      this.#broker?.end();
      await this.#broker?.ended;
    }
    this.#started = this.#start(language, text);
    if (!isBroker) return;
    this.#broker = this.#started;
    await untilPrinted([this.#broker], /listening/);
  }

  async #printed(text: string): Promise<void> {
    const lines = text.split('\n').map((line) => line.split('…').map(literally).join('.*'));
    const pattern = new RegExp(`^\\s*${lines.join('\\s*\\n\\s*')}\\s*$`, 'm');
    const candidates = new Set([this.#programs.at(-1), this.#started].filter((program) => program !== undefined));
    await untilPrinted([...candidates], pattern);
  }

  #accepted(file: string): void {
    this.#save('block.json', file);
    loadConfig({ flags: { config: join(this.folder, 'block.json') }, env: {}, cwd: this.folder });
  }

  #save(name: string, text: string): void {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  #start(language: string, text: string): Program {
    const program = new Program(...this.#commandOf(language, text), {
      cwd: this.folder,
      env: this.#environment(),
      // A process group of its own, so that its children can be ended with it.
      detached: true,
    });
    this.#programs.push(program);
    return program;
  }

  #commandOf(language: string, text: string): [string, readonly string[]] {
    switch (language) {
      case 'sh': {
        // A variable that one block sets is there in the next one, as in one shell.
        const state = join(this.#tools, 'state.sh');
        const script = `set -a; touch ${state}; . ${state}; trap 'export -p > ${state}' EXIT\n${text}`;
        return ['bash', ['-euo', 'pipefail', '-c', script]];
      }
      case 'js': {
        const file = `block-${this.#programs.length}.mjs`;
        // Laravel's pages keep Echo and Pusher on `window`.
        this.#save(file, text);
        this.#save('window.mjs', 'globalThis.window = globalThis;\n');
        return [process.execPath, ['--import', './window.mjs', file]];
      }
      case 'python':
        return [this.#python, ['-u', '-c', text]];
      default:
        throw new Error(`${language} can't be run`);
    }
  }

  #environment(): NodeJS.ProcessEnv {
    const inherited = neutralEnvironment();
    return {
      ...inherited,
      PATH: `${this.#tools}${delimiter}${dirname(process.execPath)}${delimiter}${inherited.PATH ?? ''}`,
      CURL_HOME: this.#tools,
      // Variables take precedence over `.env`, so where a page has one, that must say where to listen.
      ...(!existsSync(join(this.folder, '.env')) && { KULKUL_PORT: this.#ports.get('6001') }),
      KULKUL_ADMIN_PORT: this.#ports.get('9601'),
      KULKUL_ADMIN_ENABLED: 'true',
    };
  }

  #addTool(name: string, script: string): void {
    const path = join(this.#tools, name);
    writeFileSync(path, `#!/bin/bash\n${script}\n`);
    chmodSync(path, 0o755);
  }
}

/** A program and its output. */
class Program {
  /** Resolves when it has ended with 0, rejects when it failed. */
  readonly succeeded: Promise<void>;
  readonly ended: Promise<void>;
  output = '';
  #shown = 0;
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  isOver = false;

  constructor(command: string, args: readonly string[], options: Parameters<typeof spawn>[2]) {
    this.#child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#wake();
      });
    }
    this.succeeded = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => {
        this.isOver = true;
        this.#wake();
        if (code === 0) resolve();
        else reject(new Error(`ended with ${code}`));
      });
    });
    this.ended = this.succeeded.catch(() => {});
  }

  /** Whether it has printed a match since the one before. The next call looks only behind that match. */
  takeOutput(pattern: RegExp): boolean {
    const found = pattern.exec(this.output.slice(this.#shown));
    if (!found) return false;
    this.#shown += found.index + found[0].length;
    return true;
  }

  /** Resolves when it has printed more, or has ended. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#watchers.add(resolve));
  }

  end(): void {
    if (this.isOver || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  }

  #wake(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const wake of watchers) wake();
  }
}

/**
 * Waits until one of the programs has printed a match. A match counts once, and for one program only.
 *
 * @throws {Error} all of them ended without it
 */
async function untilPrinted(programs: readonly Program[], pattern: RegExp): Promise<void> {
  while (!programs.some((program) => program.takeOutput(pattern))) {
    if (programs.every(({ isOver }) => isOver)) throw new Error(`ended without printing ${pattern}`);
    await Promise.race(programs.map((program) => program.changed()));
  }
}

/** A script that replaces npm: `install` checks that the packages are there, `start` runs what `npm start` runs. */
function npm(): string {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };
  return `command=$1; shift
case $command in
  install) for name; do [ "$name" = kulkul ] || [ -d "node_modules/$name" ] || exit 1; done ;;
  start) exec ${scripts.start} ;;
  *) exit 1 ;;
esac`;
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
