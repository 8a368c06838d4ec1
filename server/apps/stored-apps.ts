import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { App } from '../../channels/app.ts';
import type { Clock } from '../../channels/clock.ts';
import { after, type MaybePromise } from '../../channels/maybe-promise.ts';
import { TokenBucket } from '../../channels/rate-limits.ts';
import { FaultLog, type Logger } from '../log.ts';
import { type AppDirectory, FeedPaths, type FoundFeed, feedOf } from './app-directory.ts';
import { type AppStore, AppStoreUnavailable, type StoredApp } from './app-store.ts';
import { isSameApp } from './listed-apps.ts';

/** How long it is remembered that there is no such id, key or path: whoever asks for one again and again asks the database seldom. */
const UNKNOWN_MS = 5000;
const MAX_UNKNOWN = 10_000;
/** Questions for ids and keys that are not known, under way or in vain; then so many in vain per second. A broker that starts again finds its apps by such questions. */
const MAX_QUESTIONS = 500;
const QUESTIONS_PER_SECOND = 100;
/** Between two lines of the log about questions that were not asked. */
const FLOOD_LOG_MS = 60_000;
/** How often a database that is away is tried. */
const RETRY_MS = 1000;
/** An app that nobody looked up for this long, and that has no connections, is forgotten. */
const UNUSED_MS = 3_600_000;

export interface StoredAppsOptions {
  /** @throws {Error} what is stored can't be an app: a key that is none */
  readonly createApp: (stored: StoredApp) => App;
  /** 0: every look-up asks. Infinity: until `refresh`. */
  readonly ttlSeconds: number;
  /** Whether connections hold the app. Asked seldom. */
  readonly isInUse: (appId: string) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Known {
  readonly app: App;
  readonly stored: StoredApp;
  usedMs: number;
}

type By = 'id' | 'key';

/**
 * Apps of a database that was reached once. Those that are known are answered without asking, and go on working while the
 * database is away; once per TTL all of them are read again.
 */
export class StoredApps implements AppDirectory {
  readonly #store: AppStore;
  readonly #options: StoredAppsOptions;
  #createApp: StoredAppsOptions['createApp'];
  readonly #badApps: FaultLog;
  readonly #known = new Map<string, Known>();
  readonly #idByKey = new Map<string, string>();
  /** `id:…` and `key:…`. */
  readonly #unknown: LRUCache<string, true>;
  readonly #asking = new Map<string, Promise<App | undefined>>();
  /** For ids and keys that are not known. Those that find an app are given back. */
  readonly #questions: TokenBucket;
  #floodAgainMs = Number.NEGATIVE_INFINITY;
  /** What `only` last found, and until when that is good. */
  #only: { readonly id: string | undefined; readonly untilMs: number } | undefined;
  readonly #feeds = new FeedPaths();
  #readingFeeds: Promise<void> | undefined;
  #problem: string | undefined;
  #changed = (_id: string, _app: App | undefined): void => {};
  /** Raised when apps may have changed: what was asked before is asked again. */
  #epoch = 0;
  /** Re-readings, one after the other. */
  #rereading: Promise<void> = Promise.resolve();
  #cancelTimer = (): void => {};
  #isClosed = false;

