import { isatty } from 'node:tty';
import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import type { Clock } from '../channels/clock.ts';
import type { Settings } from './config/index.ts';
import { Output } from './output.ts';

export type { Logger } from 'pino';

/** `process.stdout` does not block either, but it never drops lines, reports nothing, and ends the process when its reader is gone. */
const STDOUT = 1;

export function isTerminal(): boolean {
  return isatty(STDOUT);
}

/** Standard output of a program that must survive the end of its reader. Create it once. */
export function openStandardOutput(): Output {
  const output = new Output(STDOUT);
  process.on('exit', () => output.end());
  return output;
}

/** What each log line is made by, wherever it goes. */
export function logOptions(level: Settings['log']['level']): LoggerOptions {
  return {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { log: logFields },
    serializers: { err: logError },
  };
}

/**
 * Writes JSON lines for machines, or coloured lines for people on a terminal.
 *
 * @param output - says in the log when it could not be written for a while
 */
export async function createLog(
  { level, format }: Settings['log'],
  output: Pick<Output, 'write' | 'onResume'>,
  isColoured = isTerminal(),
): Promise<Logger> {
  const isPretty = format === 'pretty' || (format === 'auto' && isColoured);
  const log = pino(logOptions(level), isPretty ? await prettyStream(output, isColoured) : output);
  output.onResume = (outage) => log.warn(outage, 'the log could not be written for a while');
  return log;
}

/** For commands that have their standard output for something else. */
export function silentLog(): Logger {
  return pino({ level: 'silent' }, { write: () => {} });
}

async function prettyStream(output: Pick<Output, 'write'>, colorize: boolean): Promise<DestinationStream> {
  // Loaded when it is needed: machines read most logs.
  const { default: pretty } = await import('pino-pretty');
  const prettify = pretty.prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss.l', singleLine: true });
  return { write: (line) => output.write(prettify(line)) };
}

/** Longer than the part of a frame that is logged, with room for masked values. */
const MAX_READ_LENGTH = 20_000;
/** Backslashes before a quote in texts within texts. */
const MAX_ESCAPING = 16;
/** Its alternatives can't start at the same position, so it passes over any text once. */
const AUTH = /("auth\\*"\s*:\s*\\*")([^"]+)/g;

/** A frame as it may be logged: of the value of `auth`, which can be a token, only a key before a colon stays. */
export function loggableFrame(frame: string): string {
  return frame.slice(0, MAX_READ_LENGTH).replace(AUTH, (_, name: string, value: string) => {
    const colon = value.indexOf(':');
    // In a text within a text, the quote at the end has backslashes before it.
    const end = /\\*$/.exec(value.slice(-MAX_ESCAPING))?.[0] ?? '';
    return `${name}${colon < 0 ? '' : value.slice(0, colon + 1)}•••${end}`;
  });
}

/** Characters of a field in the log. Strangers write most of them: user agents, origins, paths, names, frames. */
const MAX_LENGTH = 200;
/** Fields with this program's own sentences, whose untrusted text was cut already, or the operator's texts. */
const LONGER: Readonly<Record<string, number>> = { reason: 600, problem: 2000, suggestion: 2000, where: 1000 };
const MAX_STACK_LENGTH = 8000;

/**
 * What a terminal or a line reader might interpret: C0 and C1 control characters, line separators, marks that turn the direction of text, and halves
 * of surrogate pairs.
 */
