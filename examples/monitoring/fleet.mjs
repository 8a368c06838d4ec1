import { AlertLog } from './alert-log.mjs';
import { wordsOfDrill, wordsOfFigure, wordsOfSilence } from './messages.mjs';
import { Threshold } from './threshold.mjs';

/** A drill lasts for so many readings of its server. */
const DRILL_READINGS = 2;
/** A server that was switched off for good is forgotten. */
const FORGET_AFTER_MS = 24 * 3600 * 1000;
const MAX_SERVERS = 100;

/** All servers that are watched: what they said last, what they said before, and which alerts are on. */
export class Fleet {
  #servers = new Map();
  #log = new AlertLog();
  #history = [];
  #options;

  /**
   * @param {object} options
   * @param {{ metric: string, label: string, limit: number, hysteresis: number }[]} options.limits - in percent
   * @param {number} options.silentAfterMs - without a reading for so long, a server is silent
   * @param {number} options.historyMs - how far back readings are kept
   */
  constructor(options) {
    this.#options = options;
  }

  get limits() {
    return this.#options.limits;
  }

  /**
   * Takes a reading.
   *
   * @param {string} name - of the server
   * @param {Record<string, unknown>} reading - free of secrets
   * @returns alerts and recoveries that are to be told now; undefined when there are too many servers for another one
   */
  take(name, reading, atMs) {
    const server = this.#servers.get(name) ?? this.#create(name);
    if (!server) return undefined;
    const news = [];
    const tell = (kind, metric, words) =>
      news.push(this.#log.add({ kind, server: name, metric, ...words, sentAt: atMs }));
    if (server.isSilent) tell('recovery', 'agent', wordsOfSilence('recovery', name, atMs - server.readAt));
    server.isSilent = false;
    server.readAt = atMs;
    server.reading = reading;
    for (const [limit, threshold] of server.thresholds) {
      const value = reading[limit.metric]?.percent;
      // What can't be read changes nothing.
      const kind = value === undefined ? undefined : threshold.check(value);
      if (kind) tell(kind, limit.metric, wordsOfFigure(kind, name, limit, value));
    }
    const drill = this.#goOnWithDrill(server);
    if (drill) tell(drill, 'drill', wordsOfDrill(drill, name, server.drill.note));
    return news;
  }

  /** @returns alerts for the servers that have become silent */
  findSilent(nowMs) {
    const { silentAfterMs } = this.#options;
    const news = [];
    for (const [name, server] of this.#servers) {
      const silentMs = nowMs - server.readAt;
      if (silentMs > FORGET_AFTER_MS) {
        this.#servers.delete(name);
        this.#log.forget(name);
      } else if (!server.isSilent && silentMs >= silentAfterMs) {
        server.isSilent = true;
        const words = wordsOfSilence('alert', name, silentMs, silentAfterMs);
        news.push(this.#log.add({ kind: 'alert', server: name, metric: 'agent', ...words, sentAt: nowMs }));
      }
    }
    return news;
  }

  /**
   * An alert with the next reading of a server, and a recovery some readings later.
   *
   * @param {string} note - free of secrets
   * @returns whether there is such a server
   */
  startDrill(name, note) {
    const server = this.#servers.get(name);
    if (server) server.drill = { ...server.drill, readingsLeft: DRILL_READINGS, note };
    return server !== undefined;
  }

  get names() {
    return [...this.#servers.keys()].sort();
  }

  /** The last readings, by server. */
  get metrics() {
    return this.#byName(({ isSilent, readAt, reading }) => ({
      status: isSilent ? 'silent' : 'up',
      readAt,
      ...reading,
    }));
  }

  /** Keeps the figures as they are now, for charts. */
  remember(nowMs) {
    const { historyMs } = this.#options;
    this.#history.push({
      at: nowMs,
      servers: this.#byName(({ isSilent, reading }) => (isSilent ? NOTHING : figuresOf(reading))),
    });
    while (this.#history[0].at < nowMs - historyMs) this.#history.shift();
  }

  /** @returns what was remembered, the oldest first; figures that were not known are null */
  historySince(sinceMs) {
    return this.#history.filter(({ at }) => at >= sinceMs);
  }

  get activeAlerts() {
    return this.#log.active;
  }

  get recentAlerts() {
    return this.#log.recent;
  }

  #byName(tell) {
    return Object.fromEntries(this.names.map((name) => [name, tell(this.#servers.get(name))]));
  }

  #create(name) {
    if (this.#servers.size >= MAX_SERVERS) return undefined;
    const server = {
      isSilent: false,
      readAt: 0,
      reading: {},
      thresholds: this.#options.limits.map((limit) => [limit, new Threshold(limit)]),
      drill: { readingsLeft: 0, note: '', isOn: false },
    };
    this.#servers.set(name, server);
    return server;
  }

  #goOnWithDrill({ drill }) {
    const shallBeOn = drill.readingsLeft > 0;
    drill.readingsLeft = Math.max(0, drill.readingsLeft - 1);
    if (shallBeOn === drill.isOn) return undefined;
    drill.isOn = shallBeOn;
    return shallBeOn ? 'alert' : 'recovery';
  }
}

const NOTHING = { cpu: null, memory: null, disk: null, received: null, sent: null };

function figuresOf({ cpu, memory, disk, network }) {
  return {
    cpu: cpu?.percent ?? null,
    memory: memory?.percent ?? null,
    disk: disk?.percent ?? null,
    received: network?.receivedPerSecond ?? null,
    sent: network?.sentPerSecond ?? null,
  };
}
