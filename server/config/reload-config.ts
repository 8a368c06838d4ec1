import { isDeepStrictEqual } from 'node:util';
import { createApps } from './app-from-config.ts';
import { appsPath, settings as catalogue } from './catalogue.ts';
import { ConfigError } from './config-error.ts';
import { type ConfigSources, type LoadedConfig, loadConfig } from './load-config.ts';
import type { Settings } from './schema.ts';

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
