/** Time, as an argument: tests turn the hands themselves. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs `task` once after a delay; the answer calls it off. */
  schedule(task: () => void, delayMs: number): () => void;
}
