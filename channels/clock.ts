/** Time, as an argument: tests move the clock themselves. */
export interface Clock {
  /** Milliseconds since 1970, for calendar times: expiry of tokens, age of signatures. The clock may be set, in both directions. */
  now(): number;
  /** Milliseconds since an arbitrary moment, never decreasing: for all waiting. */
  elapsedMs(): number;
  /** Runs `task` after the input received so far, and before later input. */
  nextTurn(task: () => void): void;
  /** Runs `task` once after a delay; the returned function cancels it. */
  schedule(task: () => void, delayMs: number): () => void;
}
