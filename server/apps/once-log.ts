import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { Logger } from '../log.ts';

const MAX_REMEMBERED = 1000;

/** Logs what is wrong with something once, and again when something else is. */
export class OnceLog {
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
