import { createAppStore } from '../apps/create-app-directory.ts';
import { ListenError } from '../claim-port.ts';
import { hostPort, isLoopback } from '../client-address.ts';
import type { LoadedConfig } from '../config/index.ts';
import type { Logger } from '../log.ts';
import { adminMetrics } from '../metrics/start-metrics.ts';
import { codeOf, listenFailure, listenInTime, PORT_MS } from '../operator-port.ts';
import { AdminServer } from './admin-server.ts';
import { DatabaseRegistry } from './app-registry.ts';
import type { Fleet } from './fleet.ts';
import type { ListedRegistry } from './listed-registry.ts';

export interface AdminParts {
  readonly config: Pick<LoadedConfig, 'settings' | 'origins'>;
  /** The apps of the configuration; where they come from a database, this opens it. */
  readonly listed: ListedRegistry;
  readonly fleet: Fleet;
  /** That clients connect to. */
  readonly clientsPort: number;
  readonly version: string;
  readonly log: Logger;
}

const SERVED = { what: 'the admin API', section: 'admin' } as const;

/** A running admin API. */
export interface Admin {
  /** `http://127.0.0.1:9601` */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts the admin API as the settings say.
 *
 * @param waitsForPort - another broker has the port, and is about to close it
 * @returns undefined where it is switched off, or another program has the port and nobody asked for that one
 * @throws {ListenError | AppStoreStartError}
 */
export async function startAdmin(
  { config, listed, fleet, clientsPort, version, log }: AdminParts,
  waitsForPort = false,
): Promise<Admin | undefined> {
  const { settings, origins } = config;
  const { enabled, host, port, token, tokens } = settings.admin;
  if (!enabled) return undefined;
  const store = await createAppStore(settings, log);
  const registry = store ? new DatabaseRegistry(store, fleet) : listed;
  const isExposed = !isLoopback(settings.host);
  const metrics = await adminMetrics({ config, fleet, port: clientsPort, version, log });
  const server = new AdminServer({
    registry,
    fleet,
    token,
    tokens,
    isExposed,
    version,
    log,
    ...(metrics && { routes: [metrics.route], door: metrics.door }),
  });
  const stop = async (): Promise<void> => {
    await server.stop();
    await store?.close();
  };
  try {
    const address = { host: metrics?.host ?? host, port };
    const openPort = await listenInTime(server, address, waitsForPort ? PORT_MS : 0);
    const url = urlOf(host, openPort);
    const needsToken = token !== '' || tokens.length > 0;
    log.info({ url, token: needsToken ? 'required' : 'none' }, 'admin API');
    if (metrics?.door) log.info({ url: `${urlOf(settings.metrics.host, openPort)}/metrics` }, 'metrics');
    return { url, stop };
  } catch (error) {
    await stop();
    const code = codeOf(error);
    if (code === 'EADDRINUSE' && !origins.has('admin.port')) {
      log.warn(
        { host: metrics?.host ?? host, port },
        'no admin API: another program has its port. Choose another with admin.port',
      );
      return undefined;
    }
    throw new ListenError(listenFailure({ host: metrics?.host ?? host, port }, code, SERVED), { cause: error });
  }
}

function urlOf(host: string, port: number): string {
  return `http://${hostPort(host, port)}`;
}
