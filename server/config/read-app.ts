import type { JsonObject } from '../../protocol/json.ts';
import type { AppOptions } from './app-options.ts';
import { appOption, appOptions } from './catalogue.ts';
import { readValue } from './read-value.ts';
import type { DescribedIssue } from './schema-issues.ts';
import { nearest } from './suggest.ts';

export interface ReadApp {
  /** Those that are right. */
  readonly options: Partial<AppOptions>;
  /** What is wrong with others; each path begins with the name of the option. */
  readonly issues: readonly DescribedIssue[];
}

/**
 * Reads options of an app that stand in an object, as JSON has them: in the body of a request, or in a column. null is not set.
 *
 * @param max - issues at most, of objects that a stranger may send
 */
export function readApp(given: JsonObject, max = Number.POSITIVE_INFINITY): ReadApp {
  const options: Record<string, unknown> = {};
  const issues: DescribedIssue[] = [];
  for (const [name, setting] of appOptions) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || value === null) continue;
    const read = readValue(setting, { from: 'value', value }, max);
    if (read.ok) options[name] = read.value;
    else issues.push(...read.issues.map((issue) => ({ ...issue, path: [name, ...issue.path] })));
  }
  const unknown = Object.keys(given).filter((name) => !appOption(name));
  for (const name of unknown.slice(0, max)) {
    const suggestion = nearest(name, appOptions.keys());
    issues.push({ path: [name], isName: true, message: 'unknown setting', ...(suggestion && { suggestion }) });
  }
  return { options, issues: issues.slice(0, max) };
}
