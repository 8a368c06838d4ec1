import { isatty } from 'node:tty';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import { type Fleet, NodeFleet } from '../admin/fleet.ts';
import { ListedRegistry } from '../admin/listed-registry.ts';
import type { Admin, AdminParts } from '../admin/start-admin.ts';
import { AppReload } from '../apps/app-reload.ts';
import type { ConfigSources, LoadedConfig, Settings } from '../config/index.ts';
import { createLog, type Logger } from '../log.ts';
import type { Server } from '../server.ts';
import { Supervisor, workerCount } from '../workers/supervisor.ts';
import { keepYoungHeapSmall } from '../young-heap.ts';
import { EXIT_FAILURE, EXIT_USAGE, fail } from './exit.ts';
import { startMessage } from './start-message.ts';

interface RunningServer extends Pick<Server, 'port' | 'stop' | 'refreshApps'> {
  readonly fleet: Fleet;
  /** Resolves when they hold everywhere. */
  replaceApps(settings: Settings): MaybePromise<void>;
}

/** Errors whose message says it all. */
const EXPLAINED: ReadonlySet<string> = new Set([
  'ListenError',
  'TlsError',
  'RedisStartError',
  'AppStoreStartError',
  'NativePartError',
]);

/** JSON logs carry no secret, so nobody learns the one that was made. */
const GENERATED_APP_WARNING =
  'no app is configured: one was made for this run, whose secret is only shown when log.format is not json';

/** Runs the broker until it is told to stop. */
export async function startCommand(sources: ConfigSources, config: LoadedConfig, version: string): Promise<void> {
  keepYoungHeapSmall();
  const log = createLog(config.settings.log);
  failOnUnexpected(log);
  for (const warning of config.warnings) log.warn(warning);
  // It would end a process that is not done starting; what changed meanwhile is seen without it.
  process.on('SIGHUP', () => {});
  const server = await run(config, log);
  const replaceApps = (settings: Settings): MaybePromise<void> => server.replaceApps(settings);
  const listed = new ListedRegistry({ settings: config.settings, replaceApps, log });
  const admin = await runAdmin({ config, listed, fleet: server.fleet, version, log });
  const reload = new AppReload({
    sources,
    running: config,
    replaceApps: (settings) => listed.replaceListed(settings),
    refreshApps: () => server.refreshApps(),
    log,
  });
  reload.watch();
  const stop = async (): Promise<void> => {
    reload.stop();
    await Promise.all([server.stop(), admin?.stop()]);
  };
  obeySignals(stop, reload, log);
  log.info({ host: config.settings.host, port: server.port, version }, 'listening');
  // JSON lines are for machines: a text between them would be an error to those.
  if (config.settings.log.format !== 'json')
    process.stdout.write(startMessage(config, server.port, version, admin?.url));
  else if (config.generatedApp) log.warn({ app: config.apps[0]?.id }, GENERATED_APP_WARNING);
}

async function run(config: LoadedConfig, log: Logger): Promise<RunningServer> {
  try {
    const workers = workerCount(config.settings.workers, log);
    if (workers > 1) return await Supervisor.start(config.settings, workers, log);
    // Loaded late: the native module of uWebSockets.js fails to load where it has no binary, and that needs words.
    const { startServer } = await import('../server.ts');
    const server = await startServer(config, log);
    return { ...server, fleet: new NodeFleet(server.node) };
  } catch (error) {
    fail(startFailure(error), error instanceof Error && error.name === 'TlsError' ? EXIT_USAGE : EXIT_FAILURE);
  }
}

async function runAdmin(parts: AdminParts): Promise<Admin | undefined> {
  if (!parts.config.settings.admin.enabled) return undefined;
  try {
    const { startAdmin } = await import('../admin/start-admin.ts');
    return await startAdmin(parts);
  } catch (error) {
    fail(startFailure(error), EXIT_FAILURE);
  }
}

function startFailure(error: unknown): string {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  if (EXPLAINED.has(name)) return message;
  return stack ?? message;
}

/** SIGHUP takes up the apps of the configuration again. The first of the others moves the clients off, the second ends at once. */
function obeySignals(end: () => Promise<void>, reload: AppReload, log: Logger): void {
  const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      log.warn({ signal }, 'stopping at once');
      process.exit(EXIT_FAILURE);
    }
    isStopping = true;
    log.info({ signal }, 'stopping; a second signal stops at once');
    end().then(
      () => {
        log.info('stopped');
        process.exit(0);
      },
      (error: unknown) => {
        log.fatal({ err: error }, 'stopping failed');
        process.exit(EXIT_FAILURE);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  process.on('SIGHUP', () => {
    const isTerminalClosed = terminals.length > 0 && !terminals.some((descriptor) => isatty(descriptor));
    // Nobody is left who could stop it, and there is no place for what it has to say.
    if (isTerminalClosed) process.exit(EXIT_FAILURE);
    if (!isStopping) reload.reload();
  });
}

/** A process in an unknown state must end, and must not look as if it had been asked to. */
function failOnUnexpected(log: Logger): void {
  const onFailure = (error: unknown): void => {
    log.fatal({ err: error }, 'unexpected failure: this is a bug, please report it');
    process.exit(EXIT_FAILURE);
  };
  process.on('uncaughtException', onFailure);
  // Whatever was promised has failed by itself: a reason to look into, not to drop every client.
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unexpected failure'));
}
