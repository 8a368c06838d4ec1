import { isDeepStrictEqual } from 'node:util';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import { takenFeed } from '../apps/app-directory.ts';
import { AppConflict, type StoredApp, TakenByApp } from '../apps/app-store.ts';
import { keyPairsOf } from '../config/app-options.ts';
import type { Settings } from '../config/index.ts';
import type { Logger } from '../log.ts';
import { AdminError } from './admin-error.ts';
import type { AppRegistry, Change, RegisteredApp } from './app-registry.ts';

export interface ListedRegistryParts {
  readonly settings: Settings;
  /** Has the apps of these settings, and the limits that they fall back to, take effect on all nodes. */
  readonly replaceApps: (settings: Settings) => MaybePromise<void>;
  readonly log: Logger;
}

/** Apps of the configuration, and what was changed of them since: that is kept in memory, on top of the configuration. */
export class ListedRegistry implements AppRegistry {
  readonly #replaceApps: ListedRegistryParts['replaceApps'];
  readonly #log: Logger;
  #settings: Settings;
  /** By id; undefined: it was deleted. */
  readonly #changes = new Map<string, StoredApp | undefined>();

  constructor({ settings, replaceApps, log }: ListedRegistryParts) {
    this.#settings = settings;
    this.#replaceApps = replaceApps;
    this.#log = log;
  }

  /** Takes what was read of the configuration anew. Changes stay, but of apps that the configuration now has otherwise. */
  replaceListed(settings: Settings): MaybePromise<void> {
    const before = byId(this.#listed);
    this.#settings = settings;
    const now = byId(this.#listed);
    const keys = new Set(this.#listed.flatMap((app) => keysOf(app)));
    for (const [id, change] of this.#changes) {
      const isListedAnew = !isDeepStrictEqual(before.get(id), now.get(id));
      // A key or path of the configuration's is not to be lost to an app that was made here.
      const hasTakenKey = change !== undefined && !now.has(id) && keysOf(change).some((key) => keys.has(key));
      const isInTheWay = hasTakenKey || (change !== undefined && takenFeed(change, this.#listed) !== undefined);
      if (!isListedAnew && !isInTheWay) continue;
      this.#changes.delete(id);
      this.#log.warn({ app: id }, 'changes to an app through the admin API are overridden by the configuration');
    }
    return this.#apply();
  }

  async find(id: string): Promise<RegisteredApp | undefined> {
    return this.#all().find(({ app }) => app.id === id);
  }

  async list(limit: number): Promise<readonly RegisteredApp[]> {
    const apps = this.#all().sort((one, other) => (one.app.id < other.app.id ? -1 : 1));
    return apps.slice(0, limit);
  }

  async insert(app: StoredApp): Promise<Change> {
    this.#refuseWhereNodesDiffer();
    if (await this.find(app.id)) throw new AppConflict(`The id ${app.id} is taken by another app.`);
    return this.#put(app);
  }

  async update(app: StoredApp): Promise<Change | undefined> {
    this.#refuseWhereNodesDiffer();
    return (await this.find(app.id)) && this.#put(app);
  }

  async delete(id: string): Promise<Change | undefined> {
    this.#refuseWhereNodesDiffer();
    if (!(await this.find(id))) return undefined;
    if (byId(this.#listed).has(id)) this.#changes.set(id, undefined);
    else this.#changes.delete(id);
    await this.#apply();
    return { stored: 'memory' };
  }

  get #listed(): readonly StoredApp[] {
    return this.#settings.appManager.array.apps;
  }

  #all(): RegisteredApp[] {
    const apps = new Map<string, RegisteredApp>(this.#listed.map((app) => [app.id, { app, stored: 'file' }]));
    for (const [id, app] of this.#changes) {
      if (app) apps.set(id, { app, stored: 'memory' });
      else apps.delete(id);
    }
    return [...apps.values()];
  }

  async #put(app: StoredApp): Promise<Change> {
    const own = new Set(keysOf(app));
    const others = this.#all().map(({ app: other }) => other);
    for (const other of others) {
      const taken = other.id === app.id ? undefined : keysOf(other).find((key) => own.has(key));
      if (taken !== undefined) throw new TakenByApp(`The key ${taken} is taken by`, other.id);
    }
    const taken = takenFeed(app, others);
    if (taken) throw taken;
    this.#changes.set(app.id, app);
    await this.#apply();
    return { stored: 'memory' };
  }

  #apply(): MaybePromise<void> {
    const apps = this.#all().map(({ app }) => app);
    const listed = byId(this.#listed);
    const guests = apps.filter(({ id, webhooks }) => !isDeepStrictEqual(webhooks, listed.get(id)?.webhooks ?? []));
    const guestWebhooks = guests.map(({ id }) => id);
    const { appManager } = this.#settings;
    return this.#replaceApps({ ...this.#settings, appManager: { ...appManager, array: { apps }, guestWebhooks } });
  }

  /** Other machines have a configuration, and a memory, of their own. */
  #refuseWhereNodesDiffer(): void {
    if (this.#settings.adapter.driver === 'local') return;
    throw new AdminError('apps-read-only', 409, READ_ONLY);
  }
}

const READ_ONLY =
  'These apps are in the configuration file, and with adapter.driver redis a change here would apply to this machine only. ' +
  'Change the file on every machine (it is read again at once), or keep the apps where all nodes see them: appManager.driver mysql or postgres, or sqlite when all nodes are on this machine';

function byId(apps: readonly StoredApp[]): ReadonlyMap<string, StoredApp> {
  return new Map(apps.map((app) => [app.id, app]));
}

function keysOf(app: StoredApp): string[] {
  return keyPairsOf(app).map(({ key }) => key);
}
