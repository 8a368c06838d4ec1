import type { Command } from 'commander';

/** Of all commands that call the admin API of a running broker. */
export interface AdminFlags {
  readonly config?: string;
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** Of those about one app. */
export interface AdminAppFlags extends AdminFlags {
  readonly app?: string;
}

const HELP = `
The command calls the admin API of a running broker. It finds it as the broker does: by --config, or the environment.
The token can also be in KULKUL_ADMIN_TOKEN, where other users of the machine do not see it.`;

/** The flags that say where the admin API is, and with which token to call it. */
export function withAdmin(command: Command, configFlag: readonly [flags: string, description: string]): Command {
  return command
    .option(...configFlag)
    .option('--url <address>', 'of the admin API (default: as configured, http://127.0.0.1:9601)')
    .option('--token <token>', 'of the admin API (default: as configured)')
    .addHelpText('after', HELP);
}

/** Those of commands about one app. */
export function withAdminApp(command: Command, configFlag: readonly [flags: string, description: string]): Command {
  return withAdmin(command, configFlag)
    .option('--app <id>', 'app that is meant (default: the only one)')
    .option('--json', 'print what the admin API answers');
}
