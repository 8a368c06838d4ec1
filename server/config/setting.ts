import * as z from 'zod';

/** What is known about a setting besides its type; the documentation and the variable names are made from it. */
export interface SettingMeta {
  /** One or two sentences: the meaning, the unit, and what -1, 0 or empty means. */
  readonly description: string;
  /** Soketi's variable for the same setting. */
  readonly soketi?: string;
  /** Why other values than the listed ones are refused, where that needs saying. */
  readonly refusal?: string;
}

export const settingMeta = z.registry<SettingMeta>();

/** Registers description and Soketi variable of a setting. Comes last in a chain: zod's methods return new schemas. */
export function about<T extends z.ZodType>(schema: T, description: string, soketi?: string, refusal?: string): T {
  settingMeta.add(schema, {
    description,
    ...(soketi !== undefined && { soketi }),
    ...(refusal !== undefined && { refusal }),
  });
  return schema;
}

/** Above this a timer of Node's fires at once instead of late. */
const longestTimerMs = 2 ** 31 - 1;

export const flag = (): z.ZodBoolean => z.boolean();
export const text = (): z.ZodString => z.string();
/** A host name or address. One of IPv6 may stand in brackets, as in URLs, which the system does not take. */
export const host = () =>
  text()
    .min(1, 'must not be empty')
    .overwrite((value) => value.replace(/^\[(.*:.*)\]$/, '$1'));

export const list = (): z.ZodArray<z.ZodString> => z.array(z.string());

/** A whole number, at least `min`. */
export const count = (min: number): z.ZodNumber => z.number().int().min(min);

/** Events, requests or connections: -1 for no limit. */
export const rate = (): z.ZodNumber => count(-1);

/** A length in bytes; it goes into 32 bits. */
export const bytes = (min: number): z.ZodNumber => count(min).max(2 ** 31 - 1);

/** A size in KB or MB; parts of one are fine. */
export const size = (): z.ZodNumber => z.number().min(0.001).max(1_048_576);

export const milliseconds = (min: number): z.ZodNumber => count(min).max(longestTimerMs);
export const seconds = (min: number): z.ZodNumber => count(min).max(Math.floor(longestTimerMs / 1000));
