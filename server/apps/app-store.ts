import { SeamUnavailable } from '../../channels/broker.ts';
import { Refusal } from '../../protocol/errors.ts';
import type { AppOptions } from '../config/app-options.ts';

/** What is known of an app, in any of the ways in which one is configured. */
export type StoredApp = AppOptions;

/**
 * Apps in a database, shared by all nodes. Asked for what the directory does not know; never on the way of an event.
 *
 * An implementation
 * - MUST reject with `AppStoreUnavailable` when the database can't be reached or does not answer in time;
 * - MUST answer undefined, and say so in the log once, for a row that can't be read as an app;
 * - MUST make a change visible to every later look-up on any node.
 */
export interface AppStore {
  /** What it is and where, for people: `MySQL 10.0.0.5:3306, table apps`. */
  readonly description: string;
  find(id: string): Promise<StoredApp | undefined>;
  /** By any of the app's keys. */
  findByKey(key: string): Promise<StoredApp | undefined>;
  /** Those of these ids that there are, by id; undefined where a row can't be read as an app. */
  findAll(ids: readonly string[]): Promise<ReadonlyMap<string, StoredApp | undefined>>;
  /** In the order of their ids. */
  list(limit?: number): Promise<readonly StoredApp[]>;
  /** Those that have feeds, in the order of their ids. */
  listWithFeeds(): Promise<readonly StoredApp[]>;
  /** @throws {AppConflict} the id, one of the keys or the path of a feed is taken */
  insert(app: StoredApp): Promise<void>;
  /** Writes all of an app anew; whether there was one. @throws {AppConflict} a key or a path is another app's */
  update(app: StoredApp): Promise<boolean>;
  /** Whether there was one. */
  delete(id: string): Promise<boolean>;
  close(): Promise<void>;
}

/** What anybody may know of a database that is away. */
export const STORE_AWAY = 'the database of the apps is away';

/** The database is away. */
export class AppStoreUnavailable extends SeamUnavailable {
  override readonly name = 'AppStoreUnavailable';
  readonly #detail: string;

  constructor(detail: string, options?: ErrorOptions) {
    super(STORE_AWAY, options);
    this.#detail = detail;
  }

  override get detail(): string {
    return this.#detail;
  }
}

/** What was to be stored does not go together with what is there, or the store can't hold it. */
export class AppConflict extends Refusal {
  override readonly name = 'AppConflict';
}

/** Another app has what an app was to get. */
export class TakenByApp extends AppConflict {
  readonly appId: string;
  /** The message for who may not know which app it is. */
  readonly messageWithoutApp: string;

  /** @param taken - `The key k is taken by` */
  constructor(taken: string, appId: string) {
    super(`${taken} the app ${appId}.`);
    this.appId = appId;
    this.messageWithoutApp = `${taken} another app.`;
  }
}
