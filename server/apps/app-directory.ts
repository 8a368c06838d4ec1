import type { App } from '../../channels/app.ts';
import type { Feed } from '../../channels/feed.ts';
import type { MaybePromise } from '../../channels/maybe-promise.ts';

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