  constructor(store: AppStore, options: StoredAppsOptions) {
    this.#store = store;
    this.#options = options;
    this.#createApp = options.createApp;
    this.#badApps = new FaultLog(
      options.log,
      'error',
      'an app in the database is passed over: what is stored can not be used',
    );
    const { clock } = options;
    this.#questions = new TokenBucket(MAX_QUESTIONS, QUESTIONS_PER_SECOND, clock.elapsedMs());
    this.#unknown = new LRUCache({
      max: MAX_UNKNOWN,
      ttl: UNKNOWN_MS,
      ttlResolution: 0,
      perf: { now: clock.elapsedMs },
    });
    this.#schedule();
  }

  byId(id: string): MaybePromise<App | undefined> {
    return this.#find('id', id, this.#known.get(id));
  }

  byKey(key: string): MaybePromise<App | undefined> {
    const id = this.#idByKey.get(key);
    return this.#find('key', key, id === undefined ? undefined : this.#known.get(id));
  }

  feedAt(path: string): MaybePromise<FoundFeed | undefined> {
    const id = this.#feeds.idAt(path);
    if (id === undefined) return this.#seekFeed(path);
    return after(this.byId(id), (app) => feedOf(app, path) ?? this.#seekFeed(path));
  }

  only(): MaybePromise<App | undefined> {
    if (this.#only && (this.#only.untilMs > this.#options.clock.elapsedMs() || this.#problem !== undefined)) {
      return this.#only.id === undefined ? undefined : this.byId(this.#only.id);
    }
    if (this.#problem !== undefined) return Promise.reject(new AppStoreUnavailable(this.#problem));
    return this.#once('only', () => this.#findOnly());
  }

  known(id: string): App | undefined {
    return this.#known.get(id)?.app;
  }

  get knownIds(): readonly string[] {
    return [...this.#known.keys()];
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  onChange(changed: (id: string, app: App | undefined) => void): void {
    this.#changed = changed;
  }

  /**
   * Never rejects: while the database is away nothing can be read, and once it is back all is read again.
   */
  async refresh(ids?: readonly string[]): Promise<void> {
    this.#epoch += 1;
    this.#only = undefined;
    // A new app may have any key, and any path.
    this.#unknown.clear();
    this.#feeds.expire();
    const reread = this.#rereading.then(() => this.#reread(ids ?? this.knownIds));
    this.#rereading = reread;
    await reread;
  }

  /** Makes apps otherwise from now on, those that are known, too: what they fall back to has changed. */
  recreate(createApp: StoredAppsOptions['createApp']): void {
    this.#createApp = createApp;
    for (const { app: before, stored, usedMs } of [...this.#known.values()]) {
      const app = this.#create(stored);
      if (!app || isSameApp(before, app)) continue;
      this.#known.set(app.id, { app, stored, usedMs });
      this.#changed(app.id, app);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer();
    await this.#store.close();
  }

  #find(by: By, value: string, known: Known | undefined): MaybePromise<App | undefined> {
    const { clock, ttlSeconds } = this.#options;
    if (known) {
      known.usedMs = clock.elapsedMs();
      if (ttlSeconds > 0 || this.#problem !== undefined) return known.app;
    } else if (ttlSeconds > 0 && this.#unknown.has(`${by}:${value}`)) return undefined;
    if (this.#problem !== undefined) return Promise.reject(new AppStoreUnavailable(this.#problem));
    const question = `${by}:${value}`;
    if (known) return this.#once(question, () => this.#ask(by, value, known));
    if (!this.#asking.has(question) && this.#questions.waitFor(1, clock.elapsedMs()) > 0) {
      this.#noteFlood();
      return undefined;
    }
    return this.#once(question, () => this.#askForUnknown(by, value));
  }

  async #askForUnknown(by: By, value: string): Promise<App | undefined> {
    const { clock } = this.#options;
    this.#questions.take(1, clock.elapsedMs());
    let isInVain = false;
    try {
      const app = await this.#ask(by, value, undefined);
      isInVain = app === undefined;
      return app;
    } finally {
      if (!isInVain) this.#questions.take(-1, clock.elapsedMs());
    }
  }

  #noteFlood(): void {
    const { clock, log } = this.#options;
    if (clock.elapsedMs() < this.#floodAgainMs) return;
    this.#floodAgainMs = clock.elapsedMs() + FLOOD_LOG_MS;
    log.warn(
      { perSecond: QUESTIONS_PER_SECOND },
      'ids and keys that no app has are tried out: the database is not asked for more of them than that, and unknown ones are refused',
    );
  }

  /** Whoever asks the same meanwhile gets the same answer. */
  #once(question: string, ask: () => Promise<App | undefined>): Promise<App | undefined> {
    const asked = this.#asking.get(question) ?? ask().finally(() => this.#asking.delete(question));
    this.#asking.set(question, asked);
    return asked;
  }

  async #ask(by: By, value: string, known: Known | undefined): Promise<App | undefined> {
    try {
      for (;;) {
        const epoch = this.#epoch;
        const stored = await (by === 'id' ? this.#store.find(value) : this.#store.findByKey(value));
        if (epoch !== this.#epoch) continue;
        const app = stored && this.#take(stored);
        if (app) return app;
        if (known && (await this.#store.findAll([known.app.id])).has(known.app.id)) return known.app;
        if (known) this.#forget(known.app.id);
        else this.#unknown.set(`${by}:${value}`, true);
        return undefined;
      }
    } catch (error) {
      this.#fail(error);
      if (known) return known.app;
      throw error;
    }
  }

  async #findOnly(): Promise<App | undefined> {
    try {
      for (;;) {
        const epoch = this.#epoch;
        const [first, ...others] = await this.#store.list(2);
        if (epoch !== this.#epoch) continue;
        const app = first && others.length === 0 ? this.#take(first) : undefined;
        this.#only = { id: app?.id, untilMs: this.#options.clock.elapsedMs() + UNKNOWN_MS };
        return app;
      }
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** Asks for the feeds of all apps at once: whoever tries out paths costs one question in a while, however many they are. */
  #seekFeed(path: string): MaybePromise<FoundFeed | undefined> {
    if (this.#feeds.isComplete(this.#options.clock.elapsedMs())) return undefined;
    if (this.#problem !== undefined) return Promise.reject(new AppStoreUnavailable(this.#problem));
    this.#readingFeeds ??= this.#readFeeds().finally(() => {
      this.#readingFeeds = undefined;
    });
    return this.#readingFeeds.then(() => {
      const id = this.#feeds.idAt(path);
      return id === undefined ? undefined : after(this.byId(id), (app) => feedOf(app, path));
    });
  }

  async #readFeeds(): Promise<void> {
    try {
      for (;;) {
        const epoch = this.#epoch;
        const apps = await this.#store.listWithFeeds();
        if (epoch !== this.#epoch) continue;
        this.#feeds.replace(apps, this.#options.clock.elapsedMs() + UNKNOWN_MS);
        return;
      }
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** Puts what was read in place of what is known; undefined when it can't be an app. */
  #take(stored: StoredApp): App | undefined {
    const before = this.#known.get(stored.id);
    if (before && isDeepStrictEqual(before.stored, stored)) return before.app;
    const app = this.#create(stored);
    if (!app) return undefined;
    if (before) this.#dropKeys(before.app);
    this.#known.set(app.id, { app, stored, usedMs: before?.usedMs ?? this.#options.clock.elapsedMs() });
    for (const { key } of app.keys) this.#idByKey.set(key, app.id);
    if (before) this.#changed(app.id, app);
    return app;
  }

  #create(stored: StoredApp): App | undefined {
    try {
      const app = this.#createApp(stored);
      this.#badApps.forget(stored.id);
      return app;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#badApps.note(stored.id, { app: stored.id, problems: [reason] });
      return undefined;
    }
  }

  #forget(id: string): void {
    const known = this.#known.get(id);
    if (!known) return;
    this.#drop(known.app);
    this.#changed(id, undefined);
  }

  #drop(app: App): void {
    this.#known.delete(app.id);
    this.#dropKeys(app);
  }

  #dropKeys(app: App): void {
    for (const { key } of app.keys) if (this.#idByKey.get(key) === app.id) this.#idByKey.delete(key);
  }

  /** Reads apps again that are known, and tells what is different. */
  async #reread(ids: readonly string[]): Promise<void> {
    if (this.#isClosed) return;
    const wanted = ids.filter((id) => this.#known.has(id));
    try {
      const found = await this.#store.findAll(wanted);
      for (const id of wanted) {
        const stored = found.get(id);
        // What became unreadable stays as it was, as with a configuration file: a slip of the pen must not end connections.
        if (stored) this.#take(stored);
        else if (!found.has(id)) this.#forget(id);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Once per TTL; while the database is away, whether it is back. */
  #schedule(): void {
    this.#cancelTimer();
    if (this.#isClosed) return;
    const { clock, ttlSeconds } = this.#options;
    const isAway = this.#problem !== undefined;
    if (!isAway && (ttlSeconds === 0 || ttlSeconds === Number.POSITIVE_INFINITY)) return;
    const work = isAway ? () => this.#tryAgain() : () => this.#renew();
    const delayMs = isAway ? RETRY_MS : ttlSeconds * 1000;
    this.#cancelTimer = clock.schedule(() => void work().finally(() => this.#schedule()), delayMs);
  }

  async #renew(): Promise<void> {
    this.#dropUnused();
    await this.refresh();
  }

  async #tryAgain(): Promise<void> {
    try {
      await this.#store.list(1);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#problem = undefined;
    this.#options.log.info({ store: this.#store.description }, 'the database of the apps is back');
    // What changed meanwhile.
    await this.refresh();
  }

  #dropUnused(): void {
    const oldestMs = this.#options.clock.elapsedMs() - UNUSED_MS;
    for (const [id, { app, usedMs }] of this.#known) {
      if (usedMs < oldestMs && !this.#options.isInUse(id)) this.#drop(app);
    }
  }

  #fail(error: unknown): void {
    if (!(error instanceof AppStoreUnavailable)) {
      this.#options.log.error({ err: error, during: 'reading apps' }, 'unexpected failure');
      return;
    }
    if (this.#isClosed) return;
    const isNews = this.#problem === undefined;
    this.#problem = error.detail;
    if (!isNews) return;
    this.#options.log.error({ reason: error.detail }, 'the database of the apps is away: apps that are known work on');
    this.#schedule();
  }
}
