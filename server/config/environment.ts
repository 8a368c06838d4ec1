import { isTrue, settingAliases } from './aliases.ts';
import { applyAppAliases } from './app-aliases.ts';
import { type AppReader, readAppList, readKeyPairs } from './app-list.ts';
import type { AppOptionName } from './app-options.ts';
import { appOptions, type Setting, settings } from './catalogue.ts';
import { readStructure } from './check-structure.ts';
import { checkValue } from './check-value.ts';
import { createAppDraft, type Draft, type Entry, putSetting } from './draft.ts';
import { appsPath } from './file-apps.ts';
import { ineffectiveSettings } from './ineffective-settings.ts';
import { isProblem, type JsonSource, parseJson, variableSource } from './json-source.ts';
import { whereIs } from './origin.ts';
import { nearest } from './suggest.ts';
import { isServiceLink, type Variable } from './variables.ts';

type Variables = ReadonlyMap<string, Variable>;

const ineffectivePathByVariable: ReadonlyMap<string, string> = new Map(
  [...ineffectiveSettings].filter(([, name]) => name !== '').map(([path, name]) => [name, path]),
);

const soketiNames: ReadonlySet<string> = new Set([
  ...[...settings.values(), ...appOptions.values()].flatMap(({ meta }) => meta.soketi ?? []),
  ...ineffectivePathByVariable.keys(),
]);

const ownNames: ReadonlySet<string> = new Set(
  [...settings.values(), ...appOptions.values()].map(({ variable }) => variable),
);

/**
 * Reads the variables into the draft, over what a file has said. For one setting, ours (`KULKUL_…`) win over Soketi's,
 * and Soketi's over the aliases.
 *
 * @param cwd - where relative paths start
 */
export function readEnvironment(draft: Draft, variables: Variables, cwd: string): void {
  for (const alias of settingAliases) {
    if (alias.onlyWith !== undefined && !isTrue(variables.get(alias.onlyWith)?.text ?? '')) continue;
    const variable = variables.get(alias.name);
    const setting = settings.get(alias.target);
    const text = variable && (alias.convert ? alias.convert(variable.text) : variable.text);
    if (variable && setting && text !== undefined) putSetting(draft, setting, { from: 'text', text }, variable.origin);
  }
  for (const setting of settings.values()) {
    if (setting.kind === 'apps') continue;
    for (const { text, origin } of variablesOf(setting, variables)) {
      putSetting(draft, setting, { from: 'text', text }, origin);
    }
  }
  readApps(draft, variables, cwd);
  reportUnknown(draft, variables);
}

/** The variables that set this, the strongest last. */
function variablesOf({ meta, variable }: Setting, variables: Variables): Variable[] {
  const names = meta.soketi === undefined ? [variable] : [meta.soketi, variable];
  return names.flatMap((name) => variables.get(name) ?? []).filter((found) => !isServiceLink(found));
}

function readApps(draft: Draft, variables: Variables, cwd: string): void {
  const list = settings.get(appsPath);
  const listed = list && variables.get(list.variable);
  if (listed !== undefined) readAppListVariable(draft, listed, cwd);

  const defaultApp = readDefaultApp(draft, variables, cwd);
  applyAppAliases(draft, variables, defaultApp);
  const [first] = defaultApp.values();
  if (first === undefined) return;
  const target = draft.apps[0] ?? createAppDraft(`${appsPath}[0]`, first.origin);
  for (const [name, entry] of defaultApp) target.options.set(name, entry);
  if (draft.apps.length === 0) draft.apps.push(target);
}

/** `KULKUL_APP_MANAGER_ARRAY_APPS`: all apps as JSON, instead of the file's. */
function readAppListVariable(draft: Draft, variable: Variable, cwd: string): void {
  const source = variableSource(variable.origin, variable.text);
  const root = parseJson(source, `${appsPath}: `);
  if (isProblem(root)) {
    draft.problems.push(root);
    return;
  }
  if (root.type !== 'array') {
    draft.problems.push({ where: whereIs(variable.origin), message: `${appsPath}: expected a list of apps as JSON.` });
    return;
  }
  draft.apps = readAppList(createReader(draft, source, cwd), root, appsPath);
}

