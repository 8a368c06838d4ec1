import * as z from 'zod';
import { nearest } from './config-error.ts';
import { MASK, maskSecrets } from './mask.ts';
import type { Path } from './origin.ts';
import { settingMeta } from './setting.ts';

/**
 * Instead of zod's own words, which nobody is shown, and which zod 4.6 fails to find for values such as
 * `{ "constructor": { "name": {} } }`.
 */
export const PLAIN_ERRORS = { error: (): string => PLAIN };
const PLAIN = 'is not possible';

type Issue = z.core.$ZodIssue;

/** What is wrong with one place of an object or list, for people. */
export interface DescribedIssue {
  readonly path: Path;
  /** The name at the end of the path is what is wrong, not the value. */
  readonly isName: boolean;
  /** Without a full stop: `expected a list, got 5`. Shows no value that may be a secret. */
  readonly message: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

/**
 * Everything that is wrong with a value that does not fit its schema, in the order of the schema.
 *
 * @param max - how many there may be, for values of which a stranger can make any number wrong
 */
export function describeIssues(
  schema: z.ZodType,
  value: unknown,
  max = Number.POSITIVE_INFINITY,
): readonly DescribedIssue[] {
  const issues = schema.safeParse(value, PLAIN_ERRORS).error?.issues ?? [];
  // An aftermath may stand before what it comes of, so that twice as many are looked at.
  const narrowed = issues
    .slice(0, 2 * max)
    .flatMap((issue) => narrow(issue))
    .slice(0, 2 * max);
  const described = narrowed
    .filter((issue) => !isAftermath(issue, narrowed))
    .flatMap((issue) => describe(issue, schema, value, max));
  return described.slice(0, max);
}

/** An object that lacks something, and has a name that is unknown: that is what it lacks, misspelled. */
function isAftermath({ code, path }: Issue, issues: readonly Issue[]): boolean {
  const place = JSON.stringify(path);
  return (
    code === 'custom' && issues.some((one) => one.code === 'unrecognized_keys' && JSON.stringify(one.path) === place)
  );
}

/** Of several forms that a value may have, the one that was meant, when there is only one of that type. */
function narrow(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const forms = issue.errors.map((issues) => issues.flatMap((inner) => narrow(inner)));
  const [meant, ...others] = forms.filter((issues) => !issues.some(isOfAnotherType));
  if (meant === undefined || others.length > 0) return [issue];
  return meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

function isOfAnotherType({ code, path }: Issue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value' || code === 'invalid_union');
}

function describe(issue: Issue, schema: z.ZodType, root: unknown, max: number): DescribedIssue[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  const value = path.reduce<unknown>((inner, part) => (inner as Record<string, unknown> | undefined)?.[part], root);
  const at = { path, isName: false };
  const got = shown(value, isSecretAt(schema, path));
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = namesAt(schema, path);
      return issue.keys.slice(0, max).map((name) => ({
        path: [...path, name],
        isName: true,
        message: 'unknown setting',
        ...suggested(nearest(name, known)),
      }));
    }
    case 'invalid_type': {
      // Text in the place of an object may be a secret, whatever the name of the place.
      const isText = typeof value === 'string' && (issue.expected === 'object' || issue.expected === 'array');
      const expected = TYPES[issue.expected] ?? issue.expected;
      const message = issue.message === PLAIN ? `expected ${expected}, got ${isText ? 'a text' : got}` : issue.message;
      return [{ ...at, message: value === undefined ? 'missing' : message }];
    }
    case 'invalid_value':
      return [
        { ...at, message: `expected one of ${issue.values.join(', ')}, got ${got}`, ...suggestedFrom(issue, value) },
      ];
    case 'invalid_union':
      return [{ ...at, message: `${issue.message}, got ${got}`, ...suggestedFrom(issue, value) }];
    case 'too_small':
    case 'too_big': {
      if (issue.origin !== 'number') return [{ ...at, message: issue.message }];
      const bound = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
      return [{ ...at, message: `must be ${bound}, got ${got}` }];
    }
    default: {
      const isShown = issue.code === 'invalid_format' && value !== '' && got !== MASK;
      return [{ ...at, message: isShown ? `${issue.message}, got ${got}` : issue.message }];
    }
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** A wrong value, short and on one line; of objects and lists only the type, for they may hold secrets. */
export function shown(value: unknown, isSecret: boolean): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (value === '') return 'an empty text';
  if (isSecret) return MASK;
  const masked = maskSecrets(String(JSON.stringify(value)));
  return masked.length > 60 ? `${masked.slice(0, 60)}…` : masked;
}

/** Whether what stands at a place, or what that is an item of, must not be shown. */
function isSecretAt(schema: z.ZodType, path: Path): boolean {
  const names = path.findLastIndex((part) => typeof part === 'string') + 1;
  return schemasAt(schema, path.slice(0, names)).some((each) => settingMeta.get(each)?.secret !== undefined);
}

function suggested(suggestion: string | undefined): { suggestion?: string } {
  return suggestion === undefined ? {} : { suggestion };
}

function suggestedFrom(issue: Issue, value: unknown): { suggestion?: string } {
  return typeof value === 'string' ? suggested(nearest(value, wordsOf(issue))) : {};
}

/** The words that would have been right. */
function wordsOf(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  return issue.code === 'invalid_union' ? issue.errors.flat().flatMap(wordsOf) : [];
}

/** The names that an object at this place may have. */
function namesAt(schema: z.ZodType, path: Path): string[] {
  const forms = schemasAt(schema, path).flatMap(formsOf);
  return forms.flatMap((form) => (form instanceof z.ZodObject ? Object.keys(form.shape) : []));
}

function schemasAt(schema: z.ZodType, path: Path): z.ZodType[] {
  return path.reduce<z.ZodType[]>((schemas, part) => schemas.flatMap((each) => childOf(each, part)), [schema]);
}

function childOf(schema: z.ZodType, part: string | number): z.ZodType[] {
  return formsOf(schema).flatMap((form) => {
    if (form instanceof z.ZodArray) return [form.element as z.ZodType];
    if (form instanceof z.ZodRecord) return [form.valueType as z.ZodType];
    const inner: unknown = form instanceof z.ZodObject ? form.shape[part] : undefined;
    return inner instanceof z.ZodType ? [inner] : [];
  });
}

/** What a value may be, below defaults, transformations and alternatives. */
export function formsOf(schema: z.ZodType): z.ZodType[] {
  const isWrapped = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  if (isWrapped || schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) {
    return formsOf(schema.unwrap() as z.ZodType);
  }
  if (schema instanceof z.ZodPipe) return formsOf(schema.in as z.ZodType);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => formsOf(option as z.ZodType));
  return [schema];
}
