import * as z from 'zod';

/**
 * How a value is read from JSON or from a variable. `choice` is text out of a list, `auto` a number or that word, `options` an
 * object of another program's options, `switch` true, false or such an object, `keys` a list of pairs, `structure` an object or list
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

/** A variable of another program that stands for one of our settings. */
export interface Alias {
  readonly name: string;
  /** For people: what it means here. Default: the name of the setting. */
  readonly note?: string;
  /** Turns the other program's value into ours; undefined: it says nothing that we need to know. */
  readonly convert?: (text: string) => string | undefined;
  /** It is only read where this variable says true. */
  readonly onlyWith?: string;
}

/** What a setting needs to have any effect: another one that has one of these values. */
export interface Condition {
  readonly setting: string;
  readonly is: readonly string[];
}

/** What is known about a setting besides its type. */
export interface SettingMeta {
  /** One or two sentences: the meaning, the unit, and what -1, 0 or empty means. */
  readonly description: string;
  /** Where the type does not tell. */
  readonly kind?: SettingKind;
  /** Soketi's variable for the same setting. */
  readonly soketi?: string;
  /** The weakest first, all of them weaker than Soketi's. */
  readonly aliases?: readonly Alias[];
  /** Why other values than the listed ones are refused, where that needs saying. */
  readonly refusal?: string;
  /** An object or list that may also be a text which holds it as JSON. */
  readonly mayBeText?: boolean;
  /** Never shown; `when-wrong`: only shown when it is right, as a wrong one may be another secret in the wrong place. */
  readonly secret?: 'always' | 'when-wrong';
  /** A new value takes effect without a restart. */
  readonly reloadable?: boolean;
  /** Without that it is neither checked nor of any effect. */
  readonly onlyWith?: Condition;
  /** It names files: is the path of one, or an object with options of TLS. Relative ones start where the setting stands. */
  readonly files?: 'path' | 'tls';
}

export const settingMeta = z.registry<SettingMeta>();

/** Registers what is known about a setting. Comes last in a chain: zod's methods return new schemas. */
export function about<T extends z.ZodType>(
  schema: T,
  description: string,
  meta: string | Omit<SettingMeta, 'description'> = {},
): T {
  settingMeta.add(schema, { description, ...(typeof meta === 'string' ? { soketi: meta } : meta) });
  return schema;
}

/** A group of settings. Each of them has a default, so an absent group is the group of its defaults. */
export function group<T extends z.ZodObject>(description: string, schema: T, onlyWith?: Condition) {
  // Every leaf below has a default, so the empty object is valid input; zod can't infer that for a generic shape.
  return about(schema.prefault({} as z.input<typeof schema>), description, { ...(onlyWith && { onlyWith }) });
}

const units = z.registry<{ readonly unit: string }>();

/** Names what a number counts. */
function inUnits<T extends z.ZodType>(schema: T, unit: string): T {
  units.add(schema, { unit });
  return schema;
}

/** `seconds`, `bytes`, `KB`; undefined for what has no unit. */
export function unitOf(schema: z.ZodType): string | undefined {
  return units.get(unwrap(schema))?.unit;
}

/** The schema below defaults and `optional`. */
export function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

/** Above this a timer of Node's fires at once instead of late. */
const longestTimerMs = 2 ** 31 - 1;

export const flag = (): z.ZodBoolean => z.boolean();
export const text = (): z.ZodString => z.string();
export const filled = (): z.ZodString => text().min(1, 'must not be empty');
/** A host name or address. One of IPv6 may stand in brackets, as in URLs, which the system does not take. */
export const host = () =>
  filled()
    .refine((value) => !value.includes('://'), {
      error: 'must be a host name or an address, not a URL: the other parts of a URL go into settings of their own',
    })
    .overwrite((value) => value.replace(/^\[(.*:.*)\]$/, '$1'));

export const list = (): z.ZodArray<z.ZodString> => z.array(z.string());
/** Options of another program, handed on as they are. */
export const options = () => z.record(z.string(), z.unknown());

/** A whole number, at least `min`. */
export const count = (min: number): z.ZodNumber => z.number().int().min(min);
/** 0: any that is free. */
export const port = (min: number): z.ZodNumber => count(min).max(65535);

/** Events, requests or connections: -1 for no limit. */
export const rate = (): z.ZodNumber => count(-1);

/** A length in bytes; it goes into 32 bits. */
export const bytes = (min: number): z.ZodNumber => inUnits(count(min).max(2 ** 31 - 1), 'bytes');

/** A size; parts of a unit are fine. */
export const size = (unit: 'KB' | 'MB'): z.ZodNumber => inUnits(z.number().min(0.001).max(1_048_576), unit);

export const milliseconds = (min: number, max = longestTimerMs): z.ZodNumber =>
  inUnits(count(min).max(max), 'milliseconds');
export const seconds = (min: number, max = Math.floor(longestTimerMs / 1000)): z.ZodNumber =>
  inUnits(count(min).max(max), 'seconds');
/** Up to an hour; parts of a second are fine. */
export const upToAnHour = (min = 0): z.ZodNumber => inUnits(z.number().min(min).max(3600), 'seconds');
export const percent = (): z.ZodNumber => inUnits(z.number().min(1).max(100), 'percent');

/** Whether a variable says yes. */
export function isTrue(value: string): boolean {
  return /^(1|true|yes|on)$/i.test(value.trim());
}
