import type { AppOptionName } from './app-options.ts';
import type { ConfigProblem } from './config-error.ts';
import type { Origin } from './origin.ts';

/** A checked value and where it comes from. */
export interface Entry {
  readonly value: unknown;
  readonly origin: Origin;
}

/** An app as far as the sources read so far describe it. */
export interface AppDraft {
  /** How people are told which app is meant: `appManager.array.apps[0]`. */
  readonly label: string;
  /** How they are told which option of it: `appManager.array.apps[0].id`, `appId`. */
  optionLabel(option: string): string;
  readonly origin: Origin;
  readonly options: Map<AppOptionName, Entry>;
}

/** What the sources have said so far. They are read in the order of precedence: a later one replaces entries. */
export interface Draft {
  /** By dotted path. */
  readonly settings: Map<string, Entry>;
  apps: AppDraft[];
  /** Settings and variables without effect that were set, as they are named in the warning. */
  readonly ineffective: Set<string>;
  readonly warnings: string[];
  readonly problems: ConfigProblem[];
}

export function createDraft(): Draft {
  return { settings: new Map(), apps: [], ineffective: new Set(), warnings: [], problems: [] };
}

export function createAppDraft(
  label: string,
  origin: Origin,
  optionLabel = (option: string): string => `${label}.${option}`,
): AppDraft {
  return { label, optionLabel, origin, options: new Map() };
}
