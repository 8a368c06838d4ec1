/** What readers get: the shapes are those that the users of this system know, field by field. */

/** @param {Record<string, object>} servers - their last readings, by name */
export function metricsUpdate(servers) {
  return { type: 'metrics_update', data: servers };
}

/** @param {{ kind: 'alert' | 'recovery', subject: string, message: string }} news */
export function alertMessage({ kind, subject, message }) {
  return { type: 'alert', alert_type: kind, subject, message };
}

/**
 * What is said of a figure that crosses its limit: `[ALERT] web-1 memory high`, `Memory used 85.0% (threshold 80.0%)`;
 * `[RECOVERED] web-1 memory`, `Memory back to 65.0%`.
 */
export function wordsOfFigure(kind, server, { metric, label, limit }, value) {
  return kind === 'alert'
    ? words(kind, `${server} ${metric} high`, `${label} used ${percent(value)} (threshold ${percent(limit)})`)
    : words(kind, `${server} ${metric}`, `${label} back to ${percent(value)}`);
}

/** An agent from which nothing comes any more, or again. */
export function wordsOfSilence(kind, server, silentMs, limitMs) {
  return kind === 'alert'
    ? words(kind, `${server} agent silent`, `No reading for ${seconds(silentMs)} (threshold ${seconds(limitMs)})`)
    : words(kind, `${server} agent`, `Readings again after ${seconds(silentMs)}`);
}

export function wordsOfDrill(kind, server, note) {
  if (kind === 'recovery') return words(kind, `${server} drill`, 'The drill is over');
  return words(kind, `${server} drill`, note === '' ? 'A drill: nothing has happened' : `A drill: ${note}`);
}

function words(kind, what, message) {
  return { subject: `[${kind === 'alert' ? 'ALERT' : 'RECOVERED'}] ${what}`, message };
}

function percent(value) {
  return `${value.toFixed(1)}%`;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
