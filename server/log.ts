import { isatty } from 'node:tty';
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import type { Settings } from './config/index.ts';
import { logError, logFields } from './foreign-text.ts';
import { Output } from './output.ts';

export type { Logger } from 'pino';

/** `process.stdout` would wait for nobody either, but drop nothing, tell nothing, and end the process when its reader is gone. */
const STDOUT = 1;

export function isTerminal(): boolean {
  return isatty(STDOUT);
}

/** Standard output of a program that must outlive whoever reads it. To be made once. */
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

/** Longer than what is logged of a frame, with room for what is masked. */
const MAX_READ_LENGTH = 20_000;
/** Backslashes before a quote in texts within texts. */
const MAX_ESCAPING = 16;
/** No part of it can begin where another one does, so that it goes through any text once. */
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
