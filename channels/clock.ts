/** Time, as an argument: tests turn the hands themselves. */
export interface Clock {
  /** Milliseconds since 1970, for what the calendar decides: ends of tokens, ages of signatures. It may be set, in both directions. */
  now(): number;
  /** Milliseconds since some moment or other, which only grow: for all waiting. */
  elapsedMs(): number;
  /** Runs `task` when what has come in by now is handled, and before what comes later. */
  nextTurn(task: () => void): void;
  /** Runs `task` once after a delay; the answer calls it off. */
  schedule(task: () => void, delayMs: number): () => void;
}
