import type { MaybePromise } from '../../channels/maybe-promise.ts';
import { type Fleet, nodeFleet } from '../admin/fleet.ts';
import { ListedRegistry } from '../admin/listed-registry.ts';
import type { Admin, AdminParts } from '../admin/start-admin.ts';
import { AppReload } from '../apps/app-reload.ts';
import { claimPort } from '../claim-port.ts';
import type { ConfigSources, LoadedConfig, Settings } from '../config/index.ts';
import { createLog, type Logger, openStandardOutput } from '../log.ts';
import type { MetricsServer } from '../metrics/metrics-server.ts';
import type { MetricsParts } from '../metrics/start-metrics.ts';
import type { Output } from '../output.ts';
import type { Parting, Server } from '../server.ts';
import { Supervisor, workerCount } from '../workers/supervisor.ts';
import { keepYoungHeap } from '../young-heap.ts';
import { EXIT_FAILURE, EXIT_USAGE, fail, onHangup } from './exit.ts';
import { lowFileLimit, startMessage } from './start-message.ts';
import type { ListeningMessage, Supervision, SupervisorMessage } from './supervision.ts';

interface RunningServer extends Pick<Server, 'port' | 'stop' | 'refreshApps'> {
  readonly fleet: Fleet;
  /** Resolves when they hold everywhere. */
  replaceApps(settings: Settings): MaybePromise<void>;
}

/** Errors whose message is enough for the operator, without a stack. */
const EXPLAINED: ReadonlySet<string> = new Set([
  'ListenError',
  'TlsError',
  'RedisStartError',
  'JournalError',
  'AppStoreStartError',
  'PackageError',
  'NativePartError',
]);

/** JSON logs contain no secrets, so nobody would learn the generated one. */
const GENERATED_APP_WARNING =
  'no app is configured: one was created for this run. Its secret is only shown if log.format is not json';

/**
 * Runs the broker until it is told to stop.
 *
 * @param supervision - by the process that started this one, which then tells it to stop instead of signals
 */
export async function startCommand(
  sources: ConfigSources,
  config: LoadedConfig,
  version: string,
  supervision?: Supervision,
): Promise<void> {
  const output = openStandardOutput();
  const ownLog = await createLog(config.settings.log, output);
  // Beside the lines of the process before it and the one after it.
  const log = supervision ? ownLog.child({ pid: process.pid }) : ownLog;
  failOnUnexpected(log);
  for (const warning of config.warnings) log.warn(warning);
  // The signal would end a process that is still starting. It will see the changes anyway.
  process.on('SIGHUP', () => {});
  const server = await run(await placed(config, supervision, log), log, output, supervision?.isTakeover === true);
  if (supervision) tellSupervisor({ kind: 'listening', port: server.port, log: config.settings.log });
  const replaceApps = (settings: Settings): MaybePromise<void> => server.replaceApps(settings);
  const listed = new ListedRegistry({ settings: config.settings, replaceApps, log });
  const parts = { config, listed, fleet: server.fleet, clientsPort: server.port, version, log };
  const isTakeover = supervision?.isTakeover === true;
  const admin = await runAdmin(parts, isTakeover);
  const metrics = await runMetrics({ ...parts, port: server.port }, isTakeover);
  const reload = new AppReload({
    sources,
    running: config,
    replaceApps: (settings) => listed.replaceListed(settings),
    refreshApps: () => server.refreshApps(),
    log,
  });
  reload.watch();
  const ending = new Ending(async (how) => {
    reload.stop();
    // First: in a takeover the next process waits for the port.
    await Promise.all([admin?.stop(), metrics?.stop()]);
    await server.stop(how);
  }, log);
  if (supervision) obeySupervisor(ending, reload);
  else obeySignals(ending, reload);
  log.info({ host: config.settings.host, port: server.port, version }, 'listening');
  // Process managers wait for it, where they are told to: `wait_ready` of PM2.
  if (!supervision) process.send?.('ready');
  // Whoever started the first one has read it.
  if (supervision?.port != null) return;
  const fileLimit = lowFileLimit(config.settings.limits.maxConnections);
  if (fileLimit && config.settings.log.format === 'json') log.warn(fileLimit, 'the open-file limit is low: raise it');
  // JSON lines are for machines: plain text between them would be an error.
  if (config.settings.log.format !== 'json') output.write(startMessage(config, server.port, version, admin?.url));
  else if (config.generatedApp) log.warn({ app: config.apps[0]?.id }, GENERATED_APP_WARNING);
}

