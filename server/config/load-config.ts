import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { App } from '../../channels/app.ts';
import { DATABASE_DRIVERS } from './app-database-settings.ts';
import { createApps } from './app-from-config.ts';
import { finishApps, generateCredentials } from './app-rules.ts';
import { appsPath, settings as catalogue } from './catalogue.ts';
import { ConfigError } from './config-error.ts';
import { readConfigFile, readConfigValues } from './config-file.ts';
import { type Credentials, randomCredentials } from './credentials.ts';
import { collectVariables, type Environment, readEnvironment } from './environment.ts';
import { applyReverbDefaults } from './laravel.ts';
import { Merge } from './merge.ts';
import type { Origin } from './origin.ts';
import type { ReadFiles } from './read-file.ts';
import { checkSettings, completeSettings, ineffectiveWarnings, resolvePaths } from './rules.ts';
import { type Settings, settingsSchema } from './schema.ts';

/** The flags of the command line that are settings; absent ones are undefined. */
export interface ConfigFlags {
  /** Path of the configuration file, from the working directory. */
  readonly config?: string | undefined;
  readonly port?: string | number | undefined;
  readonly host?: string | undefined;
  readonly debug?: boolean | undefined;
  /** `"auto"` or a number. */
  readonly workers?: string | number | undefined;
}

export interface ConfigSources {
  readonly flags: ConfigFlags;
  readonly env: Environment;
  /** Where `.env` and relative paths of variables and flags are looked for. */
  readonly cwd: string;
  /** What an app gets that is made because none is configured. Default: random. */
  readonly madeApp?: Credentials | undefined;
  /** As in a configuration file, from a program. Then files and variables are not read. */
  readonly values?: Readonly<Record<string, unknown>> | undefined;
}

/** What a start needs to know: the effective settings, the apps, and where all of it comes from. */
export interface LoadedConfig {
  readonly settings: Settings;
  /** The apps of `settings.appManager.array.apps` with their limits filled in; none where apps come from a database, else at least one. */
  readonly apps: readonly App[];
  /** Absolute path of the configuration file, when there is one. */
  readonly configFile?: string;
  /** The configuration file and those that it names, as they were read. */
  readonly files: ReadFiles;
  /** For people, one sentence each; to be logged at the start. */
  readonly warnings: readonly string[];
  /** By dotted path, `port` or `appManager.array.apps.0.id`. Not listed: a default. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** No app was configured: the only one has random credentials, good for this run. */
  readonly generatedApp: boolean;
}

/**
 * Reads the configuration: defaults < file < environment < flags.
 *
 * @throws {ConfigError} naming every problem of every source; nothing is used of a configuration with a problem
 */
export function loadConfig({ flags, env, cwd, madeApp, values }: ConfigSources): LoadedConfig {
  const merge = new Merge();
  const configFile = flags.config === undefined ? undefined : path.resolve(cwd, flags.config);
  const fileFolder = configFile === undefined ? cwd : path.dirname(configFile);
  if (configFile !== undefined) readConfigFile(merge, configFile, cwd);
  if (values !== undefined) readConfigValues(merge, values);
  const variables = values === undefined ? collectVariables(merge, env, cwd) : new Map();
  readEnvironment(merge, variables);
  readFlags(merge, flags);

  const driver = DATABASE_DRIVERS.find((name) => name === merge.valueOf('appManager.driver'));
  if (driver === undefined) applyReverbDefaults(merge, variables);
  else if (merge.apps.size > 0) {
    merge.dropApps();
    merge.warnings.push(`Without effect while appManager.driver is ${driver}: the apps in the configuration.`);
  }
  const canGenerate = driver === undefined && merge.problems().length === 0;
  const generatedApp = canGenerate && generateCredentials(merge, madeApp ?? randomCredentials());
  const apps = finishApps(merge, fileFolder, cwd);
  completeSettings(merge);
  checkSettings(merge);
  const problems = merge.problems();
  if (problems.length > 0) throw new ConfigError(problems, merge.files);

  resolvePaths(merge, fileFolder, cwd);
  const settings = assemble(merge, apps);
  return {
    settings,
    apps: createApps(settings),
    ...(configFile !== undefined && { configFile }),
    files: merge.files,
    warnings: [...merge.warnings, ...ineffectiveWarnings(merge)],
    origins: originsOf(merge),
    generatedApp,
  };
}

