import { driversOf } from './app-database-settings.ts';
import type { AppOptionName } from './app-options.ts';
import type { Setting } from './catalogue.ts';
import { checkValue } from './check-value.ts';
import type { ConfigProblem } from './config-error.ts';
import type { Origin } from './origin.ts';
import type { RawValue } from './raw-value.ts';
import { isRedisSetting } from './redis-settings.ts';

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
  /** By dotted path: values that can't be had here. They only count if no later source replaces them. */
  readonly refusals: Map<string, ConfigProblem>;
  apps: AppDraft[];
  /** What was read, see `ReadFiles`. */
  readonly files: Map<string, string>;
  /** Settings and variables without effect that were set, as they are named in the warning. */
  readonly ineffective: Set<string>;
  readonly warnings: string[];
  readonly problems: ConfigProblem[];
  /** What is wrong with settings of Redis: no problem where Redis is not used. */
  readonly redisProblems: ConfigProblem[];
  /** What is wrong with settings of databases, by path: no problem where apps come from elsewhere. */
  readonly databaseProblems: (readonly [path: string, problem: ConfigProblem])[];
}

export function createDraft(): Draft {
  return {
    settings: new Map(),
    refusals: new Map(),
    apps: [],
    files: new Map(),
    ineffective: new Set(),
    warnings: [],
    problems: [],
    redisProblems: [],
    databaseProblems: [],
  };
}

export function createAppDraft(
  label: string,
  origin: Origin,
  optionLabel = (option: string): string => `${label}.${option}`,
): AppDraft {
  return { label, optionLabel, origin, options: new Map() };
}

/** Checks a value and puts it into the draft; what is wrong with it goes to the problems. Returns whether it was taken. */
export function putSetting(draft: Draft, setting: Setting, raw: RawValue, origin: Origin): boolean {
  if (setting.isNullable && isNull(raw)) {
    draft.settings.delete(setting.path);
    return false;
  }
  const checked = checkValue(setting, raw, setting.path, origin);
  if (checked.ok) {
    draft.settings.set(setting.path, { value: checked.value, origin });
    draft.refusals.delete(setting.path);
  } else if (checked.refused) {
    draft.refusals.set(setting.path, checked.problem);
  } else if (driversOf(setting.path) !== undefined) {
    draft.databaseProblems.push([setting.path, checked.problem]);
  } else {
    const problems = isRedisSetting(setting.path) ? draft.redisProblems : draft.problems;
    problems.push(checked.problem);
  }
  return checked.ok;
}

function isNull(raw: RawValue): boolean {
  return raw.from === 'json' ? raw.node.type === 'null' : raw.text.trim() === 'null';
}
