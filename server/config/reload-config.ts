import { isDeepStrictEqual } from 'node:util';
import { createApps } from './app-from-config.ts';
import { ConfigError } from './config-error.ts';
import { appsPath } from './file-apps.ts';
import { type ConfigSources, loadConfig } from './load-config.ts';
import type { LoadedConfig } from './loaded-config.ts';
import type { Settings } from './schema.ts';

/** The limits that apps fall back to: they are taken together with the apps. */
const limitSections = ['presence', 'channelLimits', 'eventLimits', 'clientEvents'] as const;

export interface ReloadedConfig {
  /** As it was, with the apps and their limits as they are now. */
  readonly config: LoadedConfig;
  /** Other settings that differ from those in effect, by dotted path. They wait for the next start. */
  readonly postponed: readonly string[];
}

/**
 * Reads a configuration again, for a broker that runs.
 *
 * @throws {ConfigError} naming every problem; nothing is to be taken of it
 */
export function reloadConfig(sources: ConfigSources, running: LoadedConfig): ReloadedConfig {
  const next = loadConfig(sources);
  const { presence, channelLimits, eventLimits, clientEvents } = next.settings;
  const appManager = { ...running.settings.appManager, array: { apps: appsOf(next, running) } };
  const settings: Settings = {
    ...running.settings,
    ...{ presence, channelLimits, eventLimits, clientEvents },
    appManager,
  };
  return {
    config: { ...next, settings, apps: createApps(settings) },
    postponed: differences(withoutApps(running.settings), withoutApps(next.settings), ''),
  };
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

function withoutApps(settings: Settings): object {
  const taken: ReadonlySet<string> = new Set(limitSections);
  const others = Object.entries(settings).filter(([name]) => !taken.has(name));
  return { ...Object.fromEntries(others), appManager: { ...settings.appManager, array: undefined } };
}

function differences(one: unknown, other: unknown, path: string): string[] {
  if (!isSection(one) || !isSection(other)) return isDeepStrictEqual(one, other) ? [] : [path];
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].flatMap((name) => differences(one[name], other[name], path === '' ? name : `${path}.${name}`));
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
