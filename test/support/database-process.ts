import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A database server as a child process. */
export class DatabaseProcess {
  #child: ChildProcess | undefined;

  /** Resolves when a line of standard error holds the text. */
  async run(command: string, args: readonly string[], readyText: string, options: SpawnOptions = {}): Promise<void> {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    const lines: string[] = [];
    if (!child.stderr) throw new Error('no pipe to the child process');
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push(line);
      if (!line.includes(readyText)) continue;
      child.stderr.resume();
      return;
    }
    throw new Error(`${command} ended before it was ready:\n${lines.join('\n')}`);
  }

  /** Ends it without a word to its clients. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
}
