import type { Collection, HistogramValue, MetricValue, Sample } from './collection.ts';
import { FAMILY_NAMES, type Family, familyOf, SOKETI_VIEWS, type SoketiView } from './families.ts';

/** What an answer in this format is called. */
export const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

/** Of Kulkul's own metrics. Soketi's have one that is configured. */
const OWN = 'kulkul_';

export interface TextOptions {
  /** Of Soketi's names: `soketi_`, or what the operator wants in its place. */
  readonly prefix: string;
  /** Value of the label `port` that Soketi's metrics have. */
  readonly port: number;
}

/**
 * Metrics as text, a family at a time: with many apps they take a while, in which clients had better be served.
 *
 * @see Prometheus, "Exposition formats", text format 0.0.4
 */
export function* metricsText(collection: Collection, { prefix, port }: TextOptions): Generator<string> {
  for (const view of SOKETI_VIEWS) yield soketiText(collection, view, prefix, port);
  for (const name of FAMILY_NAMES) {
    const family = familyOf(name);
    const samples = collection.samples(name);
    if (samples.length === 0) continue;
    if (name.startsWith(OWN)) {
      yield familyText(name, family, samples);
      continue;
    }
    const withPort = samples.map(([labels, value]): Sample => [[...labels, String(port)], value]);
    yield familyText(`${prefix}${name}`, { ...family, labels: [...family.labels, 'port'] }, withPort);
  }
}

function soketiText(collection: Collection, view: SoketiView, prefix: string, port: number): string {
  const sums = new Map<string, MetricValue>();
  // Each app that was ever seen has all of them.
  for (const [[app = '']] of collection.samples('kulkul_connections_opened_total')) sums.set(app, nothingOf(view));
  for (const [labels, value] of view.of ? collection.samples(view.of) : []) {
    const [app = ''] = labels;
    const isWanted = !view.of || !view.where || isOf(familyOf(view.of), labels, view.where);
    const former = sums.get(app) ?? 0;
    if (isWanted && typeof value === 'number' && typeof former === 'number') sums.set(app, former + value);
  }
  // Soketi counts nothing that is of no app.
  sums.delete('');
  const { name, type, help, bounds } = view;
  const samples = [...sums].map(([app, value]): Sample => [[app, String(port)], value]);
  const family: Family = { type, help, labels: ['app_id', 'port'], ...(bounds && { bounds }) };
  return familyText(`${prefix}${name}`, family, samples);
}

function nothingOf({ type, bounds = [] }: SoketiView): MetricValue {
  return type === 'histogram' ? { counts: [...bounds, 0].map(() => 0), sum: 0 } : 0;
}

function isOf({ labels: names }: Family, labels: readonly string[], [name, value]: readonly [string, string]): boolean {
  return labels[names.indexOf(name)] === value;
}

function familyText(name: string, family: Family, samples: readonly Sample[]): string {
  let text = `# HELP ${name} ${family.help}\n# TYPE ${name} ${family.type}\n`;
  for (const [labels, value] of samples) {
    const written = family.labels.map((label, index) => `${label}="${escaped(labels[index] ?? '')}"`).join(',');
    text += typeof value === 'number' ? line(name, written, value) : histogramLines(name, family, written, value);
  }
  return text;
}

function histogramLines(
  name: string,
  { bounds = [] }: Family,
  labels: string,
  { counts, sum }: HistogramValue,
): string {
  const separator = labels === '' ? '' : ',';
  let total = 0;
  let text = '';
  for (const [index, count] of counts.entries()) {
    total += count;
    text += line(`${name}_bucket`, `${labels}${separator}le="${bounds[index] ?? '+Inf'}"`, total);
  }
  return text + line(`${name}_sum`, labels, sum) + line(`${name}_count`, labels, total);
}

function line(name: string, labels: string, value: number): string {
  return labels === '' ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

/** All names under which something can be asked for, with the default prefix; histograms by their own name. */
export function metricNames(prefix: string): readonly string[] {
  return [
    ...SOKETI_VIEWS.map(({ name }) => `${prefix}${name}`),
    ...FAMILY_NAMES.map((name) => (name.startsWith(OWN) ? name : `${prefix}${name}`)),
  ];
}
