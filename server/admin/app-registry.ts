import { SeamUnavailable } from '../../channels/broker.ts';
import type { AppStore, StoredApp } from '../apps/app-store.ts';
import type { Fleet } from './fleet.ts';
import type { Stored } from './shown-app.ts';

export interface RegisteredApp {
  readonly app: StoredApp;
  readonly stored: Stored;
}

/** What became of a change that was made. */
export interface Change {
  /** Where it is kept. */
  readonly stored: Stored;
  /** Why not every node has heard of it, and what that means; undefined: all have. */
  readonly warning?: string;
}

/**
 * The apps as the admin API reads and writes them. A change takes effect on all nodes before it is answered, or as soon as
 * they have heard of it.
 *
 * Writes reject with `AppConflict` (an id or key is taken), `AppStoreUnavailable`, or an `AdminError` where there is no writing.
 */
export interface AppRegistry {
  find(id: string): Promise<RegisteredApp | undefined>;
  /** In the order of their ids. */
  list(limit: number): Promise<readonly RegisteredApp[]>;
  insert(app: StoredApp): Promise<Change>;
  /** Undefined: there is no such app. */
  update(app: StoredApp): Promise<Change | undefined>;
  /** Undefined: there is no such app. */
  delete(id: string): Promise<Change | undefined>;
}

/** Apps in a database, which the nodes read by themselves once they know that there is news. */
export class DatabaseRegistry implements AppRegistry {
  readonly #store: AppStore;
  readonly #fleet: Fleet;

  constructor(store: AppStore, fleet: Fleet) {
    this.#store = store;
    this.#fleet = fleet;
  }

  async find(id: string): Promise<RegisteredApp | undefined> {
    const app = await this.#store.find(id);
    return app && { app, stored: 'database' };
  }

  async list(limit: number): Promise<readonly RegisteredApp[]> {
    return (await this.#store.list(limit)).map((app) => ({ app, stored: 'database' }));
  }

  async insert(app: StoredApp): Promise<Change> {
    await this.#store.insert(app);
    return this.#announce(app.id);
  }

  async update(app: StoredApp): Promise<Change | undefined> {
    return (await this.#store.update(app)) ? this.#announce(app.id) : undefined;
  }

  async delete(id: string): Promise<Change | undefined> {
    return (await this.#store.delete(id)) ? this.#announce(id) : undefined;
  }

  /** What is written is written: that nodes could not be told must not look as if it was not. */
  async #announce(id: string): Promise<Change> {
    try {
      await this.#fleet.announceApps([id]);
      return { stored: 'database' };
    } catch (error) {
      if (!(error instanceof SeamUnavailable)) throw error;
      const warning = `It is stored, but the nodes could not be notified (${error.detail}): they notice within appManager.cache.ttl seconds, or at once after POST /apps/${id}/purge`;
      return { stored: 'database', warning };
    }
  }
}
