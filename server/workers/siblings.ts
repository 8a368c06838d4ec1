import type { Siblings } from '../http/health.ts';
import type { Usage } from '../usage.ts';

/** The other workers, as the main process tells of them. */
export class WorkerSiblings implements Siblings {
  areStarted = false;
  latestUsage: Usage | undefined;
  readonly #ask: (id: number) => void;
  readonly #waiting = new Map<number, (usage: Usage) => void>();
  #lastId = 0;

  /** @param ask - asks the main process for the usage of all; `answer` takes what it says */
  constructor(ask: (id: number) => void) {
    this.#ask = ask;
  }

  usage(): Promise<Usage> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#ask(id);
    });
  }

  answer(id: number, usage: Usage): void {
    this.#waiting.get(id)?.(usage);
    this.#waiting.delete(id);
  }
}