/** What `SOKETI_DEFAULT_APP_…` and `KULKUL_DEFAULT_APP_…` say about app 0. */
function readDefaultApp(draft: Draft, variables: Variables, cwd: string): Map<AppOptionName, Entry> {
  const options = new Map<AppOptionName, Entry>();
  for (const [name, setting] of appOptions) {
    for (const variable of variablesOf(setting, variables)) {
      const isJson = name === 'keys' || setting.kind === 'structure';
      const entry = isJson
        ? readJsonVariable(draft, setting, variable, cwd)
        : readAppVariable(draft, setting, variable);
      if (entry !== undefined) options.set(name, entry);
    }
  }
  return options;
}

function readAppVariable(draft: Draft, setting: Setting, { text, origin }: Variable): Entry | undefined {
  const checked = checkValue(setting, { from: 'text', text }, `${appsPath}[0].${setting.path}`, origin);
  if (checked.ok) return { value: checked.value, origin };
  draft.problems.push(checked.problem);
  return undefined;
}

function readJsonVariable(draft: Draft, setting: Setting, variable: Variable, cwd: string): Entry | undefined {
  const label = `${appsPath}[0].${setting.path}`;
  const source = variableSource(variable.origin, variable.text);
  const root = parseJson(source, `${label}: `);
  if (isProblem(root)) {
    draft.problems.push(root);
    return undefined;
  }
  const reader = createReader(draft, source, cwd);
  const value =
    setting.kind === 'structure' ? readStructure(reader, setting, root, label) : readKeyPairs(reader, root, label);
  return value === undefined ? undefined : { value, origin: variable.origin };
}

function createReader({ problems, warnings, files }: Draft, source: JsonSource, cwd: string): AppReader {
  return { source, folder: cwd, problems, warnings, files, repeated: () => {} };
}

/**
 * Variables with our prefix that mean nothing are errors. Those with Soketi's are named in the warning, known or not:
 * whoever moves here from Soketi brings more than we have a use for.
 */
function reportUnknown(draft: Draft, variables: Variables): void {
  for (const variable of variables.values()) {
    const { name } = variable;
    if (isServiceLink(variable)) continue;
    if (name.startsWith('KULKUL_') && !ownNames.has(name)) {
      const suggestion = nearestVariable(name, ownNames);
      const problem = { where: whereIs(variable.origin), message: 'unknown variable.' };
      draft.problems.push(suggestion === undefined ? problem : { ...problem, suggestion });
    }
    if (name.startsWith('SOKETI_')) reportSoketi(draft, name);
    if (name.startsWith('DEFAULT_APP_') && soketiNames.has(`SOKETI_${name}`)) {
      draft.warnings.push(`The variable ${name} is not read: did you mean SOKETI_${name}?`);
    }
  }
}

function reportSoketi(draft: Draft, name: string): void {
  const path = ineffectivePathByVariable.get(name);
  if (path !== undefined) draft.ineffective.add(`${path} (${name})`);
  if (soketiNames.has(name)) return;
  const suggestion = nearestVariable(name, soketiNames);
  draft.ineffective.add(suggestion ? `${name} (unknown; did you mean ${suggestion}?)` : `${name} (unknown)`);
}

/** Without the prefix, which they have in common and which would make any two of them look alike. */
function nearestVariable(name: string, candidates: ReadonlySet<string>): string | undefined {
  const prefix = name.slice(0, name.indexOf('_') + 1);
  const found = nearest(
    name.slice(prefix.length),
    [...candidates].map((candidate) => candidate.slice(prefix.length)),
  );
  return found && prefix + found;
}
