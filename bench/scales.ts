import type { Scale } from './workloads/workload.ts';

export const FULL: Scale = {
  warmUpMs: 1200,
  windowMs: 2500,
  fanOutSubscribers: 1000,
  channels: 1000,
  connects: 16_000,
  idleConnections: 15_000,
  idleMs: 150_000,
  reconnects: 10_000,
};

/** Shows that everything works; the figures mean little. */
export const QUICK: Scale = {
  warmUpMs: 300,
  windowMs: 500,
  fanOutSubscribers: 1000,
  channels: 100,
  connects: 1500,
  idleConnections: 1500,
  idleMs: 1500,
  reconnects: 1000,
};
