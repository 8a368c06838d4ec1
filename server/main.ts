#!/usr/bin/env node
import { isatty } from 'node:tty';
import { Command, InvalidArgumentError } from 'commander';
import type { MaybePromise } from '../channels/maybe-promise.ts';
import { type Fleet, NodeFleet } from './admin/fleet.ts';
import { ListedRegistry } from './admin/listed-registry.ts';
import { type Admin, type AdminParts, startAdmin } from './admin/start-admin.ts';
import type { AppDirectory } from './apps/app-directory.ts';
import { AppReload } from './apps/app-reload.ts';
import { AppStoreUnavailable } from './apps/app-store.ts';
import { createAppDirectory } from './apps/create-app-directory.ts';
import { AppStoreStartError } from './apps/sql-errors.ts';
import {
  ConfigError,
  type ConfigSources,
  describeConfig,
  type LoadedConfig,
  loadConfig,
  type Settings,
} from './config/index.ts';
import { DevelopmentTokenError } from './development-token.ts';
import { createLog, type Logger } from './log.ts';
import type { Server } from './server.ts';
import { startMessage } from './start-message.ts';
import { createToken, type TokenFlags, withTokenFlags } from './token-command.ts';
import { packageVersion } from './version.ts';
import { Supervisor, workerCount } from './workers/supervisor.ts';
import { keepYoungHeapSmall } from './young-heap.ts';

/** Exit codes: 1 for a failure of the program, 2 for something to mend in how it was called or configured. */
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

interface CommandFlags {
  readonly config?: string;
  readonly port?: number;
  readonly host?: string;
  readonly debug?: boolean;
  readonly workers?: string;
}

interface RunningServer extends Pick<Server, 'port' | 'stop' | 'refreshApps'> {
  readonly fleet: Fleet;
  /** Resolves when they hold everywhere. */
  replaceApps(settings: Settings): MaybePromise<void>;
}

/** Errors whose message says it all. */
const EXPLAINED: ReadonlySet<string> = new Set(['ListenError', 'TlsError', 'RedisStartError', 'AppStoreStartError']);

/** JSON logs carry no secret, so nobody learns the one that was made. */
const GENERATED_APP_WARNING =
  'no app is configured: one was made for this run, whose secret is only shown when log.format is not json';

const version = packageVersion();
const program = new Command('kulkul')
  .description('Self-hosted broker that speaks the Pusher protocol.')
  .version(version, '-v, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand('help [command]', 'print the help of a command')
  .showHelpAfterError('(kulkul --help says more)')
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'kulkul: ')) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE));

const configFlag = ['-c, --config <file>', "configuration file, Kulkul's or Soketi's (default: none)"] as const;
const portFlag = ['-p, --port <number>', 'port to listen on, 0 for any free one (default: 6001)', parsePort] as const;
const hostFlag = ['--host <address>', 'address to listen on (default: 0.0.0.0, all of this machine)'] as const;
const workersFlag = [
  '--workers <number>',
  'processes that serve clients, or auto: one for each core (default: 1)',
] as const;
const debugFlag = ['--debug', 'log each message in and out'] as const;

const SETTINGS_HELP = `
A flag wins over an environment variable, that over the configuration file.
Settings that have no flag: docs/config.md names the key and the variable of each.`;

withSettings(program.command('start'), 'start the broker')
  .description('Start the broker. With no app configured, one with random credentials is made for this run.')
  .action(start);

withSettings(program.command('config'), 'print the effective settings and where each comes from')
  .description('Print the effective settings and where each comes from, secrets masked. Starts nothing.')
  .action((flags: CommandFlags) => {
    process.stdout.write(describeConfig(load(sourcesOf(flags))));
  });

withTokenFlags(program.command('token').option(...configFlag))
  .summary('print a token for development')
  .description(
    'Print a JSON Web Token that an app takes, signed with the first secret of its auth.jwt.keys. Starts nothing.',
  )
  .showHelpAfterError('(kulkul token --help says more)')
  .action(token);

await program.parseAsync();

async function token(flags: TokenFlags): Promise<void> {
  const { settings, apps } = load(sourcesOf(flags));
  let directory: AppDirectory | undefined;
  try {
    // Standard output is for the token.
    const log = createLog({ level: 'silent', format: 'json' });
    directory = await createAppDirectory({ settings, apps, log });
    process.stdout.write(`${await createToken(directory, flags, Date.now() / 1000)}\n`);
  } catch (error) {
    if (error instanceof DevelopmentTokenError) fail(error.message, EXIT_USAGE);
    if (error instanceof AppStoreUnavailable) fail(error.detail, EXIT_FAILURE);
    if (error instanceof AppStoreStartError) fail(error.message, EXIT_FAILURE);
    throw error;
  } finally {
    await directory?.close();
  }
}

async function start(flags: CommandFlags): Promise<void> {
  keepYoungHeapSmall();
  const sources = sourcesOf(flags);
  const config = load(sources);
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
    const { startServer } = await import('./server.ts');
    const server = await startServer(config, log);
    return { ...server, fleet: new NodeFleet(server.node) };
  } catch (error) {
    fail(startFailure(error), error instanceof Error && error.name === 'TlsError' ? EXIT_USAGE : EXIT_FAILURE);
  }
}

async function runAdmin(parts: AdminParts): Promise<Admin | undefined> {
  try {
    return await startAdmin(parts);
  } catch (error) {
    fail(startFailure(error), EXIT_FAILURE);
  }
}

function startFailure(error: unknown): string {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  if (EXPLAINED.has(name)) return message;
  const [, glibc] = /version `GLIBC_([\d.]+)' not found/.exec(message) ?? [];
  if (glibc !== undefined) {
    return (
      `The binary of uWebSockets.js for Node ${process.version} needs glibc ${glibc} or newer, which this system has not. ` +
      'Debian 13 and Ubuntu 24.04 have it; on older systems the binary for Node 20 runs.'
    );
  }
  if (message.includes('uWS.js supports only')) {
    return (
      `uWebSockets.js has no binary for Node ${process.version} on ${process.platform} ${process.arch}. ` +
      'Kulkul runs on Node 20, 22 and 24, on Linux with glibc (not Alpine), macOS and Windows.'
    );
  }
  return stack ?? message;
}

function sourcesOf({ config, port, host, debug, workers }: CommandFlags): ConfigSources {
  return { flags: { config, port, host, debug, workers }, env: process.env, cwd: process.cwd() };
}

function load(sources: ConfigSources): LoadedConfig {
  try {
    return loadConfig(sources);
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message, EXIT_USAGE);
    throw error;
  }
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
    log.info({ signal }, 'stopping: clients are moved off; a second signal stops at once');
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

/** Both commands read the same settings, so that one shows what the other would do. */
function withSettings(command: Command, summary: string): Command {
  return command
    .summary(summary)
    .showHelpAfterError(`(kulkul ${command.name()} --help says more)`)
    .addHelpText('after', SETTINGS_HELP)
    .option(...configFlag)
    .option(...portFlag)
    .option(...hostFlag)
    .option(...workersFlag)
    .option(...debugFlag);
}

function parsePort(value: string): number {
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > 65_535) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}

function fail(message: string, exitCode: number): never {
  process.stderr.write(`kulkul: ${message}\n`);
  process.exit(exitCode);
}
