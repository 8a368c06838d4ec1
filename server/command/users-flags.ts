import type { Command } from 'commander';
import { type AdminAppFlags, withAdminApp } from './admin-flags.ts';

export type UsersAction = 'show' | 'reconnect' | 'terminate';

/** Adds `kulkul users` with what it can do. */
export function addUsersCommand(
  program: Command,
  configFlag: readonly [flags: string, description: string],
  run: (action: UsersAction, userId: string, flags: AdminAppFlags) => Promise<void>,
): void {
  const users = program
    .command('users')
    .summary('show whether a user is signed in to a running broker, end the connections of a user')
    .description('Show whether a user is signed in, and on how many connections. End the connections of a user.')
    .showHelpAfterError('(kulkul users --help says more)');
  const add = (name: UsersAction, summary: string): void => {
    withAdminApp(users.command(name), configFlag)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
      .showHelpAfterError(`(kulkul users ${name} --help says more)`)
      .argument('<user>', 'id with which the user signs in')
      .action((user, flags) => run(name, user, flags));
  };
  add('show', 'whether a user is signed in anywhere, and on how many connections');
  add('reconnect', 'end all connections of a user; clients come back at once, and are authorized again');
  add('terminate', 'end all connections of a user; clients stay away');
}
