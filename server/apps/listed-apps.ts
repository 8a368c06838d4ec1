import type { KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { App } from '../../channels/app.ts';
import type { AppDirectory, FoundFeed } from './app-directory.ts';

/** Ids of the apps that a new list brought, has otherwise, and has no longer. */
export interface AppChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** Apps that are given as a list, from the configuration. */
export class ListedApps implements AppDirectory {
  #byId = new Map<string, App>();
  #byKey = new Map<string, App>();
  #feeds = new Map<string, FoundFeed>();
  #changed = (_id: string, _app: App | undefined): void => {};
  readonly problem = undefined;

  constructor(apps: readonly App[]) {
    this.#index(apps);
  }

  byId(id: string): App | undefined {
    return this.#byId.get(id);
  }

  byKey(key: string): App | undefined {
    return this.#byKey.get(key);
  }

  feedAt(path: string): FoundFeed | undefined {
    return this.#feeds.get(path);
  }

  known(id: string): App | undefined {
    return this.#byId.get(id);
  }

  only(): App | undefined {
    const [first, ...others] = this.#byId.values();
    return others.length === 0 ? first : undefined;
  }

  get knownIds(): readonly string[] {
    return [...this.#byId.keys()];
  }

  onChange(changed: (id: string, app: App | undefined) => void): void {
    this.#changed = changed;
  }

  /** Takes a new list in place of the old one. Apps that are in both and the same stay as they are. */
  replace(apps: readonly App[]): AppChanges {
    const before = this.#byId;
    this.#index(apps.map((app) => sameOr(before.get(app.id), app)));
    const ids = [...this.#byId.keys()];
    const added = ids.filter((id) => !before.has(id));
    const changed = ids.filter((id) => before.has(id) && before.get(id) !== this.#byId.get(id));
    const removed = [...before.keys()].filter((id) => !this.#byId.has(id));
    for (const id of [...added, ...changed, ...removed]) this.#changed(id, this.#byId.get(id));
    return { added, changed, removed };
  }

  refresh(): void {}

  close(): void {}

  #index(apps: readonly App[]): void {
    this.#byId = new Map(apps.map((app) => [app.id, app]));
    this.#byKey = new Map(apps.flatMap((app) => app.keys.map(({ key }) => [key, app] as const)));
    this.#feeds = new Map(apps.flatMap((app) => app.feeds.map((feed) => [feed.path, { app, feed }] as const)));
  }
}

function sameOr(before: App | undefined, app: App): App {
  return before && isSameApp(before, app) ? before : app;
}

/** Whether two apps say the same, keys of tokens included. */
export function isSameApp(one: App, other: App): boolean {
  return isDeepStrictEqual(comparable(one), comparable(other));
}

/** Key objects keep what they were asked for, so that equal ones may differ; a pattern is told by its text. */
function comparable(app: App): unknown {
  const { tokens, channelRules, ...plain } = app;
  return {
    ...plain,
    tokens: tokens && { ...tokens, keys: tokens.keys.map(({ key, ...rest }) => ({ ...rest, key: contentOf(key) })) },
    channelRules: channelRules.map(({ pattern, ...rest }) => ({ ...rest, pattern: pattern.text })),
  };
}

function contentOf(key: KeyObject): string {
  const content = key.type === 'secret' ? key.export() : key.export({ type: 'spki', format: 'der' });
  return content.toString('base64');
}
