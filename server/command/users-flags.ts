import type { Command } from 'commander';
import type { AdminFlags } from './admin-command.ts';

export type UsersAction = 'show' | 'reconnect' | 'terminate';

const HELP = `
The command calls the admin API of a running broker. It finds it as the broker does: by --config, or the environment.
The token can also be in KULKUL_ADMIN_TOKEN, where other users of the machine do not see it.`;

/** Adds `kulkul users` with what it can do. */
export function addUsersCommand(
  program: Command,
  configFlag: readonly [flags: string, description: string],
  run: (action: UsersAction, userId: string, flags: AdminFlags) => Promise<void>,
): void {
  const users = program
    .command('users')
    .summary('show whether a user is signed in to a running broker, end the connections of a user')
    .description('Show whether a user is signed in, and on how many connections. End the connections of a user.')
    .showHelpAfterError('(kulkul users --help says more)');
  const add = (name: UsersAction, summary: string): void => {
    users
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
      .showHelpAfterError(`(kulkul users ${name} --help says more)`)
      .argument('<user>', 'id with which the user signs in')
      .option(...configFlag)
      .option('--url <address>', 'of the admin API (default: as configured, http://127.0.0.1:9601)')
      .option('--token <token>', 'of the admin API (default: as configured)')
      .option('--app <id>', 'app that is meant (default: the only one)')
      .option('--json', 'print what the admin API answers')
      .addHelpText('after', HELP)
      .action((user, flags) => run(name, user, flags));
  };
  add('show', 'whether a user is signed in anywhere, and on how many connections');
  add('reconnect', 'end all connections of a user; clients come back at once, and are authorized again');
  add('terminate', 'end all connections of a user; clients stay away');
}
