import { setImmediate } from 'node:timers/promises';
import type { Fleet } from '../admin/fleet.ts';
import type { Settings } from '../config/index.ts';
import { AppNames, Collection } from './collection.ts';
import { metricsText } from './text-format.ts';

/** Characters after which clients of this process get a turn. */
const PAUSE_LENGTH = 64_000;

export interface MetricsPageParts {
  readonly fleet: Pick<Fleet, 'metrics'>;
  readonly settings: Pick<Settings, 'adapter' | 'metrics'>;
  /** That clients connect to. */
  readonly port: number;
  readonly version: string;
}

/** What Prometheus reads: all that the processes here have counted. */
export class MetricsPage {
  readonly #parts: MetricsPageParts;
  readonly #names = new AppNames();

  constructor(parts: MetricsPageParts) {
    this.#parts = parts;
  }

  /** @throws {SeamUnavailable} by rejection */
  async text(): Promise<string> {
    const { fleet, settings, port, version } = this.#parts;
    const collection = new Collection(this.#names);
    for (const snapshot of await fleet.metrics()) collection.add(snapshot);
    collection.put('kulkul_info', [version, settings.adapter.driver], 1);
    let text = '';
    let pauseAt = PAUSE_LENGTH;
    for (const part of metricsText(collection, { prefix: settings.metrics.prometheus.prefix, port })) {
      text += part;
      if (text.length < pauseAt) continue;
      pauseAt = text.length + PAUSE_LENGTH;
      await setImmediate();
    }
    return text;
  }
}
