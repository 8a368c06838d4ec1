import type { Command } from 'commander';
import type { AdminFlags } from './admin-command.ts';
import { parseCount } from './client-flags.ts';

export interface TopFlags extends Omit<AdminFlags, 'app'> {
  readonly count?: number;
}

const HELP = `
On a terminal the figures fill the screen: q or Ctrl-C ends. Elsewhere, or with --json, each second is a line.
The command calls the admin API of a running broker. It finds it as the broker does: by --config, or the environment.
The token can also be in KULKUL_ADMIN_TOKEN, where other users of the machine do not see it. One that may only read is enough.`;

/** Adds `kulkul top`. */
export function addTopCommand(
  program: Command,
  configFlag: readonly [flags: string, description: string],
  run: (flags: TopFlags) => Promise<void>,
): void {
  program
    .command('top')
    .summary('live figures of a running broker')
    .description('Show what all nodes of a running broker do, each second: connections, messages, event loops, Redis.')
    .showHelpAfterError('(kulkul top --help says more)')
    .option(...configFlag)
    .option('--url <address>', 'of the admin API (default: as configured, http://127.0.0.1:9601)')
    .option('--token <token>', 'of the admin API (default: as configured)')
    .option('--count <number>', 'end after so many seconds', parseCount)
    .option('--json', 'lines of JSON')
    .addHelpText('after', HELP)
    .action(run);
}
