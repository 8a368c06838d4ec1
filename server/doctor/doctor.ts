import type { Target } from '../client/target.ts';
import { ConfigError, type LoadedConfig } from '../config/index.ts';
import { type Finding, skipped } from './finding.ts';
import { examineConfiguration, examineOpenFiles, examineRedis, examineWebhooks } from './local.ts';
import { examineServer } from './remote.ts';

export interface DoctorParts {
  /** Of a broker on this machine. Undefined: it is elsewhere, and only its address is looked at. */
  readonly config: LoadedConfig | ConfigError | undefined;
  /** Undefined: what is wrong with the configuration hides it. */
  readonly target: Target | undefined;
  /** Open files that a process may have here; undefined: no limit. */
  readonly openFiles: number | undefined;
  /** For each step. */
  readonly timeoutMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** As what stands before the broker calls itself. */
  readonly proxy: string | undefined;
}

/** Looks at all that must be right for clients and backends to reach a broker. @param tell - is told each finding at once */
export async function examine(parts: DoctorParts, tell: (finding: Finding) => void): Promise<Diagnosis> {
  const { config, target, openFiles } = parts;
  const findings: Finding[] = [];
  const note = (finding: Finding): void => {
    findings.push(finding);
    tell(finding);
  };
  if (config !== undefined) note(examineConfiguration(config));
  const loaded = config instanceof ConfigError ? undefined : config;
  if (loaded) {
    note(examineOpenFiles(openFiles, loaded.settings.limits.maxConnections));
    note(await examineRedis(loaded.settings));
  }
  let proxy: string | undefined;
  if (target === undefined) note(skipped('address', 'the configuration must be right first'));
  else proxy = await examineServer({ ...parts, target }, note);
  if (loaded) await examineWebhooks(loaded, note);
  return { findings, proxy };
}
