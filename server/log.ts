import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Settings } from './config/index.ts';

export type { Logger } from 'pino';

/** Writes to standard output: JSON lines for machines, or coloured lines for people on a terminal. */
export function createLog({ level, format }: Settings['log'], isTerminal = process.stdout.isTTY === true): Logger {
  const isPretty = format === 'pretty' || (format === 'auto' && isTerminal);
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!isPretty) return pino(options, pino.destination({ dest: 1, sync: true }));
  return pino(options, pretty({ sync: true, colorize: isTerminal, translateTime: 'SYS:HH:MM:ss.l', singleLine: true }));
}

const AUTH = /(\\*"auth\\*"\s*:\s*\\*")(?:([^"\\:]*:)?[^"\\]+)/g;

/** A frame as it may be logged: of the value of `auth`, which can be a token, only a key before a colon stays. */
export function loggableFrame(frame: string): string {
  return frame.replace(AUTH, (_, name: string, key = '') => `${name}${key}•••`);
}
