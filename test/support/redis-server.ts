import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './free-port.ts';

/** A real redis-server on a free port of loopback, without persistence. */
export class RedisServer {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'kulkul-redis-'));
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
  }

  /** @param configFile - which the Sentinel rewrites as it learns */
  static async startSentinel(configFile: string): Promise<RedisServer> {
    const port = await freePort();
    const server = new RedisServer(port, [configFile, '--sentinel', '--port', `${port}`, '--bind', '127.0.0.1']);
    await server.#spawn(server.#args, '+monitor master');
    return server;
  }

  static async start(...args: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), args);
    await server.run();
    return server;
  }

  /** Starts it again, empty, on the same port. */
  async run(): Promise<void> {
    const options = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    await this.#spawn([...options, '--dir', this.#folder, ...this.#args], 'Ready to accept connections');
  }

  async #spawn(args: readonly string[], readyText: string): Promise<void> {
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.includes(readyText)) {
        child.stdout.resume();
        return;
      }
    }
    throw new Error('redis-server ended before it was ready');
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
