import type { Clock } from '../channels/clock.ts';

/** The machine's clock. Its timers don't keep the process alive: connections and listeners do. */
export const systemClock: Clock = {
  now: Date.now,
  elapsedMs: () => performance.now(),
  nextTurn: (task) => void setImmediate(task),
  schedule(task, delayMs) {
    const timer = setTimeout(task, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
