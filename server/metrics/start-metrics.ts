import { lookup } from 'node:dns/promises';
import type { Fleet } from '../admin/fleet.ts';
import { TextAnswer } from '../admin/other-answers.ts';
import { type AdminRoute, adminRoute } from '../admin/route.ts';
import { ListenError } from '../claim-port.ts';
import { hostPort, isLoopback } from '../client-address.ts';
import type { LoadedConfig, Settings } from '../config/index.ts';
import type { Logger } from '../log.ts';
import { codeOf, listenFailure, listenInTime, PORT_MS } from '../operator-port.ts';
import { covers, METRICS_PATH, MetricsDoor } from './metrics-door.ts';
import { MetricsPage } from './metrics-page.ts';
import { MetricsServer } from './metrics-server.ts';
import { TEXT_FORMAT } from './text-format.ts';

export interface MetricsParts {
  readonly config: Pick<LoadedConfig, 'settings' | 'origins'>;
  readonly fleet: Pick<Fleet, 'metrics'>;
  /** That clients connect to. */
  readonly port: number;
  readonly version: string;
  readonly log: Logger;
}

/** The metrics, as a part of the admin API's server. */
export interface AdminMetrics {
  /** For whoever may use the admin API. */
  readonly route: AdminRoute;
  /** Answers at `metrics.host`, where that is an address of the same server; undefined: it is not. */
  readonly door: MetricsDoor | undefined;
  /** Where the server has to listen. */
  readonly host: string;
}

/** @returns undefined where nothing is counted */
export async function adminMetrics(parts: MetricsParts): Promise<AdminMetrics | undefined> {
  const { admin, metrics } = parts.config.settings;
  if (!metrics.enabled) return undefined;
  const page = new MetricsPage({ ...parts, settings: parts.config.settings });
  const host = await sharedHost(parts.config.settings);
  const isForAll = host !== undefined && !isLoopback(metrics.host);
  return {
    route: adminRoute({
      method: 'GET',
      path: METRICS_PATH,
      summary: 'what happened so far in numbers, for Prometheus: docs/observability.md',
      answerType: 'text/plain',
      answer: { type: 'string' },
      run: async () => new TextAnswer(await page.text(), TEXT_FORMAT),
    }),
    door: isForAll
      ? new MetricsDoor({ page, host: metrics.host, adminHost: await numeric(admin.host), log: parts.log })
      : undefined,
    host: host ?? admin.host,
  };
}

/**
 * Starts a server for the metrics alone, where the admin API's does not serve them at `metrics.host`.
 *
 * @param waitsForPort - another broker has the port, and is about to close it
 * @returns undefined where there is none
 * @throws {ListenError}
 */
export async function startMetrics(parts: MetricsParts, waitsForPort = false): Promise<MetricsServer | undefined> {
  const { config, log } = parts;
  const { metrics } = config.settings;
  if (!metrics.enabled || (await sharedHost(config.settings)) !== undefined) return undefined;
  const page = new MetricsPage({ ...parts, settings: config.settings });
  const server = new MetricsServer(new MetricsDoor({ page, host: metrics.host, adminHost: undefined, log }));
  try {
    const port = await listenInTime(server, metrics, waitsForPort ? PORT_MS : 0);
    log.info({ url: `http://${hostPort(metrics.host, port)}${METRICS_PATH}` }, 'metrics');
    return server;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EADDRINUSE' && !config.origins.has('metrics.port')) {
      const { host, port } = metrics;
      log.warn({ host, port }, 'no metrics: another program has their port. Choose another with metrics.port');
      return undefined;
    }
    throw new ListenError(listenFailure(metrics, code, { what: 'metrics', section: 'metrics' }), { cause: error });
  }
}

/** Where one server listens for the admin API and for `metrics.host`; undefined: they are two. */
async function sharedHost({ admin, metrics }: Pick<Settings, 'admin' | 'metrics'>): Promise<string | undefined> {
  if (!admin.enabled || admin.port !== metrics.port) return undefined;
  const adminHost = await numeric(admin.host);
  const metricsHost = await numeric(metrics.host);
  if (adminHost === metricsHost || covers(adminHost, metricsHost)) return admin.host;
  return covers(metricsHost, adminHost) ? metrics.host : undefined;
}

/** The address that listening on a name is listening on. What can't be found fails when somebody listens on it. */
async function numeric(host: string): Promise<string> {
  return (await lookup(host).catch(() => ({ address: host }))).address;
}
