import { setTimeout } from 'node:timers/promises';
import { createAppStore } from '../apps/create-app-directory.ts';
import { ListenError } from '../claim-port.ts';
import { hostPort, isLoopback } from '../client-address.ts';
import type { LoadedConfig } from '../config/index.ts';
import type { Logger } from '../log.ts';
import { AdminServer } from './admin-server.ts';
import { DatabaseRegistry } from './app-registry.ts';
import type { Fleet } from './fleet.ts';
import type { ListedRegistry } from './listed-registry.ts';

export interface AdminParts {
  readonly config: Pick<LoadedConfig, 'settings' | 'origins'>;
  /** The apps of the configuration; where they come from a database, this opens it. */
  readonly listed: ListedRegistry;
  readonly fleet: Fleet;
  readonly version: string;
  readonly log: Logger;
}

type AdminAddress = Pick<LoadedConfig['settings']['admin'], 'host' | 'port'>;

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
  { config, listed, fleet, version, log }: AdminParts,
  waitsForPort = false,
): Promise<Admin | undefined> {
  const { settings, origins } = config;
  const { enabled, host, port, token, tokens } = settings.admin;
  if (!enabled) return undefined;
  const store = await createAppStore(settings, log);
  const registry = store ? new DatabaseRegistry(store, fleet) : listed;
  const isExposed = !isLoopback(settings.host);
  const server = new AdminServer({ registry, fleet, token, tokens, isExposed, version, log });
  const stop = async (): Promise<void> => {
    await server.stop();
    await store?.close();
  };
  try {
    const url = urlOf(host, await listen(server, { host, port }, waitsForPort ? PORT_MS : 0));
    const needsToken = token !== '' || tokens.length > 0;
    log.info({ url, token: needsToken ? 'required' : 'none' }, 'admin API');
    return { url, stop };
  } catch (error) {
    await stop();
    const code = codeOf(error);
    if (code === 'EADDRINUSE' && !origins.has('admin.port')) {
      log.warn({ host, port }, 'no admin API: another program has its port. Choose another with admin.port');
      return undefined;
    }
    throw new ListenError(failureOf(host, port, code), { cause: error });
  }
}

/** How long a broker that takes over waits for the port of the one that it replaces, in milliseconds. */
const PORT_MS = 10_000;
const PAUSE_MS = 20;

/** @param waitMs - how long a port that is taken may take to become free */
async function listen(server: AdminServer, { host, port }: AdminAddress, waitMs: number): Promise<number> {
  for (const deadline = performance.now() + waitMs; ; await setTimeout(PAUSE_MS)) {
    try {
      return await server.listen(host, port);
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' || performance.now() >= deadline) throw error;
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function urlOf(host: string, port: number): string {
  return `http://${hostPort(host, port)}`;
}

function failureOf(host: string, port: number, code: string): string {
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: `another program has port ${port}: stop it, or choose another port with admin.port`,
    EACCES: `this user may not listen on port ${port}: choose one above 1023 with admin.port`,
    EADDRNOTAVAIL: `${host} is not an address of this machine: correct admin.host, or leave it out for 127.0.0.1`,
    ENOTFOUND: `${host} is not the name of this machine: correct admin.host`,
  };
  return `Can't listen on ${hostPort(host, port)} for the admin API: ${advice[code] ?? `the system refuses it (${code || 'no reason given'})`}. To go without: admin.enabled false`;
}
