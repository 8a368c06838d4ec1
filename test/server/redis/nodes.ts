import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pino from 'pino';
import { loadConfig } from '../../../server/config/index.ts';
import { RedisSeams } from '../../../server/redis/redis-seams.ts';
import { SingleLink } from '../../../server/redis/single-link.ts';
import { countAnnouncer } from '../../../server/seams.ts';
import { type Server, startServer } from '../../../server/server.ts';
import { FULL_APP } from '../../support/broker.ts';

/** A node in this process, joined to others by a Redis. */
export interface TestRedisNode {
  readonly url: string;
  readonly wsUrl: string;
  readonly server: Server;
  readonly log: readonly Record<string, unknown>[];
  kill(): void;
}

export async function startRedisNode(
  redisPort: number,
  { nodeTimeoutMs = 10_000, settings = {} }: { nodeTimeoutMs?: number; settings?: Record<string, unknown> } = {},
): Promise<TestRedisNode> {
  const folder = mkdtempSync(join(tmpdir(), 'kulkul-test-'));
  const file = join(folder, 'config.json');
  const given = {
    host: '127.0.0.1',
    port: 0,
    shutdownGracePeriod: 0,
    'appManager.array.apps': [FULL_APP],
    ...settings,
  };
  writeFileSync(file, JSON.stringify(given));
  const config = loadConfig({ flags: { config: file }, env: {}, cwd: folder });
  rmSync(folder, { recursive: true });
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => log.push(JSON.parse(line)) });
  const link = new SingleLink(
    () =>
      new Redis({
        host: '127.0.0.1',
        port: redisPort,
        autoResubscribe: false,
        enableOfflineQueue: false,
        maxRetriesPerRequest: 0,
        autoResendUnfulfilledCommands: false,
        commandTimeout: 3000,
        retryStrategy: (times) => Math.min(50 * 2 ** times, 1000),
      }),
  );
  await link.whenUp();
  const isCountAnnounced = countAnnouncer(config.apps);
  const redis = new RedisSeams(link, { prefix: '', nodeTimeoutMs, isCountAnnounced, log: logger });
  const server = await startServer(config, logger, { seams: redis });
  return {
    url: `http://127.0.0.1:${server.port}`,
    wsUrl: `ws://127.0.0.1:${server.port}`,
    server,
    log,
    kill() {
      // The link first: a node that dies says nothing to the others.
      link.close();
      server.kill();
    },
  };
}
