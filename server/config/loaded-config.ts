import type { App } from '../../channels/app.ts';
import type { Origin } from './origin.ts';
import type { ReadFiles } from './read-file.ts';
import type { Settings } from './schema.ts';

/** What a start needs to know: the effective settings, the apps, and where all of it comes from. */
export interface LoadedConfig {
  readonly settings: Settings;
  /** The apps of `settings.appManager.array.apps` with their limits filled in; none where apps come from a database, else at least one. */
  readonly apps: readonly App[];
  /** Absolute path of the configuration file, when there is one. */
  readonly configFile?: string;
  /** The configuration file and those that it names, as they were read. */
  readonly files: ReadFiles;
  /** For people, one sentence each; to be logged at the start. */
  readonly warnings: readonly string[];
  /** By dotted path, `port` or `appManager.array.apps.0.id`. Not listed: a default. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** No app was configured: the only one has random credentials, good for this run. */
  readonly generatedApp: boolean;
}
