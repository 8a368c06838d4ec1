import { statSync } from 'node:fs';
import { after, type MaybePromise } from '../../channels/maybe-promise.ts';
import { ConfigError } from '../config/config-error.ts';
import type { LoadedConfig, Settings } from '../config/index.ts';
import { type ConfigSources, reloadConfig } from '../config/load-config.ts';
import { areUnchanged, type ReadFiles } from '../config/read-file.ts';
import type { Logger } from '../log.ts';
import { ListedApps } from './listed-apps.ts';

/**
 * How often the files are looked at, in milliseconds. Being told of changes would not do: editors and Kubernetes put another
 * file in the place of the one that is watched.
 */
const LOOK_INTERVAL_MS = 500;

export interface AppReloadParts {
  /** From where the running configuration was read. */
  readonly sources: ConfigSources;
  readonly running: LoadedConfig;
  /** Has the apps of these settings, and the limits that they fall back to, take effect. Answered when they do. */
  readonly replaceApps: (settings: Settings) => MaybePromise<void>;
  /** Has the apps looked up again, where they are kept elsewhere. */
  readonly refreshApps: () => void;
  readonly log: Logger;
}

/** Takes up the apps of the configuration file when it changes, or when it is told to. Whatever is wrong there, those in effect stay. */
export class AppReload {
  readonly #parts: AppReloadParts;
  /** Tells what a new list changes. */
  readonly #listed: ListedApps;
  #running: LoadedConfig;
  /** As they were when they were last read, whatever came of it. */
  #files: ReadFiles;
  #stamp: string | undefined;
  #isSettled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: AppReloadParts) {
    this.#parts = parts;
    this.#running = parts.running;
    this.#files = parts.running.files;
    this.#listed = new ListedApps(parts.running.apps);
  }

  /** Looks at the files from now on. */
  watch(): void {
    if (!this.#isListed || this.#files.size === 0) return;
    this.#timer = setInterval(() => this.look(), LOOK_INTERVAL_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Reloads when the files are others than those that were read, and have been for two looks: one may come half-way through a write. */
  look(): void {
    const stamp = stampOf(this.#files);
    if (stamp !== this.#stamp) {
      this.#stamp = stamp;
      this.#isSettled = false;
    } else if (!this.#isSettled) {
      this.#isSettled = true;
      if (!areUnchanged(this.#files)) this.reload();
    }
  }

  /** Reads all again, because somebody asks for it. */
  reload(): void {
    const { log, refreshApps } = this.#parts;
    if (!this.#isListed) {
      log.info('apps are looked up again');
      refreshApps();
    } else if (this.#running.configFile === undefined) {
      log.warn('nothing to reload: there is no configuration file');
    } else {
      this.#reloadFile();
    }
  }

  /** Whether the configuration says which apps there are. */
  get #isListed(): boolean {
    return this.#running.settings.appManager.driver === 'array';
  }

  #reloadFile(): void {
    const { sources, replaceApps, log } = this.#parts;
    try {
      const { config, postponed } = reloadConfig(sources, this.#running);
      for (const warning of config.warnings) if (!this.#running.warnings.includes(warning)) log.warn(warning);
      this.#running = config;
      this.#files = config.files;
      const changes = this.#listed.replace(config.apps);
      const { added, changed, removed } = changes;
      const report = (): void => {
        log.info(changes, `apps reloaded: ${added.length} added, ${changed.length} changed, ${removed.length} removed`);
        if (postponed.length > 0) log.warn({ settings: postponed }, POSTPONED);
      };
      const replaced = after(replaceApps(config.settings), report);
      if (replaced instanceof Promise) replaced.catch((error: unknown) => this.#refuse(error));
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    const { log } = this.#parts;
    if (!(error instanceof ConfigError)) {
      log.error({ err: error }, 'unexpected failure: the apps stay as they are');
      return;
    }
    this.#files = error.files;
    for (const { where, message, suggestion } of error.problems) {
      log.error({ where, problem: message, ...(suggestion && { suggestion }) }, 'problem in the configuration');
    }
    log.error({ problems: error.problems.length }, 'the configuration can not be used: the apps stay as they are');
  }
}

const POSTPONED =
  'settings differ from those in effect: only apps and their limits are reloaded, these wait for the next start';

/** Changes whenever one of the files may have. */
function stampOf(files: ReadFiles): string {
  return [...files.keys()].map(stampOfFile).join();
}

function stampOfFile(file: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return `${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch {
    return 'none';
  }
}
