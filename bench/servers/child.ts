import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Everything that is running; ended by process id whatever way the bench itself ends. */
const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A process of the bench on one core. */
export interface Child {
  readonly pid: number;
  /** The next line of standard output that fits; rejects when the process ends first. */
  line(fits: (line: string) => boolean): Promise<string>;
  /** Ends it and waits until it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts Node on one core, or on several.
 *
 * @param cores - numbers of the cores, as `taskset` takes them
 * @param args - arguments of `node`
 * @param environment - variables beyond what every process gets
 */
export function startNode(cores: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Child {
  return startProcess(cores, [process.execPath, ...args], environment);
}

/** Starts any other program, which ends with this one. */
export function startProgram(cores: string, command: readonly string[]): Child {
  return startProcess(cores, ['setpriv', '--pdeathsig', 'KILL', ...command]);
}

function startProcess(cores: string, command: readonly string[], environment: NodeJS.ProcessEnv = {}): Child {
  const child = spawn('taskset', ['-c', cores, ...command], {
    // Standard input stays open as long as the bench lives: see agent.ts.
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...environment },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('taskset can not be started: install util-linux');
  running.add(child);
  child.once('exit', () => running.delete(child));
  const lines = new LineQueue();
  child.stdout.on('data', (chunk: Buffer) => lines.write(chunk.toString()));
  child.once('close', (code, signal) => lines.end(new Error(`${command.join(' ')} ended with ${signal ?? code}`)));
  return {
    pid,
    line: (fits) => lines.find(fits),
    async stop(signal = 'SIGKILL') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}

/** Lines that came, until they are asked for. */
class LineQueue {
  readonly #lines: string[] = [];
  #rest = '';
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  write(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.#lines.push(...lines);
    this.#wake?.();
  }

  end(failure: Error): void {
    this.#failure = failure;
    this.#wake?.();
  }

  async find(fits: (line: string) => boolean): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined && fits(line)) return line;
      if (line !== undefined) continue;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
