import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { MaybePromise } from '../../../channels/maybe-promise.ts';
import { ListedApps } from '../../../server/apps/listed-apps.ts';
import { loadConfig } from '../../../server/config/index.ts';
import { createRedisLink } from '../../../server/redis/create-link.ts';
import { RedisSeams } from '../../../server/redis/redis-seams.ts';
import { type Server, startServer } from '../../../server/server.ts';
import { FULL_APP } from '../../support/broker.ts';
import { redisSettings } from '../../support/redis-settings.ts';
import { seamsNode } from '../../support/seams-node.ts';

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
    // As with settings that say Redis.
    'drain.mode': 'move',
    shutdownGracePeriod: 0,
    'appManager.array.apps': [FULL_APP],
    ...settings,
  };
  writeFileSync(file, JSON.stringify(given));
  const config = loadConfig({ flags: { config: file }, env: {}, cwd: folder });
  rmSync(folder, { recursive: true });
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => log.push(JSON.parse(line)) });
  const link = createRedisLink(redisSettings({ 'database.redis.port': redisPort }));
  await link.whenUp();
  const directory = new ListedApps(config.apps);
  const isCountAnnounced = (appId: string) => directory.byId(appId)?.enableSubscriptionCountEvents === true;
  const redis = new RedisSeams(link, { prefix: '', nodeTimeoutMs, isCountAnnounced, log: logger });
  const server = await startServer(config, logger, { createSeams: () => redis, directory });
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

/** The seams of a node that has no connections, and renews its lease only when `settled` is called. */
export async function startSeams(
  redisPort: number,
  isCountAnnounced: (appId: string) => MaybePromise<boolean> = () => false,
): Promise<RedisSeams> {
  const link = createRedisLink(redisSettings({ 'database.redis.port': redisPort }));
  await link.whenUp();
  const seams = new RedisSeams(link, {
    prefix: '',
    // Renewals by themselves would come too late to matter.
    nodeTimeoutMs: 600_000,
    isCountAnnounced,
    log: pino({ level: 'silent' }),
  });
  await seams.start(seamsNode());
  return seams;
}
