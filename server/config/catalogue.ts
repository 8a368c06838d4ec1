import * as z from 'zod';
import { driversOf } from './app-database-settings.ts';
import { type AppOptionName, appOptionsSchema } from './app-options.ts';
import { authOptionsSchema, channelRulesSchema } from './authorization-options.ts';
import { coalescingSchema } from './coalescing-options.ts';
import { feedsSchema } from './feed-options.ts';
import { isRedisSetting } from './redis-settings.ts';
import { settingsSchema } from './schema.ts';
import { type SettingMeta, settingMeta } from './setting.ts';

/**
 * How a value is read from JSON or from a variable. `choice` is text out of a list, `auto` a number or that word, `options` an
 * object of another program's options, `switch` true, false or such an object, `structure` an object or list
 * with a form of its own; `anything` is kept as it is.
 */
export type SettingKind =
  | 'flag'
  | 'number'
  | 'auto'
  | 'text'
  | 'choice'
  | 'list'
  | 'addresses'
  | 'options'
  | 'switch'
  | 'keys'
  | 'apps'
  | 'structure'
  | 'anything';

/** One leaf of the schema. */
export interface Setting {
  /** `httpApi.requestLimitInMb`; of an app option its name: `maxConnections`. */
  readonly path: string;
  readonly kind: SettingKind;
  /** Checks one value. */
  readonly schema: z.ZodType;
  readonly defaultValue: unknown;
  /** null means "not set", as it does in Soketi's defaults. */
  readonly isNullable: boolean;
  readonly meta: SettingMeta;
  /** The variable that every setting has: `KULKUL_HTTP_API_REQUEST_LIMIT_IN_MB`. */
  readonly variable: string;
}

export interface Section {
  readonly path: string;
  readonly title: string;
}

const STRUCTURES: ReadonlySet<z.ZodType> = new Set([
  authOptionsSchema,
  channelRulesSchema,
  feedsSchema,
  coalescingSchema,
]);

const allSettings = new Map<string, Setting>();
const allSections = new Map<string, Section>();

/** Every setting but those of single apps, by dotted path, in the order of the schema. */
export const settings: ReadonlyMap<string, Setting> = allSettings;
/** The groups of settings, by dotted path: `httpApi`, `httpApi.acceptTraffic`. */
export const sections: ReadonlyMap<string, Section> = allSections;

collect(settingsSchema, '');

/** The options of one app, by name. */
export const appOptions: ReadonlyMap<AppOptionName, Setting> = new Map(
  (Object.entries(appOptionsSchema.shape) as [AppOptionName, z.ZodType][]).map(([name, schema]) => [
    name,
    createSetting(name, schema, `KULKUL_DEFAULT_APP_${screamingSnake(name)}`),
  ]),
);

function collect(object: z.ZodObject, parent: string): void {
  for (const [name, schema] of Object.entries(object.shape as Record<string, z.ZodType>)) {
    const path = parent === '' ? name : `${parent}.${name}`;
    const inner = unwrap(schema);
    if (inner instanceof z.ZodObject) {
      allSections.set(path, { path, title: metaOf(schema, path).description });
      collect(inner, path);
    } else {
      allSettings.set(path, createSetting(path, schema, `KULKUL_${screamingSnake(path)}`));
    }
  }
}

function createSetting(path: string, schema: z.ZodType, variable: string): Setting {
  const absent = schema.safeParse(undefined);
  const defaultValue = absent.success ? absent.data : undefined;
  return {
    path,
    kind: kindOf(unwrap(schema), path),
    schema,
    defaultValue,
    isNullable: defaultValue === undefined || isRedisSetting(path) || driversOf(path) !== undefined,
    meta: metaOf(schema, path),
    variable,
  };
}

function metaOf(schema: z.ZodType, path: string): SettingMeta {
  const meta = settingMeta.get(schema);
  if (meta === undefined) throw new Error(`setting without a description: ${path}`);
  return meta;
}

/** The schema below defaults and `optional`. */
export function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

function kindOf(schema: z.ZodType, path: string): SettingKind {
  if (schema instanceof z.ZodBoolean) return 'flag';
  if (schema instanceof z.ZodNumber) return 'number';
  if (schema instanceof z.ZodString) return 'text';
  if (schema instanceof z.ZodEnum) return 'choice';
  if (schema instanceof z.ZodUnknown) return 'anything';
  if (STRUCTURES.has(schema)) return 'structure';
  if (schema instanceof z.ZodRecord) return 'options';
  if (schema instanceof z.ZodUnion) return schema.options.some(isRecord) ? 'switch' : 'auto';
  if (schema instanceof z.ZodArray) {
    if (schema.element instanceof z.ZodString) return 'list';
    if (isRedisSetting(path)) return 'addresses';
    return schema.element === appOptionsSchema ? 'apps' : 'keys';
  }
  throw new Error(`setting of a type that can't be read: ${path}`);
}

function isRecord(schema: unknown): boolean {
  return schema instanceof z.ZodRecord;
}

/** `httpApi.requestLimitInMb` to `HTTP_API_REQUEST_LIMIT_IN_MB`. */
function screamingSnake(path: string): string {
  return path
    .replaceAll('.', '_')
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase();
}
