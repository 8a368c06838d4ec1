import type { AppNumbers } from '../../channels/app-numbers.ts';
import type { Clock } from '../../channels/clock.ts';
import type { Observer } from '../../channels/observer.ts';
import type { WebhookState } from '../../channels/outbox.ts';
import type { ChannelKind } from '../../protocol/channel-name.ts';
import type { Seams } from '../seams.ts';
import { AllAppCounters } from './app-counters.ts';
import { AppNames, Collection, type Put, type Snapshot } from './collection.ts';
import { ConnectionAges } from './connection-ages.ts';
import { countingObserver } from './counting-observer.ts';
import { ProcessFigures } from './process-figures.ts';
import { PublishTimes } from './publish-times.ts';
import { RedisClock } from './redis-clock.ts';
import { RequestCounts } from './request-counts.ts';
import { WebhookCounts } from './webhook-counts.ts';

export interface NodeMetricsOptions {
  readonly clock: Clock;
  /** `main`, or the number of the worker. */
  readonly worker: string;
  /** Messages between nodes go by way of Redis. */
  readonly isRemote: boolean;
}

/** What a node is asked at a scrape. */
export interface MeasuredNode {
  readonly apps: ReadonlyMap<string, AppNumbers>;
  readonly isReady: boolean;
  readonly seams: Pick<Seams, 'figures'>;
  readonly webhooks: readonly WebhookState[];
  readonly certificateExpires: Date | undefined;
}

/** Everything that is counted on a node: who counts it, and what it comes to. */
export class NodeMetrics {
  readonly observer: Observer;
  readonly requests: RequestCounts;
  readonly webhooks: WebhookCounts;
  readonly times: PublishTimes;
  readonly #redis: RedisClock;
  readonly #names = new AppNames();
  readonly #apps: AllAppCounters;
  readonly #ages: ConnectionAges;
  readonly #process: ProcessFigures;
  readonly #counts = { failures: 0 };

  constructor({ clock, worker, isRemote }: NodeMetricsOptions) {
    this.#apps = new AllAppCounters(this.#names);
    this.#ages = new ConnectionAges(clock);
    this.#process = new ProcessFigures(worker);
    this.#redis = new RedisClock(clock);
    this.times = new PublishTimes({ clock, now: () => this.#redis.now(), isRemote });
    this.requests = new RequestCounts(this.#apps, clock);
    this.webhooks = new WebhookCounts(this.#names, clock);
    this.observer = countingObserver({
      apps: this.#apps,
      ages: this.#ages,
      counts: this.#counts,
      handedOn: (publishedMs, isHeldBack) => this.times.handedOn(publishedMs, isHeldBack),
    });
  }

  /** An app is configured: it has numbers before anything happens in it. */
  know(appId: string): void {
    this.#apps.of(appId);
  }

  start(seams: Pick<Seams, 'time'>): void {
    this.#redis.start(seams.time);
  }

  stop(): void {
    this.#redis.stop();
    this.#process.stop();
  }

  snapshot({ apps, isReady, seams, webhooks, certificateExpires }: MeasuredNode): Snapshot {
    const collection = new Collection(this.#names);
    const { put } = collection;
    put('kulkul_ready', [], Number(isReady));
    put('kulkul_workers', [], 1);
    put('kulkul_worker_restarts_total', [], 0);
    put('kulkul_failures_total', [], this.#counts.failures);
    this.#apps.put(put);
    putOpen(put, apps);
    this.#ages.put(put);
    this.times.put(put);
    this.requests.put(put);
    this.webhooks.put(put, webhooks);
    this.#putSeams(put, seams);
    this.#process.put(put);
    if (certificateExpires) {
      put('kulkul_tls_certificate_expiry_timestamp_seconds', [], certificateExpires.getTime() / 1000);
    }
    return collection.snapshot();
  }

  #putSeams(put: Put, seams: Pick<Seams, 'figures'>): void {
    const figures = seams.figures?.();
    if (!figures) return;
    put('kulkul_redis_up', [], Number(figures.isUp));
    put('kulkul_redis_writable', [], Number(figures.isWritable));
    put('kulkul_redis_losses_total', [], figures.losses);
    put('kulkul_missed_messages_total', [], figures.missed);
    put('kulkul_lease_sweeps_total', [], figures.sweeps);
    put('kulkul_lease_losses_total', [], figures.leaseLosses);
    this.#redis.put(put);
  }
}

function putOpen(put: Put, apps: ReadonlyMap<string, AppNumbers>): void {
  for (const [appId, { connections, byKind }] of apps) {
    put('kulkul_connections', [appId], connections);
    for (const [kind, { channels, subscriptions }] of byKind) {
      const labels = [appId, kindLabel(kind)];
      put('kulkul_channels', labels, channels);
      put('kulkul_subscriptions', labels, subscriptions);
    }
  }
}

/** `private-cache`, `public`, `user`. */
function kindLabel({ prefix, isUser }: ChannelKind): string {
  if (isUser) return 'user';
  return prefix === '' ? 'public' : prefix.slice(0, -1);
}
