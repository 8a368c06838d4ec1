import { isJsonObject } from '../../protocol/json.ts';
import { type AppOptionName, type AppOptions, appOptionsSchema, isLimitOption } from '../config/app-options.ts';
import { appOptions } from '../config/catalogue.ts';
import { labelOf } from '../config/origin.ts';
import { readApp, readValue, readWebhooks } from '../config/read-value.ts';
import type { DescribedIssue } from '../config/schema-issues.ts';
import { webhookWarnings } from '../config/webhook-options.ts';
import type { StoredApp } from './app-store.ts';

/** A row as a driver hands it out. */
export type Row = Readonly<Record<string, unknown>>;

export interface KeyRow {
  readonly key: string;
  readonly secret: string;
}

/** An app, or what is wrong with its row: each begins with the column, and holds no secret. */
export type ReadRow =
  | {
      readonly app: StoredApp;
      /** What is wrong with limits that were passed over. */
      readonly badLimits: readonly string[];
      /** What is wrong with webhooks that were left out, or are never sent anything. */
      readonly badWebhooks: readonly string[];
    }
  | { readonly problems: readonly string[] };

/** What was read of a row so far. */
interface Reading {
  readonly options: Map<AppOptionName, unknown>;
  readonly problems: string[];
  readonly badLimits: string[];
  readonly badWebhooks: string[];
}

/** What stands in columns of their own, so that they can be searched for. */
const NOT_IN_OPTIONS: readonly AppOptionName[] = ['id', 'key', 'secret', 'keys'];

/**
 * Reads a row of the table of apps, which may be Soketi's own. Empty columns are not set, and so fall back to the settings of
 * all apps; what stands in `options` counts more than the columns. A limit that can't be read is not set either, nor is a webhook: an
 * app that had to stop for one would cost its users more than it is worth.
 */
export function readAppRow(row: Row, keys: readonly KeyRow[]): ReadRow {
  const reading: Reading = { options: new Map(), problems: [], badLimits: [], badWebhooks: [] };
  const { options, problems, badLimits, badWebhooks } = reading;
  for (const column of APP_COLUMNS) {
    const value = row[column.column];
    if (value !== null && value !== undefined) readColumn(column, value, reading);
  }
  readOptions(row[OPTIONS_COLUMN], reading);
  for (const name of ['id', 'key', 'secret'] as const) {
    if (!options.has(name) && problems.every((problem) => !problem.startsWith(`${name}:`))) {
      problems.push(`${name}: empty.`);
    }
  }
  const own = options.get('key');
  options.set(
    'keys',
    keys.filter(({ key }) => key !== own).map(({ key, secret }) => ({ key, secret })),
  );
  if (problems.length > 0) return { problems };
  const app = appOptionsSchema.parse(Object.fromEntries(options));
  const refusal = refuseFiles(app);
  if (refusal !== undefined) return { problems: [`${OPTIONS_COLUMN}: ${refusal}`] };
  const unsent = webhookWarnings(app).map(({ path, message }) => `${labelOf('webhooks', path)} ${message}.`);
  return { app, badLimits, badWebhooks: [...badWebhooks, ...unsent] };
}

/** Why options can't be those of an app in a database. */
export function refuseFiles({ auth }: AppOptions): string | undefined {
  const index = auth?.jwt?.keys.findIndex((key) => key.publicKeyFile !== undefined) ?? -1;
  if (index === -1) return undefined;
  return `auth.jwt.keys[${index}].publicKeyFile: is for configuration files only. Put the key itself into publicKey.`;
}

function readColumn({ column, option, kind }: AppColumn, value: unknown, reading: Reading): void {
  const setting = appOptions.get(option);
  if (setting === undefined) return;
  if (option === 'webhooks') {
    takeWebhooks(column, readAnyJson(value), reading);
    return;
  }
  const text = textOf(value);
  if (text.trim() === '' && kind !== 'name') return;
  // A name is exactly what stands there, quotes included, unlike a variable.
  const exact = kind === 'json' ? readAnyJson(value) : text;
  const isExact = kind === 'name' || kind === 'json';
  const read = readValue(setting, isExact ? { from: 'value', value: exact } : { from: 'text', text });
  if (read.ok) reading.options.set(option, read.value);
  else problemsOf(option, reading).push(...read.issues.map(({ message }) => `${column}: ${message}.`));
}

function problemsOf(option: AppOptionName, { problems, badLimits }: Reading): string[] {
  return isLimitOption(option) ? badLimits : problems;
}

