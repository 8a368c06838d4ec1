import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { RedisServer } from './redis-server.ts';

const SLOTS = 16_384;
const POLL_MS = 20;

/** A real Redis Cluster of masters on loopback, which share the slots evenly; replicas where they are asked for. */
export class RedisCluster {
  readonly masters: readonly RedisServer[];
  readonly replicas: readonly RedisServer[];

  private constructor(masters: readonly RedisServer[], replicas: readonly RedisServer[]) {
    this.masters = masters;
    this.replicas = replicas;
  }

  /** @param replicas - one for each of the first so many masters */
  static async start({ masters = 3, replicas = 0, args = [] as readonly string[] } = {}): Promise<RedisCluster> {
    const start = (): Promise<{ server: RedisServer; busPort: number }> => startNode(args);
    const nodes = await Promise.all(Array.from({ length: masters + replicas }, start));
    const servers = nodes.map(({ server }) => server);
    const cluster = new RedisCluster(servers.slice(0, masters), servers.slice(masters));
    try {
      await cluster.#form(nodes);
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
    return cluster;
  }

  /** Runs a command on one of the servers. */
  async call(server: RedisServer, command: string, ...args: (string | number)[]): Promise<unknown> {
    const client = new Redis({ host: '127.0.0.1', port: server.port, lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.call(command, ...args);
    } finally {
      client.disconnect();
    }
  }

  /** Waits until a server says what is wanted. */
  async until(
    server: RedisServer,
    isWanted: (answer: string) => boolean,
    command: string,
    ...args: string[]
  ): Promise<void> {
    for (;;) {
      const answer = await this.call(server, command, ...args).catch(() => undefined);
      if (answer !== undefined && isWanted(JSON.stringify(answer))) return;
      await setTimeout(POLL_MS);
    }
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.masters, ...this.replicas].map((server) => server.dispose()));
  }

  async #form(nodes: readonly { server: RedisServer; busPort: number }[]): Promise<void> {
    const [first] = nodes;
    const share = Math.ceil(SLOTS / this.masters.length);
    for (const [index, server] of this.masters.entries()) {
      const last = Math.min(SLOTS, (index + 1) * share) - 1;
      await this.call(server, 'CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
      await this.call(server, 'CLUSTER', 'ADDSLOTSRANGE', index * share, last);
    }
    for (const { server, busPort } of nodes) {
      if (first) await this.call(first.server, 'CLUSTER', 'MEET', '127.0.0.1', server.port, busPort);
    }
    const isWhole = (answer: string): boolean =>
      answer.includes('cluster_state:ok') && answer.includes(`cluster_known_nodes:${nodes.length}`);
    for (const { server } of nodes) await this.until(server, isWhole, 'CLUSTER', 'INFO');
    for (const [index, replica] of this.replicas.entries()) {
      const master = this.masters[index];
      if (!master) continue;
      const id = String(await this.call(master, 'CLUSTER', 'MYID'));
      await this.call(replica, 'CLUSTER', 'REPLICATE', id);
      await this.until(replica, (answer) => answer.includes('master_link_status:up'), 'INFO', 'replication');
    }
  }
}

async function startNode(args: readonly string[]): Promise<{ server: RedisServer; busPort: number }> {
  const busPort = await freePort();
  const options = ['--cluster-enabled', 'yes', '--cluster-port', `${busPort}`, '--cluster-node-timeout', '1000'];
  return { server: await RedisServer.start(...options, ...args), busPort };
}
