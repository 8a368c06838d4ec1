import type { App } from '../../channels/app.ts';
import type { Clock } from '../../channels/clock.ts';
import { isLoopback } from '../client-address.ts';
import { systemClock } from '../clock.ts';
import { createApp, createApps } from '../config/app-from-config.ts';
import { placeholdersOf } from '../config/credentials.ts';
import type { Settings } from '../config/index.ts';
import type { Logger } from '../log.ts';
import type { AppDirectory } from './app-directory.ts';
import type { AppStore, StoredApp } from './app-store.ts';
import { ListedApps } from './listed-apps.ts';
import { StoredApps } from './stored-apps.ts';

export interface DirectoryParts {
  readonly settings: Settings;
  /** Of the configuration. */
  readonly apps: readonly App[];
  readonly log: Logger;
  readonly clock?: Clock;
  /** Whether connections of this process hold an app. */
  readonly isInUse?: (appId: string) => boolean;
}

/**
 * The apps that the settings ask for.
 *
 * @throws {AppStoreStartError} why the database can't be used
 */
export async function createAppDirectory({
  settings,
  apps,
  log,
  clock = systemClock,
  isInUse = () => true,
}: DirectoryParts): Promise<AppDirectory> {
  const store = await createAppStore(settings, log);
  if (!store) return new ListedApps(apps);
  return new StoredApps(store, {
    createApp: appCreator(settings),
    ttlSeconds: ttlOf(settings.appManager.cache),
    isInUse,
    clock,
    log,
  });
}

/** Takes the apps of other settings, where they are configured, and what all apps fall back to. */
export function useSettings(directory: AppDirectory, settings: Settings): void {
  if (directory instanceof ListedApps) directory.replace(createApps(settings));
  if (directory instanceof StoredApps) directory.recreate(appCreator(settings));
}

/** @returns makes apps of a database, and throws a `TypeError` for one that everybody knows the secrets of, where others reach the broker */
export function appCreator(settings: Settings): (stored: StoredApp) => App {
  return (stored) => {
    const [placeholder] = isLoopback(settings.host) ? [] : placeholdersOf(stored);
    if (placeholder) throw new TypeError(`${placeholder.path.join('.')}: ${placeholder.problem}`);
    return createApp(stored, settings);
  };
}

/**
 * The database that apps come from; undefined where they come from the configuration.
 *
 * @throws {AppStoreStartError} why it can't be used
 */
export async function createAppStore(settings: Settings, log: Logger): Promise<AppStore | undefined> {
  const { driver } = settings.appManager;
  if (driver === 'array') return undefined;
  // Loaded when they are needed: the configuration needs no database.
  const { connectAppDatabase } = await import('./connect-app-database.ts');
  const { SqlAppStore } = await import('./sql-app-store.ts');
  return new SqlAppStore(await connectAppDatabase(driver, settings, log), log);
}

function ttlOf({ enabled, ttl }: Settings['appManager']['cache']): number {
  if (!enabled) return 0;
  return ttl === -1 ? Number.POSITIVE_INFINITY : ttl;
}
