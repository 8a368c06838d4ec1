import path from 'node:path';
import { DATABASE_DRIVERS, type DatabaseDriver, driversOf } from './app-database-settings.ts';
import { finishApps, generateCredentials } from './app-drafts.ts';
import { createApps } from './app-from-config.ts';
import { settings as catalogue } from './catalogue.ts';
import { ConfigError } from './config-error.ts';
import { readConfigFile, shownPath } from './config-file.ts';
import { type Credentials, randomCredentials } from './credentials.ts';
import { createDraft, type Draft, type Entry, putSetting } from './draft.ts';
import { readEnvironment } from './environment.ts';
import { appsPath } from './file-apps.ts';
import type { LoadedConfig } from './loaded-config.ts';
import { isLoopback } from './loopback.ts';
import { type Origin, whereIs } from './origin.ts';
import { secretPlaceholder } from './placeholders.ts';
import { isRedisSetting } from './redis-settings.ts';
import { type Settings, settingsSchema } from './schema.ts';
import { collectVariables, type Environment } from './variables.ts';

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
}

/**
 * Reads the configuration: defaults < file < environment < flags.
 *
 * @throws {ConfigError} naming every problem of every source; nothing is used of a configuration with a problem
 */
export function loadConfig({ flags, env, cwd, madeApp }: ConfigSources): LoadedConfig {
  const draft = createDraft();
  const configFile = flags.config === undefined ? undefined : path.resolve(cwd, flags.config);
  if (configFile !== undefined) readConfigFile(draft, configFile, shownPath(configFile, cwd));
  readEnvironment(draft, collectVariables(env, cwd, draft.problems), cwd);
  readFlags(draft, flags);
  draft.problems.push(...draft.refusals.values());

  const driver = databaseDriverOf(draft);
  if (driver !== undefined) ignoreApps(draft, driver);
  const generatedApp =
    driver === undefined && draft.problems.length === 0 && generateCredentials(draft, madeApp ?? randomCredentials());
  const apps = finishApps(draft);
  checkTls(draft);
  checkAdmin(draft);
  checkRedis(draft);
  checkDatabase(draft, driver);
  if (draft.problems.length > 0) throw new ConfigError(draft.problems, draft.files);

  resolvePaths(draft, configFile === undefined ? cwd : path.dirname(configFile), cwd);
  raiseLogLevel(draft);
  chooseDrainMode(draft);
  draft.settings.set(appsPath, { value: apps, origin: { kind: 'default' } });
  const settings = assemble(draft);
  return {
    settings,
    apps: createApps(settings),
    ...(configFile !== undefined && { configFile }),
    files: draft.files,
    warnings: warningsOf(draft),
    origins: originsOf(draft),
    generatedApp,
  };
}

function readFlags(draft: Draft, flags: ConfigFlags): void {
  for (const name of ['port', 'host', 'debug', 'workers'] as const) {
    const value = flags[name];
    const setting = catalogue.get(name);
    if (value === undefined || setting === undefined) continue;
    const origin: Origin = { kind: 'flag', name: `--${name}` };
    putSetting(draft, setting, { from: 'text', text: String(value) }, origin);
  }
}

/** One half of a certificate and key would mean plain text where TLS was meant. */
function checkTls(draft: Draft): void {
  const [certificate, key] = ['ssl.certPath', 'ssl.keyPath'].map((name) => ({ name, entry: draft.settings.get(name) }));
  if (certificate === undefined || key === undefined) return;
  for (const [given, missing] of [[certificate, key] as const, [key, certificate] as const]) {
    if (!given.entry?.value || missing.entry?.value) continue;
    const message = `${given.name}: TLS needs ${missing.name}, too.`;
    draft.problems.push({ where: whereIs(given.entry.origin), message });
  }
}

/** Whoever reaches the admin API without a token is master of all apps. */
function checkAdmin(draft: Draft): void {
  const host = draft.settings.get('admin.host');
  if (host === undefined || isLoopback(String(host.value))) return;
  if (draft.settings.get('admin.enabled')?.value === false) return;
  const token = filledEntry(draft, 'admin.token');
  const placeholder = token && secretPlaceholder(String(token.value));
  if (placeholder) draft.problems.push({ where: whereIs(token.origin), message: `admin.token: ${placeholder}.` });
  if (token) return;
  // One that was refused is there, only wrong.
  if (draft.problems.some(({ message }) => message.startsWith('admin.token:'))) return;
  const message = `admin.host: on ${host.value} others can reach the admin API, so it needs admin.token. Make one with: openssl rand -hex 32. Or leave it on 127.0.0.1.`;
  draft.problems.push({ where: whereIs(host.origin), message });
}

