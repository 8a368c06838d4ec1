import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { DatabaseProcess } from './database-process.ts';
import { freePort } from './free-port.ts';

/** A real PostgreSQL on a free port of loopback, with the database `main` and the user `postgres` who has a password. */
export class PostgresServer {
  readonly port: number;
  readonly user = 'postgres';
  readonly password = 'postgres-password';
  readonly #folder = mkdtempSync(join(tmpdir(), 'kulkul-postgres-'));
  readonly #process = new DatabaseProcess();

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort());
    try {
      await server.#create();
      return server;
    } catch (error) {
      await server.dispose();
      throw error;
    }
  }

  async #create(): Promise<void> {
    const passwordFile = join(this.#folder, 'password');
    writeFileSync(passwordFile, this.password);
    for (const path of [this.#folder, passwordFile]) this.#handOver(path);
    const initdb = join(dirname(realpathSync(inject('postgres'))), 'initdb');
    const access = ['-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-U', this.user];
    const [command, ...args] = asOrdinaryUser(initdb, '-D', this.#data, '-E', 'UTF8', '--no-sync', ...access);
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], cwd: this.#folder });
    await this.run();
    await this.execute('CREATE DATABASE main', 'postgres');
  }

  /** Starts it again on the same port, with its data. */
  async run(): Promise<void> {
    const options = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off'];
    const [command, ...args] = asOrdinaryUser(
      inject('postgres'),
      ...['-D', this.#data, '-p', String(this.port), ...options],
    );
    await this.#process.run(command, args, 'database system is ready to accept connections', { cwd: this.#folder });
  }

  /** A SIGKILL would leave its processes behind for a moment, which keep a new one from starting. */
  kill(): Promise<void> {
    return this.#process.end('SIGQUIT');
  }

  /** Runs some statements, each of which ends with a semicolon. */
  async execute(sql: string, database = 'main'): Promise<void> {
    const { port, user, password } = this;
    const client = new pg.Client({ host: '127.0.0.1', port, user, password, database });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  #handOver(path: string): void {
    const user = ordinaryUser();
    if (user) chownSync(path, user.uid, user.gid);
  }
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root; undefined: this isn't root. */
function ordinaryUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

function asOrdinaryUser(command: string, ...args: string[]): [string, ...string[]] {
  const user = ordinaryUser();
  if (!user) return [command, ...args];
  return ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', command, ...args];
}
