import { type Command, InvalidArgumentError, Option } from 'commander';
import { isUserId, MAX_USER_ID_LENGTH } from '../../protocol/channel-name.ts';
import type { TargetFlags } from '../client/target.ts';

export interface TriggerFlags extends TargetFlags {
  readonly socketId?: string;
  readonly info?: string;
  readonly encryptionKey?: string;
  readonly json?: boolean;
}

export interface ListenFlags extends TargetFlags {
  readonly token?: string;
  readonly user?: string;
  readonly encryptionKey?: string;
  readonly count?: number;
  readonly json?: boolean;
  readonly pretty?: boolean;
}

export interface ChannelsFlags extends TargetFlags {
  readonly prefix?: string;
  readonly json?: boolean;
}

/** What each of the commands does. */
export interface ClientCommands {
  trigger(channel: string, event: string, data: string | undefined, flags: TriggerFlags): Promise<void>;
  listen(channels: readonly string[], flags: ListenFlags): Promise<void>;
  channels(channel: string | undefined, flags: ChannelsFlags): Promise<void>;
}

const TARGET_HELP = `
Server and app come from these places, the first that names them:
  the flags
  the file of --config
  PUSHER_APP_ID, PUSHER_APP_KEY, PUSHER_APP_SECRET, with PUSHER_HOST, PUSHER_PORT, PUSHER_SCHEME
    or PUSHER_APP_CLUSTER; PUSHER_URL; or REVERB_… likewise: in the environment, or in .env
  what else would configure a broker that is started here
Other users of the machine see the flags of a running command: a secret is safer in a variable.`;

/** Adds the commands that are clients of a server. */
export function addClientCommands(program: Command, configFlag: readonly [string, string], run: ClientCommands): void {
  withTarget(program.command('trigger'), configFlag)
    .summary('publish an event')
    .description('Publish an event on a channel of any server that speaks the Pusher protocol.')
    .argument('<channel>', 'name of the channel')
    .argument('<event>', 'name of the event')
    .argument('[data]', 'payload, JSON or any text; - reads it from standard input (default: {})')
    .option('--socket-id <id>', 'connection that does not get the event')
    .option('--info <attributes>', 'what the answer says of the channel, such as subscription_count')
    .option('--encryption-key <base64>', 'master key of encrypted channels (default: as configured)')
    .option('--json', 'print what the server answers')
    .action(run.trigger);
  withTarget(program.command('listen'), configFlag)
    .summary('print events as they come')
    .description(
      'Subscribe to channels, and print their events as they come. On a terminal for people, otherwise as lines of JSON.',
    )
    .argument('<channels...>', 'names of the channels')
    .option('--token <token>', 'JSON Web Token for private and presence channels, instead of the secret (Kulkul only)')
    .addOption(
      new Option('--user <id>', 'who one is on presence channels, for all to see (default: kulkul and a number)')
        .argParser(parseUserId)
        // A token says itself who it is for.
        .conflicts('token'),
    )
    .option('--encryption-key <base64>', 'master key of encrypted channels (default: as configured)')
    .option('--count <number>', 'end after so many events', parseCount)
    .option('--json', 'lines of JSON, also on a terminal')
    .addOption(new Option('--pretty', 'for people, also where it is no terminal').conflicts('json'))
    .action(run.listen);
  withTarget(program.command('channels'), configFlag)
    .summary('list channels that have subscribers')
    .description('List the channels that have subscribers; of one channel, what the server says about it.')
    .argument('[channel]', 'only this one, on presence channels with its users')
    .option('--prefix <prefix>', 'only channels whose names begin so')
    .option('--json', 'print what the server answers')
    .action(run.channels);
}

/** The flags that say which server, and which of its apps. */
export function withTarget(command: Command, configFlag: readonly [string, string]): Command {
  return command
    .showHelpAfterError(`(kulkul ${command.name()} --help says more)`)
    .addHelpText('after', TARGET_HELP)
    .option(...configFlag)
    .option('--url <address>', 'of the server, with the prefix of a proxy if there is one: https://ws.example.com')
    .option('--cluster <name>', 'of hosted Pusher, instead of --url: eu, mt1, …')
    .option('--app <id>', 'id of the app')
    .option('--key <key>', 'key of the app')
    .option('--secret <secret>', 'secret of the app');
}

function parseUserId(text: string): string {
  if (isUserId(text)) return text;
  throw new InvalidArgumentError(`A user id has 1 to ${MAX_USER_ID_LENGTH} characters and no control characters.`);
}

/** Of events, or of seconds. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count > 0 && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError('It must be a number from 1 on.');
}
