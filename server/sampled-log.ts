import type { Logger } from './log.ts';

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
 * For what clients can cause as often as they like. The first line of a cause is written at once, then at most one a second: the last of that time, with the number
 * of those before it that were left out. Where the log has the level `debug`, all are written.
 */
export class SampledLog {
  /** Given when each frame and step is to be logged. */
  readonly eachStep: Logger | undefined;
  readonly #log: Logger;
  readonly #intervalMs: number;
  /** By cause. */
  readonly #intervals = new Map<string, { held: Held | undefined; leftOut: number }>();

  constructor(log: Logger, intervalMs = INTERVAL_MS) {
    this.#log = log;
    this.#intervalMs = intervalMs;
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
    setTimeout(() => {
      this.#intervals.delete(cause);
      const { held, leftOut } = interval;
      if (!held) return;
      this.#log[held.level](leftOut === 0 ? held.fields : { ...held.fields, leftOut }, text);
      this.#begin(cause, text);
    }, this.#intervalMs).unref();
  }
}
