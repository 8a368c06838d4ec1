import { type AppAliases, appAliases } from './aliases.ts';
import type { AppOptionName } from './app-options.ts';
import { appOptions } from './catalogue.ts';
import { checkValue } from './check-value.ts';
import type { ConfigProblem } from './config-error.ts';
import { createAppDraft, type Draft, type Entry } from './draft.ts';
import { appsPath } from './file-apps.ts';
import type { Variable } from './variables.ts';

type Options = Map<AppOptionName, Entry>;

/**
 * Lets `PUSHER_APP_…` or `REVERB_APP_…` describe the app. They belong to an application that may happen to be started from the
 * same folder, so that they only apply where no app is configured, or to the one which they name; else a warning says
 * that they were passed over.
 *
 * @param defaultApp - what stronger variables say about app 0
 */
export function applyAppAliases(draft: Draft, variables: ReadonlyMap<string, Variable>, defaultApp: Options): void {
  const present = appAliases.filter(({ variables: own }) => own.some(isIdentity(variables)));
  const chosen = present.find((group) => isComplete(group, variables)) ?? present[0];
  if (chosen === undefined) return;

  const { options, problems } = readGroup(chosen, variables);
  for (const other of present) {
    if (other !== chosen) warnUnlessKnown(draft, other, variables, [options], `${chosen.prefix}ID comes first`);
  }

  const configuredId = defaultApp.get('id')?.value ?? draft.apps[0]?.options.get('id')?.value;
  const id = options.get('id')?.value;
  const isOnlyApp = draft.apps.length === 0 && (configuredId === undefined || id === undefined);
  if (!isOnlyApp && (id === undefined || id !== configuredId)) {
    const known = [defaultApp, ...draft.apps.map((app) => app.options)];
    warnUnlessKnown(draft, chosen, variables, known, 'the configuration names its apps itself');
    return;
  }
  draft.problems.push(...problems);
  const [first] = options.values();
  if (first === undefined) return;
  const target = draft.apps[0] ?? createAppDraft(`${appsPath}[0]`, first.origin);
  for (const [name, entry] of options) target.options.set(name, entry);
  if (draft.apps.length === 0) draft.apps.push(target);
}

/** Whether a variable of a group is set and says which app is meant, rather than what the app may do. */
function isIdentity(variables: ReadonlyMap<string, Variable>) {
  return ({ name, target }: AppAliases['variables'][number]): boolean =>
    variables.has(name) && (target === 'id' || target === 'key' || target === 'secret');
}

function isComplete(group: AppAliases, variables: ReadonlyMap<string, Variable>): boolean {
  return group.variables.filter(isIdentity(variables)).length === 3;
}

/** What a group says. Its problems only matter if the group is used. */
function readGroup(
  group: AppAliases,
  variables: ReadonlyMap<string, Variable>,
): { options: Options; problems: ConfigProblem[] } {
  const options: Options = new Map();
  const problems: ConfigProblem[] = [];
  for (const { name, target, convert } of group.variables) {
    const variable = variables.get(name);
    const setting = appOptions.get(target);
    if (variable === undefined || setting === undefined) continue;
    const text = convert ? convert(variable.text) : variable.text;
    if (text === undefined) continue;
    const checked = checkValue(setting, { from: 'text', text }, `${appsPath}[0].${target}`, variable.origin);
    if (checked.ok) options.set(target, { value: checked.value, origin: variable.origin });
    else problems.push(checked.problem);
  }
  return { options, problems };
}

/** Warns that a group is passed over, unless it says no more than one of the `known` apps does. */
function warnUnlessKnown(
  draft: Draft,
  group: AppAliases,
  variables: ReadonlyMap<string, Variable>,
  known: readonly Options[],
  reason: string,
): void {
  const present = group.variables.filter(({ name }) => variables.has(name));
  const isKnown = known.some((options) =>
    present.every(({ name, target }) => options.get(target)?.value === variables.get(name)?.text),
  );
  if (isKnown) return;
  const names = present.map(({ name }) => name).join(', ');
  draft.warnings.push(`${names}: passed over, because ${reason}.`);
}
