import * as z from 'zod';
import { type AppOptionName, appOptionsSchema } from './app-options.ts';
import { settingsSchema } from './schema.ts';
import { type Condition, type SettingKind, type SettingMeta, settingMeta, unwrap } from './setting.ts';

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
  /** What is not known in it is handed to the client or driver of a server as it is. */
  readonly isOpen: boolean;
  readonly onlyWith?: Condition | undefined;
}

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
    createSetting(name, schema, 'KULKUL_DEFAULT_APP_'),
  ]),
);

/** Where the apps of the configuration stand. */
export const appsPath = 'appManager.array.apps';

/** The option of that name, if there is one. */
export function appOption(name: string): Setting | undefined {
  return (appOptions as ReadonlyMap<string, Setting>).get(name);
}

/** Without which what stands at a path, a setting or an option of a client, has no effect. */
export function conditionOf(path: string): Condition | undefined {
  return settings.get(path)?.meta.onlyWith ?? sections.get(sectionOf(path))?.onlyWith;
}

/** `database.redis` of `database.redis.port`. */
export function sectionOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('.')));
}

function collect(object: z.ZodObject, parent: string): void {
  for (const [name, schema] of Object.entries(object.shape as Record<string, z.ZodType>)) {
    const path = parent === '' ? name : `${parent}.${name}`;
    const inner = unwrap(schema);
    if (inner instanceof z.ZodObject) {
      const { description: title, onlyWith } = metaOf(schema, path);
      allSections.set(path, { path, title, isOpen: inner.def.catchall instanceof z.ZodUnknown, onlyWith });
      collect(inner, path);
    } else {
      allSettings.set(path, createSetting(path, schema, 'KULKUL_', allSections.get(parent)?.onlyWith !== undefined));
    }
  }
}

function createSetting(path: string, schema: z.ZodType, prefix: string, isNullable = false): Setting {
  const absent = schema.safeParse(undefined);
  const defaultValue = absent.success ? absent.data : undefined;
  const meta = metaOf(schema, path);
  return {
    path,
    kind: meta.kind ?? kindOf(unwrap(schema), path),
    schema,
    defaultValue,
    isNullable: isNullable || defaultValue === undefined,
    meta,
    variable: prefix + screamingSnake(path),
  };
}

function metaOf(schema: z.ZodType, path: string): SettingMeta {
  const meta = settingMeta.get(schema);
  if (meta === undefined) throw new Error(`setting without a description: ${path}`);
  return meta;
}

function kindOf(schema: z.ZodType, path: string): SettingKind {
  if (schema instanceof z.ZodBoolean) return 'flag';
  if (schema instanceof z.ZodNumber) return 'number';
  if (schema instanceof z.ZodString) return 'text';
  if (schema instanceof z.ZodEnum) return 'choice';
  if (schema instanceof z.ZodRecord) return 'options';
  if (schema instanceof z.ZodUnion) return schema.options.some((one) => one instanceof z.ZodRecord) ? 'switch' : 'auto';
  if (schema instanceof z.ZodArray && schema.element instanceof z.ZodString) return 'list';
  throw new Error(`setting of a type that can't be read: ${path}`);
}

/** `httpApi.requestLimitInMb` to `HTTP_API_REQUEST_LIMIT_IN_MB`. */
function screamingSnake(path: string): string {
  return path
    .replaceAll('.', '_')
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase();
}
