import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Lines of a program begin behind the longest usual name. */
const LABEL_WIDTH = 9;

/** The programs of a system, whose lines appear together, each behind its name. */
export class Children {
  /** Resolves with the reason when the system can't go on. */
  failed;
  isStopping = false;
  #fail;
  #running = new Set();
  #folder;
  #env;
  #prefix;

  /** @param {string} prefix - before all lines: the system's name, where others run beside it */
  constructor(folder, env, prefix = '') {
    this.#folder = folder;
    this.#env = env;
    this.#prefix = prefix;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    // Also when this program fails itself, such as by a terminal that is gone: nothing of a system outlives it.
    process.once('exit', () => {
      for (const child of this.#running) child.kill('SIGTERM');
    });
  }

  /** A program without which the system ends, or one that may end by itself. */
  start({ label, args, mayEnd = false }) {
    this.spawn(label, args, {}, (how) => {
      if (mayEnd) this.tell(`${label} ended (${how}).`);
      else this.fail(`${label} ended (${how}): see above.`);
    });
  }

  /** @param {(how: string) => void} ended - called with signal or exit code, unless the system is stopped */
  spawn(label, args, env, ended) {
    const child = spawn(process.execPath, args, {
      cwd: this.#folder,
      env: { ...process.env, ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => this.tell(`${label.padEnd(LABEL_WIDTH)} ${line}`));
    }
    child.once('close', (code, signal) => {
      this.#running.delete(child);
      if (!this.isStopping) ended(String(signal ?? code));
    });
    return child;
  }

  tell(line) {
    process.stdout.write(`${this.#prefix}${line}\n`);
  }

  fail(reason) {
    this.#fail(`${this.#prefix}${reason}`);
  }

  async stop() {
    this.isStopping = true;
    await Promise.all(
      [...this.#running].map((child) => {
        const ended = once(child, 'close');
        child.kill('SIGTERM');
        return ended;
      }),
    );
  }
}