/** Whatever port is free is chosen once, for all that come after the first. It has to be asked for by its number: only then can two share it. */
async function placed(config: LoadedConfig, supervision: Supervision | undefined, log: Logger): Promise<LoadedConfig> {
  const { settings } = config;
  if (settings.port !== 0 || !supervision) return config;
  const port = supervision.port ?? (await claimPort({ host: settings.host, port: 0, isTls: false }, log));
  return { ...config, settings: { ...settings, port } };
}

async function run(config: LoadedConfig, log: Logger, output: Output, sharesPort: boolean): Promise<RunningServer> {
  try {
    const workers = workerCount(config.settings.workers, log);
    const print = (lines: string): void => output.write(lines);
    if (workers > 1) return await Supervisor.start(config.settings, workers, log, print, sharesPort);
    // Loaded late: the native module of uWebSockets.js fails to load if it has no binary, and that needs an explanation.
    const { startServer } = await import('../server.ts');
    keepYoungHeap();
    const server = await startServer(config, log, { sharesPort });
    return { ...server, fleet: nodeFleet(server) };
  } catch (error) {
    fail(startFailure(error), error instanceof Error && error.name === 'TlsError' ? EXIT_USAGE : EXIT_FAILURE);
  }
}

async function runAdmin(parts: AdminParts, waitsForPort: boolean): Promise<Admin | undefined> {
  if (!parts.config.settings.admin.enabled) return undefined;
  try {
    const { startAdmin } = await import('../admin/start-admin.ts');
    return await startAdmin(parts, waitsForPort);
  } catch (error) {
    fail(startFailure(error), EXIT_FAILURE);
  }
}

async function runMetrics(parts: MetricsParts, waitsForPort: boolean): Promise<MetricsServer | undefined> {
  if (!parts.config.settings.metrics.enabled) return undefined;
  try {
    const { startMetrics } = await import('../metrics/start-metrics.ts');
    return await startMetrics(parts, waitsForPort);
  } catch (error) {
    fail(startFailure(error), EXIT_FAILURE);
  }
}

function startFailure(error: unknown): string {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  if (EXPLAINED.has(name)) return message;
  return stack ?? message;
}

/** Ends the broker: gracefully the first time, at once when asked again. */
class Ending {
  readonly #end: (how: Parting | undefined) => Promise<void>;
  readonly #log: Logger;
  isUnderWay = false;

  constructor(end: (how: Parting | undefined) => Promise<void>, log: Logger) {
    this.#end = end;
    this.#log = log;
  }

  stop(signal: NodeJS.Signals): void {
    if (this.isUnderWay) {
      this.#log.warn({ signal }, 'stopping at once');
      process.exit(EXIT_FAILURE);
    }
    this.#log.info({ signal }, 'stopping; a second signal stops at once');
    this.begin(undefined);
  }

  /** @param how - default: as the settings say */
  begin(how: Parting | undefined): void {
    if (this.isUnderWay) return;
    this.isUnderWay = true;
    this.#end(how).then(
      () => {
        this.#log.info('stopped');
        process.exit(0);
      },
      (error: unknown) => {
        this.#log.fatal({ err: error }, 'stopping failed');
        process.exit(EXIT_FAILURE);
      },
    );
  }
}

/** SIGHUP reloads the apps of the configuration. */
function obeySignals(ending: Ending, reload: AppReload): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => ending.stop(signal));
  onHangup((isTerminalClosed) => {
    if (isTerminalClosed) process.exit(EXIT_FAILURE);
    if (!ending.isUnderWay) reload.reload();
  });
}

function obeySupervisor(ending: Ending, reload: AppReload): void {
  // They are for the supervising process, and reach this one too when they come from a terminal or are for a whole group of processes.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => ending.begin(undefined));
  process.on('message', (message: SupervisorMessage) => {
    switch (message.kind) {
      case 'stop':
        ending.stop(message.signal);
        break;
      case 'reload':
        if (!ending.isUnderWay) reload.reload();
        break;
      case 'leave':
        ending.begin('takeover');
    }
  });
}

function tellSupervisor(message: ListeningMessage): void {
  process.send?.(message);
}

/** A process in an unknown state must exit, and not with the code of a regular stop. */
function failOnUnexpected(log: Logger): void {
  const onFailure = (error: unknown): void => {
    log.fatal({ err: error }, 'unexpected failure: this is a bug, please report it');
    process.exit(EXIT_FAILURE);
  };
  process.on('uncaughtException', onFailure);
  // A rejected promise that nobody handled: a bug to look into, but no reason to drop every client.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unexpected failure'));
}
