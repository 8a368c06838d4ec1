import { seeded, Wandering } from '../shared/model.mjs';

/**
 * What is too low or too high for a tag: `warning` is seen, `alarm` is acted upon. A side without a limit is null. A value is back only when it is
 * off the limit by the dead band: its alarm would come and go with each reading.
 *
 * @typedef {{ warning: [low: number | null, high: number | null], alarm: [low: number | null, high: number | null], deadBand: number }} Limits
 */

/**
 * The tags of the simulated plant, the same each time for the same seed.
 *
 * @returns {{ tag: string, unit: string, limits: Limits, wander: Wandering }[]}
 */
export function createTags(seed) {
  const random = seeded(seed);
  return [
    {
      tag: 'inlet.flow',
      unit: 'm³/h',
      limits: { warning: [106, 131], alarm: [100, 138], deadBand: 5 },
      wander: new Wandering(random, { mean: 120, spread: 60, inertia: 0.99 }),
    },
    {
      tag: 'outlet.flow',
      unit: 'm³/h',
      limits: { warning: [102, 127], alarm: [97, 133], deadBand: 5 },
      wander: new Wandering(random, { mean: 116, spread: 54, inertia: 0.99 }),
    },
    {
      tag: 'tank.level',
      unit: '%',
      limits: { warning: [60, 65], alarm: [58.5, 67], deadBand: 1 },
      wander: new Wandering(random, { mean: 62, spread: 31, inertia: 0.998 }),
    },
    {
      tag: 'pump.pressure',
      unit: 'bar',
      limits: { warning: [3.8, 4.55], alarm: [3.6, 4.7], deadBand: 0.2 },
      wander: new Wandering(random, { mean: 4.2, spread: 1.8, inertia: 0.99 }),
    },
    {
      tag: 'water.ph',
      unit: 'pH',
      limits: { warning: [7.08, 7.3], alarm: [7.04, 7.36], deadBand: 0.05 },
      wander: new Wandering(random, { mean: 7.2, spread: 1, inertia: 0.997 }),
    },
    {
      tag: 'motor.temperature',
      unit: '°C',
      limits: { warning: [null, 59.5], alarm: [null, 61], deadBand: 1 },
      wander: new Wandering(random, { mean: 58, spread: 23, inertia: 0.997 }),
    },
  ];
}
