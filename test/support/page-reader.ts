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

/** Where pages have the broker (Reverb's place, too), its admin API and a backend listen. Each reader takes others, so that pages can be read at the same time. */
const PORTS = ['6001', '8080', '9601', '8000'] as const;

const readers = new Set<PageReader>();
atEndOfFiles(() => {
  for (const reader of readers) reader.leave();
  readers.clear();
});

/**
 * Somebody who follows a page, in a folder with nothing but installed packages and in one shell. What stands behind the language of a
 * block says what to do with it:
 *
 * | mark | means |
 * | --- | --- |
 * | `file NAME` | save it under this name |
 * | `run` | run it to its end; it must succeed. Shell, or a program in JavaScript or Python |
 * | `start` | run it beside what follows. A broker is waited for until it listens, and ends the one before it |
 * | `output` | the program that was run or started last prints this, after what it has shown before; `…` stands for anything in a line |
 * | `config` | a configuration file: it is accepted |
 * | `app` | options of an app: they are accepted beside an id, a key and a secret |
 *
 * Nothing is downloaded: `npm install` passes where its packages are among those of this repository.
 */
export class PageReader {
  readonly folder = temporaryFolder();
  readonly #tools = temporaryFolder();
  readonly #python: string;
  readonly #ports = new Map<string, string>();
  readonly #programs: Program[] = [];
  #broker: Program | undefined;
  /** What was started last and goes on. */
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
    // For curl an answer of 400 or more is no failure unless it is told, and without a terminal it draws a progress meter.
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
    await this.#broker.prints(/listening/);
  }

  async #printed(text: string): Promise<void> {
    const lines = text.split('\n').map((line) => line.split('…').map(literally).join('.*'));
    const pattern = new RegExp(`^\\s*${lines.join('\\s*\\n\\s*')}\\s*$`, 'm');
    const candidates = [this.#programs.at(-1), this.#started].filter((program) => program !== undefined);
    await Promise.any(candidates.map((program) => program.prints(pattern)));
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
      // A group of its own, so that what it starts ends with it.
      detached: true,
    });
    this.#programs.push(program);
    return program;
  }

  #commandOf(language: string, text: string): [string, readonly string[]] {
    switch (language) {
      case 'sh': {
        // What one block sets, the next one has: to a reader they are one shell.
        const state = join(this.#tools, 'state.sh');
        const script = `set -a; touch ${state}; . ${state}; trap 'export -p > ${state}' EXIT\n${text}`;
        return ['bash', ['-euo', 'pipefail', '-c', script]];
      }
      case 'js': {
        const file = `block-${this.#programs.length}.mjs`;
        // Blocks for pages of Laravel Echo put things there.
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
      // What is in `.env` says where to listen, and would not be heard beside this.
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

/** A program with all that it printed. */
class Program {
  /** Resolves when it is over; rejects when it failed. */
  readonly succeeded: Promise<void>;
  readonly ended: Promise<void>;
  output = '';
  #shown = 0;
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #isOver = false;

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
        this.#isOver = true;
        this.#wake();
        if (code === 0) resolve();
        else reject(new Error(`ended with ${code}`));
      });
    });
    this.ended = this.succeeded.catch(() => {});
  }

  /** Waits until its output matches, beyond what matched before; rejects when it ends without that. */
  async prints(pattern: RegExp): Promise<void> {
    for (;;) {
      const found = pattern.exec(this.output.slice(this.#shown));
      if (found) {
        this.#shown += found.index + found[0].length;
        return;
      }
      if (this.#isOver) throw new Error(`ended without printing ${pattern}`);
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  end(): void {
    if (this.#isOver || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // It ended by itself a moment ago.
    }
  }

  #wake(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const wake of watchers) wake();
  }
}

/** A script in place of npm: checks what would be installed, and starts what `npm start` would. */
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
