const LIMITS = [
  { metric: 'cpu', label: 'CPU', limit: 90 },
  { metric: 'memory', label: 'Memory', limit: 80 },
  { metric: 'disk', label: 'Disk', limit: 90 },
];
const DEFAULT_HYSTERESIS = 5;
const DEFAULT_SECONDS = 4;
/** So many readings have to be missing until a server is called silent: one may be late. */
const MISSING_READINGS = 3;
const HISTORY_MS = 10 * 60_000;

/**
 * What can be set by variables: limits in percent (`CPU_ALERT=75`), how far below one all is well again (`ALERT_HYSTERESIS=2`), and how
 * often servers are read (`READ_EVERY_SECONDS=10`).
 *
 * @param {Record<string, string | undefined>} env
 * @throws {Error} which names the variable that is wrong
 */
export function settingsFrom(env) {
  const hysteresis = numberFrom(env, 'ALERT_HYSTERESIS', DEFAULT_HYSTERESIS, 0, 100);
  const intervalMs = intervalFrom(env);
  return {
    intervalMs,
    silentAfterMs: intervalMs * MISSING_READINGS,
    historyMs: HISTORY_MS,
    limits: LIMITS.map(({ metric, label, limit }) => ({
      metric,
      label,
      limit: numberFrom(env, `${metric.toUpperCase()}_ALERT`, limit, 0, 100),
      hysteresis,
    })),
  };
}

/** @returns milliseconds between two readings of a server */
export function intervalFrom(env) {
  return numberFrom(env, 'READ_EVERY_SECONDS', DEFAULT_SECONDS, 0.5, 3600) * 1000;
}

/**
 * @throws {Error} which names the variable that is wrong
 */
export function numberFrom(env, name, otherwise, least, most) {
  const text = env[name];
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (text.trim() !== '' && number >= least && number <= most) return number;
  throw new Error(`${name} is ${JSON.stringify(text)}: it takes a number from ${least} to ${most}.`);
}

/** Runs something that may throw because of a variable; the program ends with the reason. */
export function orEnd(read) {
  try {
    return read();
  } catch (error) {
    process.stdout.write(`${error.message}\n`);
    process.exit(1);
  }
}
