import { ChannelPattern } from '../../auth/channel-pattern.ts';
import type { ChannelRule } from '../../auth/channel-rules.ts';
import { channelKindOf } from '../../protocol/channel-name.ts';
import { keyPairsOf } from './app-from-config.ts';
import { type AppOptionName, type AppOptions, appOptionsSchema } from './app-options.ts';
import { createChannelRule } from './authorization-from-config.ts';
import { settings } from './catalogue.ts';
import type { Credentials } from './credentials.ts';
import { type AppDraft, createAppDraft, type Draft } from './draft.ts';
import { prefixProblem } from './feed-options.ts';
import { appsPath } from './file-apps.ts';
import { isLoopback } from './loopback.ts';
import { type Origin, whereIs } from './origin.ts';
import { placeholdersOf } from './placeholders.ts';
import { labelOf } from './schema-issues.ts';

const generated: Origin = { kind: 'generated' };

/**
 * Gives random credentials to the app when the configuration names none; an app that only variables for app 0 speak of, and
 * none of them about its credentials, counts as such. Returns whether it did.
 */
export function generateCredentials(draft: Draft, credentials: Credentials): boolean {
  const [first, ...others] = draft.apps;
  if (others.length > 0 || (first !== undefined && !isNameless(first))) return false;
  const app = first ?? createAppDraft(`${appsPath}[0]`, generated);
  for (const name of ['id', 'key', 'secret'] as const) {
    app.options.set(name, { value: credentials[name], origin: generated });
  }
  draft.apps = [app];
  return true;
}

function isNameless({ origin, options }: AppDraft): boolean {
  const isListed = origin.kind !== 'variable' || origin.name === settings.get(appsPath)?.variable;
  return !isListed && !CREDENTIALS.some((name) => options.has(name));
}

const CREDENTIALS: readonly AppOptionName[] = ['id', 'key', 'secret', 'keys'];

/** The options of every app, in order. What is missing or given twice is reported to the draft. */
export function finishApps(draft: Draft): AppOptions[] {
  const firstWithId = new Map<string, AppDraft>();
  const firstWithKey = new Map<string, AppDraft>();
  const firstWithPath = new Map<string, AppDraft>();
  return draft.apps.flatMap((app) => {
    const options = valuesOf(app);
    const isComplete = reportMissing(draft, app, options);
    if (options.id !== undefined) reportTaken(draft, firstWithId, options.id, app, 'id');
    for (const { key } of keyPairsOf(options)) {
      const isOwn = options.key === key && firstWithKey.get(key) !== app;
      reportTaken(draft, firstWithKey, key, app, isOwn ? 'key' : 'keys');
    }
    checkFeeds(draft, app, options, firstWithPath);
    if (!isLoopback(hostOf(draft))) refusePlaceholders(draft, app, options);
    warnOfUselessRules(draft, app, options);
    warnOfHiddenRules(draft, app, options);
    return isComplete ? [appOptionsSchema.parse(options)] : [];
  });
}

function hostOf({ settings: given }: Draft): string {
  return String((given.get('host') ?? { value: settings.get('host')?.defaultValue }).value);
}

/** Where others reach the broker, they must not know its secrets. */
function refusePlaceholders(draft: Draft, app: AppDraft, options: Partial<AppOptions>): void {
  for (const {
    path: [name, ...rest],
    problem,
  } of placeholdersOf(options)) {
    const option = name as AppOptionName;
    draft.problems.push({
      where: whereIs(app.options.get(option)?.origin ?? app.origin),
      message: `${labelOf(app.optionLabel(option), rest)}: ${problem}. On ${hostOf(draft)} others can reach the broker.`,
    });
  }
}

/** What is wrong with feeds that are right in themselves. */
function checkFeeds(
  draft: Draft,
  app: AppDraft,
  { auth, feeds = [] }: Partial<AppOptions>,
  firstWithPath: Map<string, AppDraft>,
): void {
  const where = whereIs(app.options.get('feeds')?.origin ?? app.origin);
  const pathPrefix = String(draft.settings.get('pathPrefix')?.value ?? '');
  for (const [index, { path, channel }] of feeds.entries()) {
    const label = `${app.optionLabel('feeds')}[${index}]`;
    const other = firstWithPath.get(path);
    const problem = other
      ? `is the path of a feed of another app, too (${whereIs(other.options.get('feeds')?.origin ?? other.origin)})`
      : prefixProblem(path, pathPrefix);
    if (problem !== undefined) draft.problems.push({ where, message: `${label}.path: ${path} ${problem}.` });
    firstWithPath.set(path, other ?? app);
    const { isPrivate, isPresence } = channelKindOf(channel);
    if (auth?.jwt !== undefined || !(isPrivate || isPresence)) continue;
    draft.warnings.push(
      `${label}.channel (${where}): nobody can read ${channel} there, as it takes a token and the app takes none: auth.jwt says how they are checked.`,
    );
  }
}

/** Rules for holders of tokens admit nobody in an app that takes none. */
function warnOfUselessRules(draft: Draft, app: AppDraft, { auth, channels = [] }: Partial<AppOptions>): void {
  if (auth?.jwt !== undefined) return;
  const rule = channels.findIndex((options) => asksForToken(createChannelRule(options)));
  const origin = app.options.get('channels')?.origin;
  if (rule === -1 || origin === undefined) return;
  const label = `${app.optionLabel('channels')}[${rule}] (${whereIs(origin)})`;
  draft.warnings.push(`${label} is for holders of tokens, but the app takes none: auth.jwt says how they are checked.`);
}

/** The first rule that matches decides: what stands behind a wider one is never looked at, however narrow it is. */
function warnOfHiddenRules(draft: Draft, app: AppDraft, { channels = [] }: Partial<AppOptions>): void {
  const where = whereIs(app.options.get('channels')?.origin ?? app.origin);
  const patterns = channels.map(({ name }) => new ChannelPattern(name));
  for (const [index, pattern] of patterns.entries()) {
    const first = patterns.findIndex((other) => other.covers(pattern));
    if (first >= index) continue;
    const label = app.optionLabel('channels');
    const wider = `${label}[${first}] (${channels[first]?.name})`;
    draft.warnings.push(
      `${label}[${index}] (${where}) never applies: ${wider} stands before it and matches all that ${pattern.text} matches. Put the narrow rule first.`,
    );
  }
}

function asksForToken({ subscribe, clientEvents, publish }: ChannelRule): boolean {
  return [...subscribe, ...clientEvents, ...publish].some(({ kind }) => kind === 'token' || kind === 'holder');
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
