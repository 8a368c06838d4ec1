import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import mysql from 'mysql2/promise';
import { inject } from 'vitest';
import { DatabaseProcess } from './database-process.ts';
import { freePort } from './free-port.ts';

/** A real MariaDB on a free port of loopback, with the database `main` and the user `root` who has a password. */
export class MariadbServer {
  readonly port: number;
  readonly user = 'root';
  readonly password = 'root-password';
  readonly #folder = mkdtempSync(join(tmpdir(), 'kulkul-mariadb-'));
  readonly #process = new DatabaseProcess();

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<MariadbServer> {
    const server = new MariadbServer(await freePort());
    try {
      await server.#create();
      return server;
    } catch (error) {
      await server.dispose();
      throw error;
    }
  }

  async #create(): Promise<void> {
    // Beside the server or, as Debian has it, where commands of every user are.
    const beside = dirname(realpathSync(inject('mariadb')));
    execFileSync('mariadb-install-db', [...this.#options(), '--skip-test-db', ...NORMAL_ROOT], {
      stdio: 'ignore',
      env: { ...process.env, PATH: `${beside}:${process.env.PATH ?? ''}` },
    });
    await this.run();
    const connection = await mysql.createConnection({ host: '127.0.0.1', port: this.port, user: 'root' });
    await connection.query('CREATE DATABASE main');
    await connection.query("CREATE OR REPLACE USER 'root'@'127.0.0.1' IDENTIFIED BY 'root-password'");
    await connection.query("GRANT ALL ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION");
    await connection.query("ALTER USER 'root'@'localhost' IDENTIFIED BY 'root-password'");
    await connection.end();
  }

  /** Starts it again on the same port, with its data. */
  async run(): Promise<void> {
    const network = [`--port=${this.port}`, '--bind-address=127.0.0.1', `--socket=${this.#folder}/server.sock`];
    await this.#process.run(inject('mariadb'), [...this.#options(), ...network], 'ready for connections');
  }

  kill(): Promise<void> {
    return this.#process.end('SIGKILL');
  }

  /** Runs some statements, each of which ends with a semicolon. */
  async execute(sql: string): Promise<void> {
    const connection = await mysql.createConnection({
      host: '127.0.0.1',
      port: this.port,
      user: this.user,
      password: this.password,
      database: 'main',
      multipleStatements: true,
    });
    try {
      await connection.query(sql);
    } finally {
      await connection.end();
    }
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #options(): string[] {
    return ['--no-defaults', `--user=${userInfo().username}`, `--datadir=${this.#folder}/data`, ...FAST];
  }
}

const NORMAL_ROOT = ['--auth-root-authentication-method=normal'];
/** What was written outlasts the server, though not the machine. */
const FAST = ['--innodb-flush-log-at-trx-commit=2', '--innodb-log-file-size=4M', '--skip-log-bin'];
