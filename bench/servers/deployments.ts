import { spawnSync } from 'node:child_process';
import { freePort } from '../../test/support/free-port.ts';
import { startProgram } from './child.ts';
import type { Contender } from './contender.ts';

/** Makes a server with other settings than the defaults. */
export type Maker = (name: string, settings: Readonly<Record<string, unknown>>) => Contender;

/** A server whose events wait so many milliseconds for others. */
export function coalescingFor(
  milliseconds: readonly number[],
  maker: (name: string, app: Readonly<Record<string, unknown>>) => Contender,
): readonly Contender[] {
  return milliseconds.map((each) => maker(`${each} ms`, { coalescing: [{ name: '*', milliseconds: each }] }));
}

export function workersOf(maker: Maker): readonly Contender[] {
  return [maker('1 process', {}), maker('2 workers', { workers: 2 })];
}

/**
 * Nodes on a Redis of their own, which is a part as they are: `a`, `b`, `c` and `redis`. The address is that of A.
 *
 * @param name - of the server
 */
export function nodesOnRedis(name: string, maker: Maker, nodes = 3): Contender {
  return {
    ...maker(name, {}),
    name: nodes === 1 ? `${name}, 1 node` : `${name}, ${nodes} nodes`,
    async start(order) {
      const redis = await startRedis(order.cores);
      const settings = { 'adapter.driver': 'redis', 'database.redis': { host: '127.0.0.1', port: redis.port } };
      const parts: Record<string, { readonly port: number; readonly pid: number }> = { redis };
      const stops: ((signal?: NodeJS.Signals) => Promise<void>)[] = [];
      const started = [];
      for (const part of ['a', 'b', 'c'].slice(0, nodes)) {
        const node = await maker(part, settings).start(order);
        started.push(node);
        parts[part] = { port: node.address.port, pid: node.pid ?? 0 };
        stops.push(node.stop);
      }
      const [a] = started;
      if (!a) throw new Error('a cluster has a node at least');
      return {
        ...a,
        parts,
        async stop(signal) {
          await Promise.all(stops.map((stop) => stop(signal)));
          await redis.stop();
        },
      };
    },
  };
}

/** @throws {Error} there is no redis-server */
async function startRedis(cores: string): Promise<{ port: number; pid: number; stop(): Promise<void> }> {
  if (spawnSync('redis-server', ['--version']).error) {
    throw new Error('clusters need redis-server: install it (Debian: apt install redis-server)');
  }
  const port = await freePort();
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = startProgram(cores, ['redis-server', ...options]);
  await child.line((line) => line.includes('Ready to accept connections'));
  return { port, pid: child.pid, stop: () => child.stop() };
}
