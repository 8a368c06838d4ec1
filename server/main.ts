#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander';
import { ConfigError, type ConfigFlags, describeConfig, type LoadedConfig, loadConfig } from './config/index.ts';
import { createLog, type Logger } from './log.ts';
import type { Server } from './server.ts';
import { startMessage } from './start-message.ts';
import { packageVersion } from './version.ts';
import { Supervisor, workerCount } from './workers/supervisor.ts';

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

type RunningServer = Pick<Server, 'port' | 'stop'>;

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
    process.stdout.write(describeConfig(load(flags)));
  });

await program.parseAsync();

async function start(flags: CommandFlags): Promise<void> {
  const config = load(flags);
  const log = createLog(config.settings.log);
  failOnUnexpected(log);
  for (const warning of config.warnings) log.warn(warning);
  const server = await run(config, log);
  stopOnSignal(server, log);
  log.info({ host: config.settings.host, port: server.port, version }, 'listening');
  // JSON lines are for machines: a text between them would be an error to those.
  if (config.settings.log.format !== 'json') process.stdout.write(startMessage(config, server.port, version));
  else if (config.generatedApp) log.warn({ app: config.apps[0]?.id }, GENERATED_APP_WARNING);
}

async function run(config: LoadedConfig, log: Logger): Promise<RunningServer> {
  try {
    const workers = workerCount(config.settings.workers, log);
    if (workers > 1) return await Supervisor.start(config, workers, log);
    // Loaded late: the native module of uWebSockets.js fails to load where it has no binary, and that needs words.
    const { startServer } = await import('./server.ts');
    return await startServer(config, log);
  } catch (error) {
    fail(startFailure(error), error instanceof Error && error.name === 'TlsError' ? EXIT_USAGE : EXIT_FAILURE);
  }
}

function startFailure(error: unknown): string {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  if (name === 'ListenError' || name === 'TlsError' || name === 'RedisStartError') return message;
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

function load({ config, port, host, debug, workers }: CommandFlags): LoadedConfig {
  const flags: ConfigFlags = {
    ...(config !== undefined && { config }),
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
    ...(debug !== undefined && { debug }),
    ...(workers !== undefined && { workers }),
  };
  try {
    return loadConfig({ flags, env: process.env, cwd: process.cwd() });
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message, EXIT_USAGE);
    throw error;
  }
}

/** The first signal moves the clients off, the second ends at once. */
function stopOnSignal(server: RunningServer, log: Logger): void {
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      log.warn({ signal }, 'stopping at once');
      process.exit(EXIT_FAILURE);
    }
    isStopping = true;
    log.info({ signal }, 'stopping: clients are moved off; a second signal stops at once');
    server.stop().then(
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
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal);
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
