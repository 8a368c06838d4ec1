/** So far inside a limit, as a part of the limit, a value has to be before its alarm is over: it would come and go with each reading. */
const HYSTERESIS = 0.01;
const LEVELS = /** @type {const} */ (['alarm', 'warning']);

/**
 * An alarm, as pages are shown it. Times are milliseconds since 1970.
 *
 * @typedef {object} Alarm
 * @property {string} tag
 * @property {'warning' | 'alarm'} level - the worst since it began
 * @property {'low' | 'high'} side
 * @property {number} limit - the one that was exceeded
 * @property {number} value - with which it was
 * @property {number} since
 * @property {number | null} endedAt - null: the value is still beyond
 * @property {{ by: string, at: number } | null} acknowledged
 */

/** The alarms of a plant, one a tag at the most. One stays until its value is back and somebody has acknowledged it. */
export class Alarms {
  #tags;
  /** @type {Map<string, Alarm>} */
  #alarms = new Map();

  /** @param {{ tag: string, limits: import('./tags.mjs').Limits }[]} tags */
  constructor(tags) {
    this.#tags = new Map(tags.map(({ tag, limits }) => [tag, limits]));
  }

  /** Worst first, then the newest. */
  get list() {
    const rank = ({ level, acknowledged }) => (acknowledged ? 2 : 0) + LEVELS.indexOf(level);
    return [...this.#alarms.values()].sort((a, b) => rank(a) - rank(b) || b.since - a.since);
  }

  /**
   * Takes a value.
   *
   * @returns whether an alarm began, became worse or is over
   */
  take(tag, value, at) {
    const known = this.#alarms.get(tag);
    const found = beyond(this.#tags.get(tag), value);
    if (!found) return known?.endedAt === null && isInside(known, value) && this.#end(known, at);
    const isNews = !known || known.endedAt !== null || known.side !== found.side;
    const isWorse = known?.level === 'warning' && found.level === 'alarm';
    if (!isNews && !isWorse) return false;
    this.#alarms.set(tag, {
      tag,
      ...found,
      value,
      since: isNews ? at : known.since,
      endedAt: null,
      acknowledged: null,
    });
    return true;
  }

  /** @returns whether there is such an alarm that nobody has acknowledged */
  acknowledge(tag, by, at) {
    const alarm = this.#alarms.get(tag);
    if (!alarm || alarm.acknowledged) return false;
    if (alarm.endedAt === null) this.#alarms.set(tag, { ...alarm, acknowledged: { by, at } });
    else this.#alarms.delete(tag);
    return true;
  }

  #end(alarm, at) {
    if (alarm.acknowledged) this.#alarms.delete(alarm.tag);
    else this.#alarms.set(alarm.tag, { ...alarm, endedAt: at });
    return true;
  }
}

function beyond(limits, value) {
  for (const level of LEVELS) {
    const [low, high] = limits[level];
    if (low !== null && value < low) return { level, side: 'low', limit: low };
    if (high !== null && value > high) return { level, side: 'high', limit: high };
  }
  return undefined;
}

/** Of an alarm that became worse, the limit is not that of the warning: the value is back when it is beyond no limit and off this one. */
function isInside({ side, limit }, value) {
  const margin = Math.abs(limit) * HYSTERESIS;
  return side === 'low' ? value > limit + margin : value < limit - margin;
}
