import type { Scale } from './workloads/workload.ts';

export const FULL: Scale = {
  warmUpMs: 1200,
  windowMs: 2500,
  fanOutSubscribers: 1000,
  connects: 16_000,
  idleConnections: 10_000,
};

/** Shows that everything works; the figures mean little. */
export const QUICK: Scale = {
  warmUpMs: 300,
  windowMs: 500,
  fanOutSubscribers: 1000,
  connects: 1500,
  idleConnections: 1500,
};
