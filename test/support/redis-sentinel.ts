import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisServer } from './redis-server.ts';

const POLL_MS = 20;

/** A real master with a replica and a Sentinel that watches them, on loopback. */
export class RedisSentinel {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinel: RedisServer;
  readonly #folder: string;

  private constructor(folder: string, master: RedisServer, replica: RedisServer, sentinel: RedisServer) {
    this.#folder = folder;
    this.master = master;
    this.replica = replica;
    this.sentinel = sentinel;
  }

  /** @param password - of master, replica and Sentinel alike */
  static async start(name: string, password: string): Promise<RedisSentinel> {
    const secured = ['--requirepass', password, '--masterauth', password];
    const master = await RedisServer.start(...secured);
    const replica = await RedisServer.start(...secured, '--replicaof', `127.0.0.1 ${master.port}`);
    const folder = mkdtempSync(join(tmpdir(), 'kulkul-sentinel-'));
    const file = join(folder, 'sentinel.conf');
    const lines = [
      `requirepass ${password}`,
      `sentinel monitor ${name} 127.0.0.1 ${master.port} 1`,
      `sentinel auth-pass ${name} ${password}`,
      `sentinel down-after-milliseconds ${name} 500`,
      `sentinel failover-timeout ${name} 2000`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const sentinel = await RedisServer.startSentinel(file);
    const all = new RedisSentinel(folder, master, replica, sentinel);
    await all.#prepare(name, password);
    return all;
  }

  async dispose(): Promise<void> {
    await Promise.all([this.sentinel.dispose(), this.master.dispose(), this.replica.dispose()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * Until the Sentinel knows of the replica, without which there is nothing to fail over to. One that a loaded machine held up for two seconds
   * would do nothing for half a minute, each time ("TILT mode").
   */
  async #prepare(name: string, password: string): Promise<void> {
    const client = new Redis({ host: '127.0.0.1', port: this.sentinel.port, password, enableReadyCheck: false });
    await client.call('SENTINEL', 'DEBUG', 'tilt-trigger', '60000', 'tilt-period', '1000');
    const isLinked = (replicas: unknown): boolean => JSON.stringify(replicas).includes('"master-link-status","ok"');
    while (!isLinked(await client.call('SENTINEL', 'REPLICAS', name))) await setTimeout(POLL_MS);
    client.disconnect();
  }
}
