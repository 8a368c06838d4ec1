const KEPT = 50;

/** Which alerts are on, and what was said lately. */
export class AlertLog {
  /** Alerts and recoveries, the latest first. */
  recent = [];
  #active = new Map();
  #lastId = 0;

  /**
   * @param {{ kind: 'alert' | 'recovery', server: string, metric: string, subject: string, message: string, sentAt: number }} news
   * @returns the same with an id
   */
  add(news) {
    this.#lastId += 1;
    const told = { id: this.#lastId, ...news };
    const key = `${news.server} ${news.metric}`;
    if (news.kind === 'alert') this.#active.set(key, told);
    else this.#active.delete(key);
    this.recent = [told, ...this.recent].slice(0, KEPT);
    return told;
  }

  /** Alerts without a recovery so far, the latest first. */
  get active() {
    return [...this.#active.values()].reverse();
  }

  /** A server that is not watched any more has no alerts. */
  forget(server) {
    for (const [key, alert] of this.#active) if (alert.server === server) this.#active.delete(key);
  }
}
