import type { App } from '../../channels/app.ts';

/** The apps that this broker serves, found by id (HTTP API) or by any of their keys (clients). */
export class AppDirectory {
  readonly #byId = new Map<string, App>();
  readonly #byKey = new Map<string, App>();

  constructor(apps: readonly App[]) {
    for (const app of apps) {
      this.#byId.set(app.id, app);
      for (const { key } of app.keys) this.#byKey.set(key, app);
    }
  }

  byId(id: string): App | undefined {
    return this.#byId.get(id);
  }

  byKey(key: string): App | undefined {
    return this.#byKey.get(key);
  }

  get ids(): readonly string[] {
    return [...this.#byId.keys()];
  }
}
