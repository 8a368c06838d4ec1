import pino from 'pino';

/** Characters of a field in the log. Strangers write most of them: user agents, origins, paths, names, frames. */
const MAX_LENGTH = 200;
/** Fields in which sentences of this program stand, with foreign text that was cut already, or texts of the operator. */
const LONGER: Readonly<Record<string, number>> = { reason: 600, problem: 2000, suggestion: 2000, where: 1000 };
const MAX_STACK_LENGTH = 8000;

/**
 * What a terminal or a reader of lines might obey: C0 and C1 control characters, line separators, marks that turn the direction of text, and halves
 * of surrogate pairs.
 */
const CONTROL = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const ALL_CONTROL = new RegExp(CONTROL, 'gu');
/** Of a stack, which has lines. */
const CONTROL_IN_LINE = /[^\P{Cc}\n]|[\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A text of a stranger as it may be logged: cut, and without control characters. */
export function foreign(text: string, maxLength = MAX_LENGTH): string {
  if (text.length <= maxLength && !CONTROL.test(text)) return text;
  const rest = text.length > maxLength ? `… (${text.length} characters)` : '';
  return text.slice(0, maxLength).replace(ALL_CONTROL, escaping) + rest;
}

/** The fields of a log line. Whoever logs need not think of what is foreign in them. */
export function logFields(fields: Record<string, unknown>): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    clean[name] = typeof value === 'string' ? foreign(value, LONGER[name]) : value;
  }
  return clean;
}

/** An error as it is logged. Its message may quote what a stranger sent. */
export function logError(error: unknown): unknown {
  if (typeof error === 'string') return foreign(error);
  if (!(error instanceof Error)) return error;
  const { stack, message, ...others } = pino.stdSerializers.err(error);
  return {
    ...logFields(others),
    message: foreign(message, LONGER.reason),
    stack: stack.slice(0, MAX_STACK_LENGTH).replace(CONTROL_IN_LINE, escaping),
  };
}

function escaping(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