function readFlags(merge: Merge, flags: ConfigFlags): void {
  for (const name of ['port', 'host', 'debug', 'workers'] as const) {
    const value = flags[name];
    const setting = catalogue.get(name);
    if (value === undefined || setting === undefined) continue;
    merge.put(name, setting, { from: 'text', text: String(value) }, { kind: 'flag', name: `--${name}` });
  }
}

/** The nested settings. Every value has been checked: what zod would still refuse is a bug, and may say so. */
function assemble(merge: Merge, apps: Settings['appManager']['array']['apps']): Settings {
  const root: Record<string, unknown> = {};
  const put = (where: string, value: unknown): void => {
    const names = where.split('.');
    const last = names.pop() ?? '';
    let section = root;
    for (const name of names) {
      section[name] ??= {};
      section = section[name] as Record<string, unknown>;
    }
    section[last] = value;
  };
  for (const [where, { value }] of merge.entries) if (!where.startsWith(`${appsPath}.`)) put(where, value);
  put(appsPath, apps);
  return settingsSchema.parse(root);
}

/** Apps are counted as they are in the settings. */
function originsOf(merge: Merge): Map<string, Origin> {
  const origins = new Map<string, Origin>();
  for (const [where, { origin }] of merge.entries) if (!where.startsWith(`${appsPath}.`)) origins.set(where, origin);
  const options = merge.optionsByApp();
  for (const [index, number] of merge.appNumbers().entries()) {
    origins.set(`${appsPath}.${index}`, merge.apps.get(number) ?? { kind: 'default' });
    for (const [name, { origin }] of options.get(number) ?? []) origins.set(`${appsPath}.${index}.${name}`, origin);
  }
  return origins;
}

export interface ReloadedConfig {
  /** As it was, with what is reloadable as it is now: the apps, and the limits that they fall back to. */
  readonly config: LoadedConfig;
  /** Other settings that differ from those in effect, by dotted path. They wait for the next start. */
  readonly postponed: readonly string[];
}

const RELOADABLE = [...catalogue.values()].filter(({ meta }) => meta.reloadable).map(({ path }) => path);

/**
 * Reads a configuration again, for a broker that runs.
 *
 * @throws {ConfigError} naming every problem; nothing is to be taken of it
 */
export function reloadConfig(sources: ConfigSources, running: LoadedConfig): ReloadedConfig {
  const next = loadConfig(sources);
  const changed = differences(running.settings, next.settings, '');
  const postponed = changed.filter((path) => !RELOADABLE.includes(path));
  const settings = structuredClone(running.settings);
  for (const path of RELOADABLE) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    sectionAt(settings, names)[last] = sectionAt(next.settings, names)[last];
  }
  settings.appManager.array.apps = appsOf(next, running);
  return { config: { ...next, settings, apps: createApps(settings) }, postponed };
}

function sectionAt(settings: Settings, names: readonly string[]): Record<string, unknown> {
  return names.reduce((section, name) => section[name] as Record<string, unknown>, settings as Record<string, unknown>);
}

/** An app that was made up stays the same one as long as none is configured. */
function appsOf(next: LoadedConfig, running: LoadedConfig): Settings['appManager']['array']['apps'] {
  const { apps } = next.settings.appManager.array;
  if (!next.generatedApp) return apps;
  const [own] = running.settings.appManager.array.apps;
  if (!running.generatedApp || own === undefined) {
    const where = next.configFile ?? 'configuration';
    const message = `${appsPath}: no app is left. To refuse the clients of an app, set its enabled to false.`;
    throw new ConfigError([{ where, message }], next.files);
  }
  return apps.map((options) => ({ ...options, id: own.id, key: own.key, secret: own.secret }));
}

function differences(one: unknown, other: unknown, path: string): string[] {
  if (!isSection(one) || !isSection(other)) return isDeepStrictEqual(one, other) ? [] : [path];
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].flatMap((name) => differences(one[name], other[name], path === '' ? name : `${path}.${name}`));
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
