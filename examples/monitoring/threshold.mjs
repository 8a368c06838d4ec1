/**
 * Tells when a figure gets too high, and when it is well again: an alert at the limit, a recovery only `hysteresis` below it. A figure
 * that trembles around its limit so makes one alert, not twenty.
 */
export class Threshold {
  isExceeded = false;

  /** @param {{ limit: number, hysteresis: number }} options - in the unit of the figure */
  constructor({ limit, hysteresis }) {
    this.limit = limit;
    this.recoveryBelow = limit - hysteresis;
  }

  /** @returns {'alert' | 'recovery' | undefined} undefined when nothing has changed */
  check(value) {
    if (!this.isExceeded && value >= this.limit) {
      this.isExceeded = true;
      return 'alert';
    }
    if (this.isExceeded && value < this.recoveryBelow) {
      this.isExceeded = false;
      return 'recovery';
    }
    return undefined;
  }
}
