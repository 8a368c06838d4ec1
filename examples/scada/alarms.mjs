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
    const limits = this.#tags.get(tag);
    const found = beyond(limits, value);
    if (!found) return known?.endedAt === null && isBack(known, limits, value) && this.#end(known, at);
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

/** It has to be off the warning's limit, also where the alarm became worse. */
function isBack({ side }, { warning: [low, high], deadBand }, value) {
  return side === 'low' ? value > low + deadBand : value < high - deadBand;
}
