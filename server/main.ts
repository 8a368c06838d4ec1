#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander';
import type { AdminAppFlags } from './command/admin-flags.ts';
import { addClientCommands } from './command/client-flags.ts';
import type { CommandContext } from './command/client-target.ts';
import { addDoctorCommand } from './command/doctor-flags.ts';
import { EXIT_USAGE, fail, print, printError, runCommand } from './command/exit.ts';
import { parseSupervision, readMadeApp, type Supervision } from './command/supervision.ts';
import { type TokenFlags, withTokenFlags } from './command/token-flags.ts';
import { addTopCommand } from './command/top-flags.ts';
import { addUsersCommand, type UsersAction } from './command/users-flags.ts';
import { addWebhooksCommand, type WebhooksAction, type WebhooksFlags } from './command/webhooks-flags.ts';
import { ConfigError, type ConfigSources, describeConfig, type LoadedConfig, loadConfig } from './config/index.ts';
import { packageVersion } from './package-root.ts';

interface CommandFlags {
  readonly config?: string;
  readonly port?: number;
  readonly host?: string;
  readonly debug?: boolean;
  readonly workers?: string;
}

interface StartFlags extends CommandFlags {
  readonly supervised?: boolean;
  readonly supervision?: Supervision;
}

const version = packageVersion();
const program = new Command('kulkul')
  .description('Self-hosted broker that speaks the Pusher protocol.')
  .version(version, '-v, --version', 'print the version')
  .helpOption('-h, --help', 'print this help')
  .helpCommand('help [command]', 'print the help of a command')
  .showHelpAfterError('(kulkul --help says more)')
  .configureOutput({
    writeOut: print,
    writeErr: printError,
    outputError: (text, write) => write(text.replace(/^error: /, 'kulkul: ')),
  })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE));

const configFlag = ['-c, --config <file>', "configuration file, Kulkul's or Soketi's (default: none)"] as const;
const portFlag = ['-p, --port <number>', 'port to listen on, 0 for any free one (default: 6001)', parsePort] as const;
const hostFlag = [
  '--host <address>',
  'address to listen on (default: 0.0.0.0, all addresses of this machine)',
] as const;
const workersFlag = ['--workers <number>', 'processes that serve clients, or auto: one per core (default: 1)'] as const;
const debugFlag = ['--debug', 'log each message in and out'] as const;

const SETTINGS_HELP = `
A flag wins over an environment variable, that over the configuration file.
Settings that have no flag: docs/config.md names the key and the variable of each.`;

withSettings(program.command('start'), 'start the broker')
  .description('Start the broker. If no app is configured, one with random credentials is created for this run.')
  .option('--supervised', 'run under a process that restarts it, and replaces it without a gap on SIGUSR2')
  .addOption(new Option('--supervision <json>').argParser(readSupervision).hideHelp())
  .action(start);

withSettings(program.command('config'), 'print the effective settings and where each comes from')
  .description('Print the effective settings and where each comes from, secrets masked. Starts nothing.')
  .action((flags: CommandFlags) => {
    print(describeConfig(load(sourcesOf(flags))));
  });

withTokenFlags(program.command('token').option(...configFlag))
  .summary('print a token for development')
  .description(
    'Print a JSON Web Token that an app accepts, signed with the first secret of its auth.jwt.keys. Starts nothing.',
  )
  .showHelpAfterError('(kulkul token --help says more)')
  .action(token);

addWebhooksCommand(program, configFlag, webhooks);
addUsersCommand(program, configFlag, users);

addClientCommands(program, configFlag, {
  trigger: (channel, event, data, flags) =>
    runCommand(async () => {
      const { triggerCommand } = await import('./command/trigger-command.ts');
      await triggerCommand(channel, event, data, flags, contextOf(flags));
    }),
  listen: (channels, flags) =>
    runCommand(async () => {
      const { listenCommand } = await import('./command/listen-command.ts');
      await listenCommand(channels, flags, contextOf(flags));
    }),
  channels: (channel, flags) =>
    runCommand(async () => {
      const { channelsCommand } = await import('./command/channels-command.ts');
      await channelsCommand(channel, flags, contextOf(flags));
    }),
});

addDoctorCommand(program, configFlag, (flags) =>
  runCommand(async () => {
    const { doctorCommand } = await import('./command/doctor-command.ts');
    await doctorCommand(flags, { ...contextOf(flags), load: () => loadConfig(sourcesOf(flags)) });
  }),
);

addTopCommand(program, configFlag, (flags) =>
  runCommand(async () => {
    const { topCommand } = await import('./command/top-command.ts');
    await topCommand(flags, () => load(sourcesOf(flags)));
  }),
);

await program.parseAsync();

// What a command takes is loaded with it: all of it takes longer than most commands do.

async function start(flags: StartFlags): Promise<void> {
  if (flags.supervised) {
    const { supervise } = await import('./command/supervise.ts');
    await supervise(process.argv.slice(2).filter((arg) => arg !== '--supervised'));
    return;
  }
  const { startCommand } = await import('./command/start-command.ts');
  const sources = { ...sourcesOf(flags), madeApp: flags.supervision && readMadeApp(process.env) };
  await startCommand(sources, load(sources), version, flags.supervision);
}

async function token(flags: TokenFlags): Promise<void> {
  const { tokenCommand } = await import('./command/token-command.ts');
  await tokenCommand(load(sourcesOf(flags)), flags);
}

async function webhooks(action: WebhooksAction, letters: readonly string[], flags: WebhooksFlags): Promise<void> {
  const { webhooksCommand } = await import('./command/webhooks-command.ts');
  await webhooksCommand(action, letters, flags, () => load(sourcesOf(flags)));
}

function contextOf(flags: CommandFlags): CommandContext {
  return { env: process.env, cwd: process.cwd(), load: () => load(sourcesOf(flags)) };
}

async function users(action: UsersAction, userId: string, flags: AdminAppFlags): Promise<void> {
  const { usersCommand } = await import('./command/users-command.ts');
  await usersCommand(action, userId, flags, () => load(sourcesOf(flags)));
}

function readSupervision(text: string): Supervision {
  try {
    return parseSupervision(text);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), EXIT_USAGE);
  }
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