/** Numbers come as text from some columns, booleans as numbers or bits, binary columns as bytes. */
function textOf(value: unknown): string {
  if (!Buffer.isBuffer(value)) return String(value);
  const [bit] = value;
  return value.length === 1 && bit !== undefined && bit < 2 ? String(bit) : value.toString();
}

/** Those that are right. */
function takeWebhooks(name: string, value: unknown, { options, badWebhooks }: Reading): void {
  if (value === null || (typeof value === 'string' && value.trim() === '')) return;
  const { webhooks, issues } = readWebhooks(value);
  options.set('webhooks', webhooks);
  badWebhooks.push(...issues.map((issue) => describeIssue(name, issue)));
}

function readAnyJson(value: unknown): unknown {
  if (typeof value === 'object' && !Buffer.isBuffer(value)) return value;
  const text = textOf(value);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function readOptions(value: unknown, reading: Reading): void {
  const { options, problems } = reading;
  const parsed = value === null || value === undefined ? null : readAnyJson(value);
  if (parsed === null || (typeof parsed === 'string' && parsed.trim() === '')) return;
  if (!isJsonObject(parsed)) {
    problems.push(`${OPTIONS_COLUMN}: expected a JSON object.`);
    return;
  }
  const { webhooks = null, ...others } = parsed;
  takeWebhooks(labelOf(OPTIONS_COLUMN, ['webhooks']), webhooks, reading);
  const read = readApp(others);
  for (const issue of read.issues) {
    problemsOf(issue.path[0] as AppOptionName, reading).push(describeIssue(OPTIONS_COLUMN, issue));
  }
  for (const [name, option] of Object.entries(read.options) as [AppOptionName, unknown][]) {
    if (NOT_IN_OPTIONS.includes(name))
      problems.push(`${labelOf(OPTIONS_COLUMN, [name])}: stands in a column or a table of its own.`);
    else options.set(name, option);
  }
}

function describeIssue(name: string, { path, message, suggestion }: DescribedIssue): string {
  const question = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
  return `${labelOf(name, path)}: ${message}.${question}`;
}

/** What a column holds; each database has types of its own for these. */
export type ColumnKind = 'name' | 'whole' | 'size' | 'flag' | 'json';

export interface AppColumn {
  readonly column: string;
  readonly option: AppOptionName;
  readonly kind: ColumnKind;
}

/** Soketi's table. Its names for the three rates do not follow from the options'. */
export const APP_COLUMNS: readonly AppColumn[] = [
  { column: 'id', option: 'id', kind: 'name' },
  { column: 'key', option: 'key', kind: 'name' },
  { column: 'secret', option: 'secret', kind: 'name' },
  { column: 'max_connections', option: 'maxConnections', kind: 'whole' },
  { column: 'enable_client_messages', option: 'enableClientMessages', kind: 'flag' },
  { column: 'enabled', option: 'enabled', kind: 'flag' },
  { column: 'max_backend_events_per_sec', option: 'maxBackendEventsPerSecond', kind: 'whole' },
  { column: 'max_client_events_per_sec', option: 'maxClientEventsPerSecond', kind: 'whole' },
  { column: 'max_read_req_per_sec', option: 'maxReadRequestsPerSecond', kind: 'whole' },
  { column: 'webhooks', option: 'webhooks', kind: 'json' },
  { column: 'max_presence_members_per_channel', option: 'maxPresenceMembersPerChannel', kind: 'whole' },
  { column: 'max_presence_member_size_in_kb', option: 'maxPresenceMemberSizeInKb', kind: 'size' },
  { column: 'max_channel_name_length', option: 'maxChannelNameLength', kind: 'whole' },
  { column: 'max_event_channels_at_once', option: 'maxEventChannelsAtOnce', kind: 'whole' },
  { column: 'max_event_name_length', option: 'maxEventNameLength', kind: 'whole' },
  { column: 'max_event_payload_in_kb', option: 'maxEventPayloadInKb', kind: 'size' },
  { column: 'max_event_batch_size', option: 'maxEventBatchSize', kind: 'whole' },
  { column: 'enable_user_authentication', option: 'enableUserAuthentication', kind: 'flag' },
];

/** Ours: JSON with the options that have no column. */
export const OPTIONS_COLUMN = 'options';

export const REQUIRED_COLUMNS = ['id', 'key', 'secret'] as const;
