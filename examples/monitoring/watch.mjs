import { Threshold } from './threshold.mjs';

const KEPT = 20;

/** Knows which figures are too high, and what has happened lately. */
export class Watch {
  /** Alerts and recoveries, the latest first. */
  recent = [];
  #thresholds = new Map();
  #lastId = 0;

  constructor(limits) {
    // A drill is always seen, whatever the limits.
    for (const one of [...limits, { metric: 'drill', label: 'Drill', limit: 50, hysteresis: 0 }]) {
      this.#thresholds.set(one.metric, { ...one, threshold: new Threshold(one) });
    }
  }

  /**
   * @param {Record<string, number | undefined>} values - by metric; undefined for what can't be read, which changes nothing
   * @param {string} note - of who started the drill
   * @returns what has to be told now
   */
  check(values, note, atMs) {
    const news = [];
    for (const [metric, { label, limit, threshold }] of this.#thresholds) {
      const value = values[metric];
      const kind = value === undefined ? undefined : threshold.check(value);
      if (!kind) continue;
      this.#lastId += 1;
      const message = metric === 'drill' ? drillMessage(kind, note) : messageOf(kind, label, value, threshold);
      news.push({ id: this.#lastId, kind, metric, label, value, limit, message, sentAt: atMs });
    }
    this.recent = [...news.toReversed(), ...this.recent].slice(0, KEPT);
    return news;
  }
}

function messageOf(kind, label, value, { limit, recoveryBelow }) {
  return kind === 'alert'
    ? `${label} is at ${value} %, the limit is ${limit} %`
    : `${label} is back at ${value} %, below ${recoveryBelow} %`;
}

function drillMessage(kind, note) {
  if (kind === 'recovery') return 'The drill is over';
  return note.trim() === '' ? 'A drill: nothing has happened' : `A drill: ${note.trim()}`;
}
