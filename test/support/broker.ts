import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import type { Clock } from '../../channels/clock.ts';
import type { Node } from '../../channels/node.ts';
import { type LoadedConfig, loadConfig, type Settings } from '../../server/config/index.ts';
import { logOptions } from '../../server/log.ts';
import { type ServerOptions, startServer } from '../../server/server.ts';

export const APP = { id: '12345', key: 'test-key', secret: 'test-secret' } as const;

/** Everything an app can have, so that most tests need no app of their own. */
export const FULL_APP = {
  ...APP,
  enableClientMessages: true,
  enableSubscriptionCountEvents: true,
  enableWatchlistEvents: true,
};

/** A broker that runs in this process on a free port of loopback. */
export interface TestBroker {
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** `ws://127.0.0.1:PORT` */
  readonly wsUrl: string;
  /** What the broker holds inside. */
  readonly node: Node;
  /** Log lines as objects. */
  readonly log: readonly Record<string, unknown>[];
  /** Takes other apps in place of those that there are, as a reload does. */
  replaceApps(apps: readonly Record<string, unknown>[]): void;
  /** Moves clients off, as SIGTERM does. */
  stop(): Promise<void>;
  /** Ends at once. To be called in `afterAll` or `afterEach`. */
  kill(): void;
}

/**
 * @param settings - as in a configuration file; host and port are set
 * @param apps - as in `appManager.array.apps`
 * @param clock - one whose hands the test turns
 * @param parts - in place of those that the settings ask for
 */
export async function startBroker(
  settings: Record<string, unknown> = {},
  apps: readonly Record<string, unknown>[] = [FULL_APP],
  clock?: Clock,
  parts: ServerOptions = {},
): Promise<TestBroker> {
  const values = { host: '127.0.0.1', port: 0, 'appManager.array.apps': apps, ...settings };
  const config = loadValues(values);
  const log: Record<string, unknown>[] = [];
  const logger = pino(logOptions(config.settings.log.level), { write: (line) => log.push(JSON.parse(line)) });
  const server = await startServer(config, logger, clock ? { ...parts, clock } : parts);
  const scheme = config.settings.ssl.certPath === '' ? '' : 's';
  return {
    port: server.port,
    url: `http${scheme}://127.0.0.1:${server.port}`,
    wsUrl: `ws${scheme}://127.0.0.1:${server.port}`,
    node: server.node,
    log,
    replaceApps: (next) => server.replaceApps(loadSettings({ ...values, 'appManager.array.apps': next })),
    stop: () => server.stop(),
    kill: () => server.kill(),
  };
}

/** @param values - as in a configuration file */
export function loadSettings(values: Readonly<Record<string, unknown>>): Settings {
  return loadValues(values).settings;
}

function loadValues(values: Readonly<Record<string, unknown>>): LoadedConfig {
  const folder = mkdtempSync(join(tmpdir(), 'kulkul-test-'));
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify(values));
  try {
    return loadConfig({ flags: { config: file }, env: {}, cwd: folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
