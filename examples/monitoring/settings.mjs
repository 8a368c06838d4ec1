const LABELS = { cpu: 'CPU', memory: 'Memory', disk: 'Disk' };
const DEFAULT_LIMIT = 90;
const DEFAULT_HYSTERESIS = 5;
const DEFAULT_SECONDS = 4;

/**
 * What can be set by variables: limits in percent (`CPU_ALERT=75`), how far below one all is well again (`ALERT_HYSTERESIS=2`), and how
 * often the host is read (`READ_EVERY_SECONDS=10`).
 *
 * @param {Record<string, string | undefined>} env
 * @throws {Error} which names the variable that is wrong
 */
export function settingsFrom(env) {
  const hysteresis = numberFrom(env, 'ALERT_HYSTERESIS', DEFAULT_HYSTERESIS, 0, 100);
  return {
    intervalMs: numberFrom(env, 'READ_EVERY_SECONDS', DEFAULT_SECONDS, 0.5, 3600) * 1000,
    limits: Object.entries(LABELS).map(([metric, label]) => ({
      metric,
      label,
      limit: numberFrom(env, `${metric.toUpperCase()}_ALERT`, DEFAULT_LIMIT, 0, 100),
      hysteresis,
    })),
  };
}

function numberFrom(env, name, otherwise, least, most) {
  const text = env[name];
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (text.trim() !== '' && number >= least && number <= most) return number;
  throw new Error(`${name} is ${JSON.stringify(text)}: it takes a number from ${least} to ${most}.`);
}
