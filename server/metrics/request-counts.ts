import type { Clock } from '../../channels/clock.ts';
import { EMPTY_OBJECT } from '../http/answer.ts';
import type { Exchange, RequestWatch } from '../http/exchange.ts';
import type { AllAppCounters } from './app-counters.ts';
import type { MetricSource } from './collection.ts';
import { Histogram } from './histogram.ts';
import { Sampler } from './sampler.ts';

/** Of requests for which there is no route, and of feeds. */
const NO_ROUTE = 'other';

/** Counts requests to the HTTP API and their answers. */
export class RequestCounts implements RequestWatch {
  readonly #apps: AllAppCounters;
  readonly #triggers = new Histogram('kulkul_trigger_request_seconds');

  readonly #clock: Pick<Clock, 'elapsedMs'>;
  readonly #sampler: Sampler;

  constructor(apps: AllAppCounters, clock: Pick<Clock, 'elapsedMs'>) {
    this.#apps = apps;
    this.#clock = clock;
    this.#sampler = new Sampler(clock);
  }

  began(): number | undefined {
    return this.#sampler.next();
  }

  answered(
    { appId, route, bodyLength, startedMs }: Pick<Exchange, 'appId' | 'route' | 'bodyLength' | 'startedMs'>,
    { status, headers, body }: Parameters<RequestWatch['answered']>[1],
  ): void {
    const app = this.#apps.of(appId);
    app.answered(route?.path ?? NO_ROUTE, status);
    app.httpBytesIn += bodyLength;
    app.httpBytesOut += body === EMPTY_OBJECT.body ? body.length : Buffer.byteLength(body);
    if (route?.publishes && startedMs !== undefined) {
      this.#triggers.observe((this.#clock.elapsedMs() - startedMs) / 1000);
    }
    if (status < 400) return;
    const error = headers?.['X-Kulkul-Error'];
    if (error !== undefined) app.refused('request', error);
    if (status === 429) app.rateLimited.count(route?.publishes ? 'backend_events' : 'read_requests');
  }

  readonly put: MetricSource = (put) => put('kulkul_trigger_request_seconds', [], this.#triggers.value);
}
