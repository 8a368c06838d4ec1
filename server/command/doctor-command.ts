import type { Target } from '../client/target.ts';
import { isLoopback } from '../client-address.ts';
import { ConfigError, type LoadedConfig } from '../config/index.ts';
import { examine } from '../doctor/doctor.ts';
import { openFileLimit } from '../open-connections.ts';
import { type CommandContext, targetOf } from './client-target.ts';
import { colours } from './colours.ts';
import type { DoctorFlags } from './doctor-flags.ts';
import { diagnosisJson, findingText, headText, verdictText } from './doctor-text.ts';
import { EXIT_FAILURE, print } from './exit.ts';

const STEP_MS = 5000;

/** `kulkul doctor`. */
export async function doctorCommand(flags: DoctorFlags, context: CommandContext): Promise<void> {
  const mayBeHere = flags.config !== undefined || (flags.url === undefined && flags.cluster === undefined);
  const loaded = mayBeHere ? loadOrProblem(context) : undefined;
  const target = loaded instanceof ConfigError ? undefined : targetOf(flags, context);
  // An application may have its broker elsewhere.
  const isHere = flags.config !== undefined || target === undefined || target.isConfigured || isLocal(target);
  const config = isHere ? loaded : undefined;
  const paint = colours();
  if (!flags.json) print(headText(target));
  const parts = { config, target, openFiles: openFileLimit(), timeoutMs: STEP_MS, now: Date.now };
  const diagnosis = await examine(parts, (finding) => {
    if (!flags.json) print(findingText(finding, paint));
  });
  const broker = brokerAddress(config);
  if (flags.json) print(diagnosisJson(target, diagnosis, broker, flags.proxy));
  else print(verdictText(target, diagnosis, broker, flags.proxy, paint));
  if (diagnosis.findings.some(({ level }) => level === 'failure')) process.exit(EXIT_FAILURE);
}

function isLocal({ apiUrl }: Target): boolean {
  return isLoopback(new URL(apiUrl).hostname);
}

function loadOrProblem({ load }: CommandContext): LoadedConfig | ConfigError {
  try {
    return load();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** For a proxy on the same machine. */
function brokerAddress(config: LoadedConfig | ConfigError | undefined): string {
  const port = config === undefined || config instanceof ConfigError ? 0 : config.settings.port;
  return `127.0.0.1:${port === 0 ? 6001 : port}`;
}
