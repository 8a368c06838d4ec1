import type { App } from '../../channels/app.ts';
import type { Feed } from '../../channels/feed.ts';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import { type StoredApp, TakenByApp } from './app-store.ts';

export interface FoundFeed {
  readonly app: App;
  readonly feed: Feed;
}

/**
 * The apps that this node serves, found by id (HTTP API) or by any of their keys (clients). Answers are there at once for
 * apps that are in use.
 */
export interface AppDirectory {
  /** Rejects with `AppStoreUnavailable` when it can't be told now. */
  byId(id: string): MaybePromise<App | undefined>;
  /** Likewise. */
  byKey(key: string): MaybePromise<App | undefined>;
  /** The feed at a path, and its app. */
  feedAt(path: string): MaybePromise<FoundFeed | undefined>;
  /** The app when there is exactly one. */
  only(): MaybePromise<App | undefined>;
  /** The app, if it is known without asking anybody. */
  known(id: string): App | undefined;
  /** Ids of apps that are known without asking anybody, to guess what was meant. */
  readonly knownIds: readonly string[];
  /** Why an app that is not known yet can't be found now, for people; undefined when all is well. */
  readonly problem: string | undefined;
  /** Sets who hears of an app that is different now, or is gone. Called once. */
  onChange(changed: (id: string, app: App | undefined) => void): void;
  /** Looks again at apps that were changed, created or deleted elsewhere; without ids at all that are known. */
  refresh(ids: readonly string[] | undefined): MaybePromise<void>;
  close(): MaybePromise<void>;
}

/** The feed of an app at a path. */
export function feedOf(app: App | undefined, path: string): FoundFeed | undefined {
  const feed = app?.feeds.find((candidate) => candidate.path === path);
  return app && feed && { app, feed };
}

/** Why an app can't have its feeds beside those of other apps; undefined: it can. */
export function takenFeed({ id, feeds }: StoredApp, others: Iterable<StoredApp>): TakenByApp | undefined {
  for (const other of others) {
    if (other.id === id) continue;
    const taken = feeds.find(({ path }) => other.feeds.some((feed) => feed.path === path));
    if (taken) return new TakenByApp(`The path ${taken.path} is taken by a feed of`, other.id);
  }
  return undefined;
}

/** Which app has the feed at a path, as a database said last. */
export class FeedPaths {
  readonly #idByPath = new Map<string, string>();
  /** Until when a path that is not here can be taken for one that nobody has. */
  #completeUntilMs = Number.NEGATIVE_INFINITY;

  idAt(path: string): string | undefined {
    return this.#idByPath.get(path);
  }

  isComplete(nowMs: number): boolean {
    return nowMs < this.#completeUntilMs;
  }

  /** @param apps - all that have feeds; of two with the same path the first counts */
  replace(apps: readonly StoredApp[], completeUntilMs: number): void {
    this.#idByPath.clear();
    this.#completeUntilMs = completeUntilMs;
    for (const { id, feeds } of apps) {
      for (const { path } of feeds) if (!this.#idByPath.has(path)) this.#idByPath.set(path, id);
    }
  }

  /** There may be others. What is known stays, to be compared with the app. */
  expire(): void {
    this.#completeUntilMs = Number.NEGATIVE_INFINITY;
  }
}
