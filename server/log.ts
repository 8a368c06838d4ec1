import { isatty } from 'node:tty';
import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino';
import type { Settings } from './config/index.ts';
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
  };
}

/**
 * Writes JSON lines for machines, or coloured lines for people on a terminal.
 *
 * @param output - says in the log when it could not be written for a while
 */
export async function createLog(
  { level, format }: Settings['log'],
  output: Output,
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

async function prettyStream(output: Output, colorize: boolean): Promise<DestinationStream> {
  // Loaded when it is needed: machines read most logs.
  const { default: pretty } = await import('pino-pretty');
  const prettify = pretty.prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss.l', singleLine: true });
  return { write: (line) => output.write(prettify(line)) };
}

const AUTH = /(\\*"auth\\*"\s*:\s*\\*")(?:([^"\\:]*:)?[^"\\]+)/g;

/** A frame as it may be logged: of the value of `auth`, which can be a token, only a key before a colon stays. */
export function loggableFrame(frame: string): string {
  return frame.replace(AUTH, (_, name: string, key = '') => `${name}${key}•••`);
}