/** What is wrong with the settings of Redis, where it is used. */
function checkRedis(draft: Draft): void {
  if (draft.settings.get('adapter.driver')?.value !== 'redis') return;
  draft.problems.push(...draft.redisProblems);
  const clusterNodes = filledEntry(draft, 'database.redis.clusterNodes');
  const cluster = clusterNodes ?? filledEntry(draft, 'adapter.redis.clusterMode');
  if (cluster === undefined) return;
  const report = (entry: Entry | undefined, message: string): void => {
    if (entry) draft.problems.push({ where: whereIs(entry.origin), message });
  };
  const sentinels = filledEntry(draft, 'database.redis.sentinels');
  report(sentinels, 'database.redis.sentinels: a Redis Cluster has no Sentinels. Set one or the other.');
  report(filledEntry(draft, 'database.redis.db'), 'database.redis.db: a Redis Cluster has database 0 only.');
}

/** Where apps come from; undefined: from the configuration. */
function databaseDriverOf(draft: Draft): DatabaseDriver | undefined {
  const driver = draft.settings.get('appManager.driver')?.value;
  return DATABASE_DRIVERS.find((name) => name === driver);
}

function ignoreApps(draft: Draft, driver: DatabaseDriver): void {
  if (draft.apps.length === 0) return;
  draft.apps = [];
  draft.warnings.push(`Without effect while appManager.driver is ${driver}: the apps in the configuration.`);
}

/** What is wrong with the settings of the database that apps come from. */
function checkDatabase(draft: Draft, driver: DatabaseDriver | undefined): void {
  if (driver === undefined) return;
  for (const [name, problem] of draft.databaseProblems) {
    if (driversOf(name)?.includes(driver)) draft.problems.push(problem);
  }
  const [min, max] = ['min', 'max'].map((name) => draft.settings.get(`databasePooling.${name}`));
  if (!min || Number(min.value) <= Number(max?.value ?? catalogue.get('databasePooling.max')?.defaultValue)) return;
  draft.problems.push({ where: whereIs(min.origin), message: 'databasePooling.min: is above databasePooling.max.' });
}

/** A setting that was given something else than 0, false or an empty list. */
function filledEntry(draft: Draft, name: string): Entry | undefined {
  const entry = draft.settings.get(name);
  const isEmptyList = Array.isArray(entry?.value) && entry.value.length === 0;
  return entry?.value && !isEmptyList ? entry : undefined;
}

/** A path in a file is meant from that file's folder; any other from the working directory. */
function resolvePaths(draft: Draft, fileFolder: string, cwd: string): void {
  const folderOf = ({ origin }: Entry): string => (origin.kind === 'file' ? fileFolder : cwd);
  for (const name of ['ssl.certPath', 'ssl.keyPath', 'ssl.caPath', 'appManager.sqlite.path']) {
    const entry = draft.settings.get(name);
    if (typeof entry?.value !== 'string' || entry.value === '') continue;
    draft.settings.set(name, { ...entry, value: path.resolve(folderOf(entry), entry.value) });
  }
  for (const name of ['database.redis.tls', 'database.mysql.ssl', 'database.postgres.ssl']) {
    const tls = draft.settings.get(name);
    if (typeof tls?.value !== 'object' || tls.value === null) continue;
    draft.settings.set(name, { ...tls, value: resolveCertificates(tls.value, folderOf(tls)) });
  }
}

/** PEM text stays as it is. */
function resolveCertificates(tls: object, folder: string): object {
  const resolve = (value: unknown): unknown =>
    typeof value === 'string' && !value.includes('-----BEGIN') ? path.resolve(folder, value) : value;
  const entries = Object.entries(tls).map(([name, value]: [string, unknown]) => {
    if (!['ca', 'cert', 'key'].includes(name)) return [name, value] as const;
    return [name, Array.isArray(value) ? value.map(resolve) : resolve(value)] as const;
  });
  return Object.fromEntries(entries);
}

function raiseLogLevel(draft: Draft): void {
  const debug = draft.settings.get('debug');
  if (debug?.value !== true || draft.settings.get('log.level')?.value === 'trace') return;
  draft.settings.set('log.level', { value: 'debug', origin: debug.origin });
}

