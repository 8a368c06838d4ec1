import { type Command, Option } from 'commander';
import type { TargetFlags } from '../client/target.ts';
import { PROXIES, type ProxyName } from '../doctor/proxy-blocks.ts';
import { withTarget } from './client-flags.ts';

export interface DoctorFlags extends TargetFlags {
  readonly proxy?: ProxyName;
  readonly json?: boolean;
}

/** Adds `kulkul doctor`. */
export function addDoctorCommand(
  program: Command,
  configFlag: readonly [string, string],
  run: (flags: DoctorFlags) => Promise<void>,
): void {
  withTarget(program.command('doctor'), configFlag)
    .summary('find out why clients or backends do not get through')
    .description(
      'Look at a broker as clients and backends meet it: address, certificate, proxy, clock, keys, and whether an event that is published arrives. ' +
        'Where the broker is on this machine, also at its configuration, open files, Redis and webhooks. Says for each fault what to change.',
    )
    .addOption(new Option('--proxy <name>', 'proxy for which to print what it needs').choices(PROXIES))
    .option('--json', 'print JSON')
    .action(run);
}
