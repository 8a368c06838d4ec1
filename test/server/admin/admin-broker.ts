import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import pino from 'pino';
import { PROGRAM_HEADER } from '../../../server/admin/access.ts';
import { nodeFleet } from '../../../server/admin/fleet.ts';
import { ListedRegistry } from '../../../server/admin/listed-registry.ts';
import { THIS_MACHINE } from '../../../server/admin/operator.ts';
import type { AdminRequest } from '../../../server/admin/route.ts';
import { startAdmin } from '../../../server/admin/start-admin.ts';
import { type LoadedConfig, loadConfig, type Settings } from '../../../server/config/index.ts';
import { type Server, type ServerOptions, startServer } from '../../../server/server.ts';
import { FULL_APP } from '../../support/broker.ts';

export interface AdminAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Parsed; empty where the answer is no object. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Calls the API as a program does: with the header for changes, without what a browser adds. A text is sent as it is, anything else as JSON. */
export async function callAdmin(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: OutgoingHttpHeaders = {},
): Promise<AdminAnswer> {
  const content = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const type = content === '' ? {} : { 'Content-Type': 'application/json' };
  return new Promise((resolve, reject) => {
    request(`${url}${path}`, { method, agent: false, headers: { ...type, [PROGRAM_HEADER]: '1', ...headers } })
      .on('error', reject)
      .on('response', (response) => {
        text(response).then(
          (answer) =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text: answer, body: parse(answer) }),
          reject,
        );
      })
      .end(content);
  });
}

function parse(answer: string): Readonly<Record<string, unknown>> {
  return answer.startsWith('{') ? JSON.parse(answer) : {};
}

/** What a route is asked by a program on this machine. */
export function askedOf<Params>(params: Params, body?: unknown): AdminRequest<Params> {
  return { params, query: {}, body, operator: THIS_MACHINE, headers: {}, address: '127.0.0.1' };
}

/** A broker in this process, with its admin API. */
export interface AdminBroker {
  readonly wsUrl: string;
  readonly url: string;
  readonly server: Server;
  readonly listed: ListedRegistry;
  readonly config: LoadedConfig;
  readonly adminUrl: string;
  readonly log: readonly Record<string, unknown>[];
  api(method: string, path: string, body?: unknown, headers?: OutgoingHttpHeaders): Promise<AdminAnswer>;
  /** Gives everything back. */
  stop(): Promise<void>;
}

export interface AdminBrokerOptions {
  /** As in a configuration file; hosts and ports are set. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly apps?: readonly Readonly<Record<string, unknown>>[];
  readonly server?: (config: LoadedConfig) => Promise<ServerOptions>;
}

export function loadAdminConfig(values: Readonly<Record<string, unknown>>): LoadedConfig {
  const folder = mkdtempSync(join(tmpdir(), 'kulkul-test-'));
  const file = join(folder, 'config.json');
  const defaults = { host: '127.0.0.1', port: 0, 'admin.port': 0, shutdownGracePeriod: 0 };
  writeFileSync(file, JSON.stringify({ ...defaults, ...values }));
  try {
    return loadConfig({ flags: { config: file }, env: {}, cwd: folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Put together as the command does it. */
export async function startAdminBroker({
  settings = {},
  apps = [FULL_APP],
  server: serverOptions = async () => ({}),
}: AdminBrokerOptions = {}): Promise<AdminBroker> {
  const listing = 'appManager.driver' in settings ? {} : { 'appManager.array.apps': apps };
  const config = loadAdminConfig({ ...listing, ...settings });
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => log.push(JSON.parse(line)) });
  const server = await startServer(config, logger, await serverOptions(config));
  const replaceApps = (next: Settings): void => server.replaceApps(next);
  const listed = new ListedRegistry({ settings: config.settings, replaceApps, log: logger });
  const fleet = nodeFleet(server);
  const admin = await startAdmin({ config, listed, fleet, clientsPort: server.port, version: '1.2.3', log: logger });
  if (!admin) throw new Error('no admin API');
  return {
    wsUrl: `ws://127.0.0.1:${server.port}`,
    url: `http://127.0.0.1:${server.port}`,
    server,
    listed,
    config,
    adminUrl: admin.url,
    log,
    api: (...call) => callAdmin(admin.url, ...call),
    stop: async () => {
      await Promise.all([admin.stop(), server.stop()]);
    },
  };
}
