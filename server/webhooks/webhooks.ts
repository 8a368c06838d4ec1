import type { App } from '../../channels/app.ts';
import type { Clock } from '../../channels/clock.ts';
import type { Outbox, WebhookState } from '../../channels/outbox.ts';
import type { Tracer } from '../../channels/tracer.ts';
import type { AppDirectory } from '../apps/app-directory.ts';
import type { Settings } from '../config/index.ts';
import type { SampledLog } from '../log.ts';
import { TracedSender } from '../trace/traced-sender.ts';
import type { Dispatcher } from './dispatcher.ts';
import { type WebhookOperations, webhookOperations } from './operations.ts';
import type { WebhookOptions } from './options.ts';
import type { Sender } from './sender.ts';
import type { WebhookWatch } from './target.ts';

export interface WebhooksParts {
  readonly settings: Settings;
  readonly outbox: Outbox;
  readonly apps: AppDirectory;
  readonly clock: Clock;
  readonly log: SampledLog;
  /** Left out: nobody counts. */
  readonly watch?: WebhookWatch | undefined;
  readonly tracer: Tracer | undefined;
}

/** The webhooks of a node's apps. A node that knows of none loads nothing for them, and polls nothing. */
export class Webhooks {
  readonly operations: WebhookOperations;
  readonly #parts: WebhooksParts;
  #sender: Promise<Sender> | undefined;
  #dispatcher: Promise<Dispatcher> | undefined;
  /** Once it has started. */
  #running: Dispatcher | undefined;
  #isStopped = false;

  constructor(parts: WebhooksParts) {
    this.#parts = parts;
    this.operations = webhookOperations({
      outbox: parts.outbox,
      find: (appId) => parts.apps.byId(appId),
      sender: () => this.sender(),
      now: parts.clock.now,
      work: () => this.work(),
    });
  }

  /** An app is known, perhaps not for the first time. */
  readonly know = (app: App | undefined): void => {
    if (app && app.webhooks.length > 0 && !this.#dispatcher) this.work();
  };

  /** Has this node deliver what webhooks are to be told. A second call changes nothing. */
  work(): void {
    if (this.#isStopped) return;
    this.#dispatcher ??= this.#start();
    this.#dispatcher.catch((error: unknown) => {
      this.#parts.log.error({ err: error, during: 'starting webhooks' }, 'unexpected failure');
    });
  }

  /** Of the webhooks that this node tells something now. */
  states(): readonly WebhookState[] {
    return this.#running?.states() ?? [];
  }

  /** Loaded on demand: most brokers send nothing. */
  sender(): Promise<Sender> {
    this.#sender ??= import('./sender.ts').then(({ HttpSender }) => {
      const { settings, clock, tracer } = this.#parts;
      const sender = new HttpSender({ timeoutMs: settings.webhooks.timeoutSeconds * 1000, clock });
      return tracer ? new TracedSender(sender, tracer) : sender;
    });
    return this.#sender;
  }

  /**
   * Ends after the clients.
   *
   * @param timeMs - for what would be lost otherwise
   */
  async stop(timeMs: number): Promise<void> {
    this.#isStopped = true;
    // The clock keeps no process alive, and what is waited for may have nothing else to do so.
    const alive = setInterval(() => {}, timeMs);
    const dispatcher = await this.#dispatcher?.catch(() => undefined);
    const events = (await dispatcher?.stop(timeMs)) ?? 0;
    clearInterval(alive);
    if (events > 0) {
      this.#parts.log.error(
        { events },
        'events for webhooks are lost: there was no time for them (webhooks.journal keeps them)',
      );
    }
    await (await this.#sender?.catch(() => undefined))?.close();
  }

  /** Ends at once. */
  async kill(): Promise<void> {
    this.#isStopped = true;
    (await this.#dispatcher?.catch(() => undefined))?.kill();
    await (await this.#sender?.catch(() => undefined))?.close();
  }

  async #start(): Promise<Dispatcher> {
    const { settings, ...parts } = this.#parts;
    const [sender, { Dispatcher }] = await Promise.all([this.sender(), import('./dispatcher.ts')]);
    const dispatcher = new Dispatcher({ ...parts, sender, options: webhookOptions(settings), random: Math.random });
    dispatcher.start();
    this.#running = dispatcher;
    return dispatcher;
  }
}

function webhookOptions({ webhooks }: Settings): WebhookOptions {
  const { batching, retrySeconds, maxQueued, concurrency, deadLetters } = webhooks;
  return {
    batchMs: batching.enabled ? batching.duration : undefined,
    retryMs: retrySeconds * 1000,
    maxQueued,
    concurrency,
    deadLetters: { max: deadLetters.max, maxAgeMs: deadLetters.maxAgeHours * 3_600_000 },
  };
}
