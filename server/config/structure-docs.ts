import * as z from 'zod';
import { authOptionsSchema, channelRulesSchema } from './authorization-options.ts';
import { coalescingSchema } from './coalescing-options.ts';
import { feedsSchema } from './feed-options.ts';
import { formsOf } from './schema-issues.ts';
import { settingMeta } from './setting.ts';

/** A name inside a setting, `jwt.keys[].secret`. */
export interface InnerSetting {
  readonly path: string;
  /** `required`, `unset`, or the value as JSON. */
  readonly defaultValue: string;
  readonly description: string;
}

/** All names in the app option `auth`. */
export const authNames: readonly InnerSetting[] = collect(authOptionsSchema, '');
/** All names in one rule of the app option `channels`. */
export const channelRuleNames: readonly InnerSetting[] = collect(channelRulesSchema.element, '');
/** All names in one item of the app option `feeds`. */
export const feedNames: readonly InnerSetting[] = collect(feedsSchema.element, '');
/** All names in one item of the app option `coalescing`. */
export const coalescingNames: readonly InnerSetting[] = collect(coalescingSchema.element, '');

function collect(object: z.ZodObject, prefix: string): InnerSetting[] {
  return Object.entries(object.shape as Record<string, z.ZodType>).flatMap(([name, schema]) => {
    const path = `${prefix}${name}`;
    const [form] = formsOf(schema);
    if (form instanceof z.ZodObject) return collect(form, `${path}.`);
    const own = { path, defaultValue: defaultOf(schema), description: descriptionOf(schema, path) };
    const element = form instanceof z.ZodArray ? form.element : undefined;
    return element instanceof z.ZodObject ? [own, ...collect(element, `${path}[].`)] : [own];
  });
}

function defaultOf(schema: z.ZodType): string {
  const absent = schema.safeParse(undefined);
  if (!absent.success) return 'required';
  return absent.data === undefined ? 'unset' : JSON.stringify(absent.data);
}

function descriptionOf(schema: z.ZodType, path: string): string {
  const meta = settingMeta.get(schema);
  if (meta === undefined) throw new Error(`name without a description: ${path}`);
  return meta.description;
}
