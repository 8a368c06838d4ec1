import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Workload } from '../workloads/workload.ts';
import { startProgram } from './child.ts';
import { type Contender, kulkul, type RunningServer } from './contender.ts';

/**
 * Kulkul in several processes.
 *
 * @param script - compiled server/main.ts
 */
export function deploymentsOf(kind: NonNullable<Workload['deployments']>, script: string): readonly Contender[] {
  switch (kind) {
    case 'workers':
      return [kulkul('1 process', script), kulkul('2 workers', script, { workers: 2 })];
    case 'cluster':
      return [nodesOnRedis(script)];
  }
}

/** Nodes A, B and C on a Redis of their own; all their processes are parts. */
function nodesOnRedis(script: string): Contender {
  return {
    name: '3 nodes',
    async start(cores, floorFlags, nodeFlags) {
      const redis = await startRedis(cores);
      const settings = { 'adapter.driver': 'redis', 'database.redis': { host: '127.0.0.1', port: redis.port } };
      const start = (name: string) => kulkul(name, script, settings).start(cores, floorFlags, nodeFlags);
      const [a, b, c] = [await start('A'), await start('B'), await start('C')];
      return {
        ...a,
        parts: { a, b, c, redis },
        async stop(signal) {
          await Promise.all([a, b, c].map((node) => node.stop(signal)));
          await redis.stop();
        },
      };
    },
  };
}

/** @throws {Error} there is no redis-server */
async function startRedis(cores: string): Promise<RunningServer> {
  if (spawnSync('redis-server', ['--version']).error) {
    throw new Error('the workload cluster needs redis-server: install it (Debian: apt install redis-server)');
  }
  const port = await freePort();
  const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = startProgram(cores, ['redis-server', ...options]);
  await child.line((line) => line.includes('Ready to accept connections'));
  return { port, pid: child.pid, stop: (signal) => child.stop(signal) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
