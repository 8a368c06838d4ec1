import { isatty } from 'node:tty';
import pino, { type Logger } from 'pino';
import type { Settings } from './config/index.ts';

export type { Logger } from 'pino';

/** `process.stdout` would set the descriptor to non-blocking, and whatever is written to it then may be cut in two. */
const STDOUT = 1;

export function isTerminal(): boolean {
  return isatty(STDOUT);
}

/** Writes lines that are ready to standard output, whole and at once like those of the log. */
export function createPrinter(): (lines: string) => void {
  const destination = pino.destination({ dest: STDOUT, sync: true });
  return (lines) => void destination.write(lines);
}

/** Writes to standard output: JSON lines for machines, or coloured lines for people on a terminal. */
export async function createLog({ level, format }: Settings['log'], isColoured = isTerminal()): Promise<Logger> {
  const isPretty = format === 'pretty' || (format === 'auto' && isColoured);
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!isPretty) return pino(options, pino.destination({ dest: STDOUT, sync: true }));
  // Loaded when it is needed: machines read most logs.
  const { default: pretty } = await import('pino-pretty');
  return pino(options, pretty({ sync: true, colorize: isColoured, translateTime: 'SYS:HH:MM:ss.l', singleLine: true }));
}

const AUTH = /(\\*"auth\\*"\s*:\s*\\*")(?:([^"\\:]*:)?[^"\\]+)/g;

/** A frame as it may be logged: of the value of `auth`, which can be a token, only a key before a colon stays. */
export function loggableFrame(frame: string): string {
  return frame.replace(AUTH, (_, name: string, key = '') => `${name}${key}•••`);
}
