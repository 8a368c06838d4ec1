import { randomBytes, randomInt } from 'node:crypto';
import { keyPairsOf } from './app-from-config.ts';
import { type AppOptionName, type AppOptions, appOptionsSchema } from './app-options.ts';
import { settings } from './catalogue.ts';
import { type AppDraft, createAppDraft, type Draft } from './draft.ts';
import { appsPath } from './file-apps.ts';
import { type Origin, whereIs } from './origin.ts';

const generated: Origin = { kind: 'generated' };

/**
 * Gives random credentials to the app when the configuration names none; an app that only variables for app 0 speak of, and
 * none of them about its credentials, counts as such. Returns whether it did.
 */
export function generateCredentials(draft: Draft): boolean {
  const [first, ...others] = draft.apps;
  if (others.length > 0 || (first !== undefined && !isNameless(first))) return false;
  const app = first ?? createAppDraft(`${appsPath}[0]`, generated);
  app.options.set('id', { value: String(randomInt(100_000, 1_000_000)), origin: generated });
  app.options.set('key', { value: randomBytes(10).toString('hex'), origin: generated });
  app.options.set('secret', { value: randomBytes(16).toString('hex'), origin: generated });
  draft.apps = [app];
  return true;
}

function isNameless({ origin, options }: AppDraft): boolean {
  const isListed = origin.kind !== 'variable' || origin.name === settings.get(appsPath)?.variable;
  return !isListed && !credentials.some((name) => options.has(name));
}

const credentials: readonly AppOptionName[] = ['id', 'key', 'secret', 'keys'];

/** The options of every app, in order. What is missing or given twice is reported to the draft. */
export function finishApps(draft: Draft): AppOptions[] {
  const firstWithId = new Map<string, AppDraft>();
  const firstWithKey = new Map<string, AppDraft>();
  return draft.apps.flatMap((app) => {
    const options = valuesOf(app);
    const isComplete = reportMissing(draft, app, options);
    if (options.id !== undefined) reportTaken(draft, firstWithId, options.id, app, 'id');
    for (const { key } of keyPairsOf(options)) {
      const isOwn = options.key === key && firstWithKey.get(key) !== app;
      reportTaken(draft, firstWithKey, key, app, isOwn ? 'key' : 'keys');
    }
    return isComplete ? [appOptionsSchema.parse(options)] : [];
  });
}

function valuesOf(app: AppDraft): Partial<AppOptions> {
  return Object.fromEntries([...app.options].map(([name, { value }]) => [name, value]));
}

function reportMissing(draft: Draft, app: AppDraft, options: Partial<AppOptions>): boolean {
  const missing: AppOptionName[] = options.id === undefined ? ['id'] : [];
  const hasFurtherPairs = options.keys !== undefined && options.keys.length > 0;
  const hasEither = options.key !== undefined || options.secret !== undefined;
  if (hasEither || !hasFurtherPairs) {
    if (options.key === undefined) missing.push('key');
    if (options.secret === undefined) missing.push('secret');
  }
  for (const name of missing) {
    const label = app.optionLabel(name);
    // A value that was refused is there, only wrong.
    if (draft.problems.some(({ message }) => message.startsWith(`${label}:`))) continue;
    draft.problems.push({ where: whereIs(app.origin), message: `${label}: missing. An app needs id, key and secret.` });
  }
  return missing.length === 0;
}

/** The second app with an id or key could never be reached. */
function reportTaken(draft: Draft, taken: Map<string, AppDraft>, value: string, app: AppDraft, name: AppOptionName) {
  const other = taken.get(value);
  if (other === undefined) {
    taken.set(value, app);
    return;
  }
  const where = whereIs(app.options.get(name)?.origin ?? app.origin);
  const shown = name === 'id' ? ` ${JSON.stringify(value)}` : '';
  const label = app.optionLabel(name);
  const message =
    other === app
      ? `${label}: holds the same key twice, with different secrets.`
      : `${label}: the ${name === 'id' ? 'id' : 'key'}${shown} is taken by another app (${whereIs(other.origin)}).`;
  draft.problems.push({ where, message });
}
