/** Random numbers that are the same for the same seed (mulberry32), from 0 up to 1. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A measured value that wanders around its mean and comes back to it. */
export class Wandering {
  #value;

  constructor(random, { mean, spread, inertia = 0.95 }) {
    this.random = random;
    this.mean = mean;
    this.spread = spread;
    this.inertia = inertia;
    this.#value = mean;
  }

  next() {
    const push = (this.random() * 2 - 1) * this.spread * (1 - this.inertia) * 3;
    this.#value = this.mean + (this.#value - this.mean) * this.inertia + push;
    return Math.round(this.#value * 100) / 100;
  }
}