const DRAIN_OF_MOVE: ReadonlySet<string> = new Set(['drain.readyDelaySeconds', 'drain.seconds', 'drain.jitter']);

/** Whoever stops alone is waited for; where others go on, clients had better go to those. */
function chooseDrainMode(draft: Draft): void {
  const mode = draft.settings.get('drain.mode');
  if (mode !== undefined && mode.value !== 'auto') return;
  const driver = draft.settings.get('adapter.driver');
  const reason =
    driver?.value === 'redis' ? driver : [...draft.settings].find(([name]) => DRAIN_OF_MOVE.has(name))?.[1];
  const origin: Origin = reason?.origin ?? { kind: 'default' };
  draft.settings.set('drain.mode', { value: reason === undefined ? 'restart' : 'move', origin });
}

/** The nested settings. Every value has been checked: what zod would still refuse is a bug, and may say so. */
function assemble(draft: Draft): Settings {
  const root: Record<string, unknown> = {};
  for (const [settingPath, { value }] of draft.settings) {
    const segments = settingPath.split('.');
    const name = segments.pop();
    if (name === undefined) continue;
    let section = root;
    for (const segment of segments) {
      section[segment] ??= {};
      section = section[segment] as Record<string, unknown>;
    }
    section[name] = value;
  }
  return settingsSchema.parse(root);
}

function originsOf(draft: Draft): Map<string, Origin> {
  const origins = new Map<string, Origin>();
  for (const [settingPath, { origin }] of draft.settings) {
    if (settingPath !== appsPath) origins.set(settingPath, origin);
  }
  for (const [index, app] of draft.apps.entries()) {
    origins.set(`${appsPath}.${index}`, app.origin);
    for (const [name, { origin }] of app.options) origins.set(`${appsPath}.${index}.${name}`, origin);
  }
  return origins;
}

function warningsOf(draft: Draft): string[] {
  const ineffective = [
    ...draft.ineffective,
    ...draft.apps.flatMap((app, index) => {
      const webhooks = app.options.get('webhooks')?.value;
      return isEmpty(webhooks) ? [] : [`${appsPath}.${index}.webhooks (not sent)`];
    }),
  ];
  const unused = unusedRedisSettings(draft);
  const ofMove = unusedDrainSettings(draft);
  const ofOtherDrivers = unusedDatabaseSettings(draft);
  const driver = databaseDriverOf(draft) ?? 'array';
  return [
    ...draft.warnings,
    ...(ineffective.length > 0 ? [`Without effect in this version: ${ineffective.join(', ')}.`] : []),
    ...(unused.length > 0 ? [`Without effect while adapter.driver is local: ${unused.join(', ')}.`] : []),
    ...(ofMove.length > 0 ? [`Without effect while drain.mode is restart: ${ofMove.join(', ')}.`] : []),
    ...(ofOtherDrivers.length > 0
      ? [`Without effect while appManager.driver is ${driver}: ${ofOtherDrivers.join(', ')}.`]
      : []),
  ];
}

function unusedRedisSettings(draft: Draft): string[] {
  if (draft.settings.get('adapter.driver')?.value === 'redis') return [];
  return [...draft.settings].flatMap(([name, { origin }]) => {
    if (!isRedisSetting(name)) return [];
    return [origin.kind === 'variable' ? `${name} (${origin.name})` : name];
  });
}

function unusedDrainSettings(draft: Draft): string[] {
  if (draft.settings.get('drain.mode')?.value !== 'restart') return [];
  return ['shutdownGracePeriod', 'drain.seconds', 'drain.jitter'].flatMap((name) => {
    const origin = draft.settings.get(name)?.origin;
    if (origin === undefined) return [];
    return [origin.kind === 'variable' ? `${name} (${origin.name})` : name];
  });
}

function unusedDatabaseSettings(draft: Draft): string[] {
  const driver = databaseDriverOf(draft);
  return [...draft.settings].flatMap(([name, { origin }]) => {
    const drivers = driversOf(name);
    if (drivers === undefined || (driver !== undefined && drivers.includes(driver))) return [];
    return [origin.kind === 'variable' ? `${name} (${origin.name})` : name];
  });
}

function isEmpty(webhooks: unknown): boolean {
  if (webhooks === undefined || webhooks === null || webhooks === '' || webhooks === '[]') return true;
  return Array.isArray(webhooks) && webhooks.length === 0;
}