const CONTROL = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const ALL_CONTROL = new RegExp(CONTROL, 'gu');
/** Of a stack, which has lines. */
const CONTROL_IN_LINE = /[^\P{Cc}\n]|[\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Untrusted text for the log: cut, and without control characters. */
export function foreign(text: string, maxLength = MAX_LENGTH): string {
  if (text.length <= maxLength && !CONTROL.test(text)) return text;
  const rest = text.length > maxLength ? `… (${text.length} characters)` : '';
  return text.slice(0, maxLength).replace(ALL_CONTROL, escaping) + rest;
}

const TOKENS = /eyJ[\w-]*\.[\w-]+\.[\w-]*/g;

/** A refusal for the log. It may repeat the parameters that a client should have signed, and a token may be among them by mistake. */
export function withoutTokens(reason: string): string {
  return reason.replace(TOKENS, '•••');
}

/** The fields of a log line, so that callers need not care which of them are untrusted. */
function logFields(fields: Record<string, unknown>): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    clean[name] = typeof value === 'string' ? foreign(value, LONGER[name]) : value;
  }
  return clean;
}

/** An error as it is logged. Its message may quote untrusted text. */
function logError(error: unknown): unknown {
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

/** Between two lines of the same cause, in milliseconds. */
const INTERVAL_MS = 1000;

type Level = 'info' | 'warn' | 'error';

/** Fields of a line. With the text, `cause` or `during` tells what is the same: they come from this program, never from a client. */
type Fields = Readonly<Record<string, unknown>> & { readonly cause?: string; readonly during?: string };

/** A line that was not written yet, the last of its cause. */
interface Held {
  readonly level: Level;
  readonly fields: Fields;
}

/**
 * For lines that clients can cause at will. The first line of a cause is written at once, then at most one per second: the latest, with the number
 * of lines suppressed before it. At level `debug`, all are written.
 */
export class SampledLog {
  /** Set if each frame and step is logged. */
  readonly eachStep: Logger | undefined;
  readonly #log: Logger;
  readonly #clock: Pick<Clock, 'schedule'>;
  /** By cause. */
  readonly #intervals = new Map<string, { held: Held | undefined; leftOut: number }>();

  constructor(log: Logger, clock: Pick<Clock, 'schedule'>) {
    this.#log = log;
    this.#clock = clock;
    this.eachStep = log.isLevelEnabled('debug') ? log : undefined;
  }

  info(fields: Fields, text: string): void {
    this.#write('info', fields, text);
  }

  warn(fields: Fields, text: string): void {
    this.#write('warn', fields, text);
  }

  error(fields: Fields, text: string): void {
    this.#write('error', fields, text);
  }

  #write(level: Level, fields: Fields, text: string): void {
    if (this.eachStep) {
      this.#log[level](fields, text);
      return;
    }
    const cause = `${text}\n${fields.cause ?? fields.during ?? ''}`;
    const interval = this.#intervals.get(cause);
    if (!interval) {
      this.#log[level](fields, text);
      this.#begin(cause, text);
      return;
    }
    if (interval.held) interval.leftOut += 1;
    interval.held = { level, fields };
  }

  #begin(cause: string, text: string): void {
    const interval: { held: Held | undefined; leftOut: number } = { held: undefined, leftOut: 0 };
    this.#intervals.set(cause, interval);
    this.#clock.schedule(() => {
      this.#intervals.delete(cause);
      const { held, leftOut } = interval;
      if (!held) return;
      this.#log[held.level](leftOut === 0 ? held.fields : { ...held.fields, leftOut }, text);
      this.#begin(cause, text);
    }, INTERVAL_MS);
  }
}

const MAX_REMEMBERED = 1000;

/** Logs what is wrong with something once, and again when something else is. */
export class FaultLog {
  readonly #log: Logger;
  readonly #level: 'warn' | 'error';
  readonly #phrase: string;
  readonly #said = new LRUCache<string, object>({ max: MAX_REMEMBERED });

  constructor(log: Logger, level: 'warn' | 'error', phrase: string) {
    this.#log = log;
    this.#level = level;
    this.#phrase = phrase;
  }

  note(id: string, fields: object): void {
    if (isDeepStrictEqual(this.#said.get(id), fields)) return;
    this.#said.set(id, fields);
    this.#log[this.#level](fields, this.#phrase);
  }

  /** It is in order again. */
  forget(id: string): void {
    this.#said.delete(id);
  }
}
