import type { Address } from '../load/address.ts';

/** One kind of load of a soak. */
export interface Activity {
  /** What it did so far, by name. */
  readonly counts: Readonly<Record<string, number>>;
  /** Ends its connections, and says what is wrong when it comes to that. */
  stop(): Promise<void>;
}

export interface Surroundings {
  readonly address: Address;
  /** Something that must not happen did. */
  readonly onProblem: (problem: string) => void;
}

/** Does something over and over, one at a time: a slow server gets less to do instead of ever more at once. */
export function repeat(everyMs: number, what: (turn: number) => void | Promise<void>): { stop(): Promise<void> } {
  let isStopped = false;
  let wake = (): void => {};
  const run = async (): Promise<void> => {
    for (let turn = 0; !isStopped; turn += 1) {
      await what(turn);
      if (isStopped) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, everyMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  const ended = run();
  return {
    stop() {
      isStopped = true;
      wake();
      return ended;
    },
  };
}
