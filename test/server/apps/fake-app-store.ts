import { type AppStore, AppStoreUnavailable, type StoredApp } from '../../../server/apps/app-store.ts';
import { appOptionsSchema, keyPairsOf } from '../../../server/config/app-options.ts';

export function storedApp(id: string, options: Record<string, unknown> = {}): StoredApp {
  return appOptionsSchema.parse({ id, key: `key-${id}`, secret: `secret-${id}`, ...options });
}

/** A store whose answers the test holds back, and which it takes away. */
export class FakeAppStore implements AppStore {
  readonly description = 'a table';
  readonly apps = new Map<string, StoredApp>();
  /** Questions so far: `find 1`, `findByKey k`, `findAll 1,2`, `list 2`. */
  readonly asked: string[] = [];
  isAway = false;
  isClosed = false;
  #gate: Promise<void> | undefined;

  put(...apps: StoredApp[]): void {
    for (const app of apps) this.apps.set(app.id, app);
  }

  /** Answers, made from what is there when they are asked for, wait until the function is called. */
  holdBack(): () => void {
    let open = (): void => {};
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    return () => {
      this.#gate = undefined;
      open();
    };
  }

  find(id: string): Promise<StoredApp | undefined> {
    return this.#answer(`find ${id}`, () => this.apps.get(id));
  }

  findByKey(key: string): Promise<StoredApp | undefined> {
    return this.#answer(`findByKey ${key}`, () =>
      [...this.apps.values()].find((app) => keyPairsOf(app).some((pair) => pair.key === key)),
    );
  }

  findAll(ids: readonly string[]): Promise<ReadonlyMap<string, StoredApp>> {
    return this.#answer(`findAll ${ids.join()}`, () => new Map([...this.apps].filter(([id]) => ids.includes(id))));
  }

  list(limit?: number): Promise<readonly StoredApp[]> {
    return this.#answer(`list ${limit}`, () => [...this.apps.values()].slice(0, limit));
  }

  listWithFeeds(): Promise<readonly StoredApp[]> {
    return this.#answer('listWithFeeds', () => [...this.apps.values()].filter(({ feeds }) => feeds.length > 0));
  }

  async insert(): Promise<void> {}

  async update(): Promise<boolean> {
    return false;
  }

  async delete(): Promise<boolean> {
    return false;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  async #answer<T>(question: string, make: () => T): Promise<T> {
    this.asked.push(question);
    const answer = this.isAway ? new AppStoreUnavailable('the table is away') : make();
    await this.#gate;
    if (answer instanceof AppStoreUnavailable) throw answer;
    return answer;
  }
}
