import type { Command } from 'commander';
import { type AdminFlags, withAdmin } from './admin-flags.ts';
import { parseCount } from './client-flags.ts';

export interface TopFlags extends AdminFlags {
  readonly count?: number;
}

const HELP = `
On a terminal the figures fill the screen: q or Ctrl-C ends. Elsewhere, or with --json, each second is a line.
A token that may only read is enough.`;

/** Adds `kulkul top`. */
export function addTopCommand(
  program: Command,
  configFlag: readonly [flags: string, description: string],
  run: (flags: TopFlags) => Promise<void>,
): void {
  withAdmin(program.command('top'), configFlag)
    .summary('live figures of a running broker')
    .description('Show what all nodes of a running broker do, each second: connections, messages, event loops, Redis.')
    .showHelpAfterError('(kulkul top --help says more)')
    .option('--count <number>', 'end after so many seconds', parseCount)
    .option('--json', 'lines of JSON')
    .addHelpText('after', HELP)
    .action(run);
}
