import { type Command, InvalidArgumentError } from 'commander';
import { type AdminAppFlags, withAdminApp } from './admin-flags.ts';

/** Of all commands about webhooks. */
export interface WebhooksFlags extends AdminAppFlags {
  readonly webhook?: string;
  readonly limit?: number;
  readonly all?: boolean;
  readonly channel?: string;
}

export type WebhooksAction = 'list' | 'dead-letters' | 'show' | 'replay' | 'discard' | 'test';

/** Adds `kulkul webhooks` with what it can do. */
export function addWebhooksCommand(
  program: Command,
  configFlag: readonly [flags: string, description: string],
  run: (action: WebhooksAction, letters: readonly string[], flags: WebhooksFlags) => Promise<void>,
): void {
  const webhooks = program
    .command('webhooks')
    .summary('show webhooks of a running broker, test them, send events again')
    .description('Show how the webhooks of an app do, test them, and look after events that they did not accept.')
    .showHelpAfterError('(kulkul webhooks --help says more)')
    .addHelpText(
      'after',
      '\nWithout a command: list. kulkul webhooks list --help names its options, which the others have, too.',
    );
  const add = (name: WebhooksAction, summary: string, isDefault = false): Command =>
    withAdminApp(webhooks.command(name, { isDefault }), configFlag)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
      .showHelpAfterError(`(kulkul webhooks ${name} --help says more)`);
  const addForOne = (name: WebhooksAction, summary: string): Command =>
    add(name, summary).option('--webhook <id>', 'webhook that is meant, or how its id begins (default: the only one)');

  add('list', 'webhooks of an app, and how each does', true).action((flags) => run('list', [], flags));
  addForOne('dead-letters', 'events that a webhook did not accept in time')
    .option('--limit <number>', 'how many at most (default: 100)', parseLimit)
    .action((flags) => run('dead-letters', [], flags));
  addForOne('show', 'one dead letter')
    .argument('<letter>', 'its id')
    .action((letter, flags) => run('show', [letter], flags));
  addForOne('replay', 'send dead letters again')
    .argument('[letters...]', 'their ids')
    .option('--all', 'all of the webhook')
    .action((letters, flags) => run('replay', letters, flags));
  addForOne('discard', 'discard dead letters')
    .argument('[letters...]', 'their ids')
    .option('--all', 'all of the webhook')
    .action((letters, flags) => run('discard', letters, flags));
  addForOne('test', 'send a signed request now, and show it with its answer')
    .option('--channel <name>', 'channel of the event (default: kulkul-test)')
    .action((flags) => run('test', [], flags));
}

function parseLimit(value: string): number {
  const limit = Number(value);
  if (!/^\d+$/.test(value) || limit < 1 || limit > 1000) {
    throw new InvalidArgumentError('It must be a number from 1 to 1000.');
  }
  return limit;
}
