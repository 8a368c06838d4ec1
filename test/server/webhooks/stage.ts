import pino from 'pino';
import type { App } from '../../../channels/app.ts';
import { MemoryOutbox } from '../../../channels/memory-outbox.ts';
import type { Webhook, WebhookEvent } from '../../../protocol/webhook.ts';
import { WEBHOOK_EVENT_TYPES } from '../../../protocol/webhook.ts';
import { AppStoreUnavailable } from '../../../server/apps/app-store.ts';
import { logOptions, SampledLog } from '../../../server/log.ts';
import { Dispatcher } from '../../../server/webhooks/dispatcher.ts';
import type { WebhookOptions } from '../../../server/webhooks/options.ts';
import type { Sender, WebhookAnswer, WebhookRequest } from '../../../server/webhooks/sender.ts';
import { createApp } from '../../channels/test-node.ts';
import { FakeClock } from '../../support/fake-clock.ts';

export const OPTIONS: WebhookOptions = {
  batchMs: undefined,
  retryMs: 300_000,
  maxQueued: 10_000,
  concurrency: 10,
  deadLetters: { max: 1000, maxAgeMs: 604_800_000 },
};

export function webhook(id: string, more: Partial<Webhook> = {}): Webhook {
  const url = `http://app.example/${id}`;
  return { id, url, eventTypes: WEBHOOK_EVENT_TYPES, startsWith: [], endsWith: [], headers: {}, ...more };
}

export const occupied = (channel: string): WebhookEvent => ({ name: 'channel_occupied', channel });

/** A request as tests look at it. */
export interface Sent {
  /** Id of the webhook. */
  readonly to: string;
  readonly channels: readonly string[];
  readonly ids: readonly string[];
  readonly timeMs: number;
  readonly request: WebhookRequest;
  answer(status: number): void;
  fail(message: string): void;
}

/** Keeps each request until the test answers it, unless it has a status for all. */
export class FakeSender implements Sender {
  readonly sent: Sent[] = [];
  /** What a request is answered with at once; undefined: nothing. */
  reply: (sent: Sent) => number | undefined = () => undefined;
  underWay = 0;
  mostUnderWay = 0;
  isClosed = false;

  send(request: WebhookRequest): Promise<WebhookAnswer> {
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    return new Promise((resolve, reject) => {
      const { time_ms, events } = JSON.parse(request.body) as { time_ms: number; events: WebhookEvent[] };
      const sent: Sent = {
        to: request.url.slice(request.url.lastIndexOf('/') + 1),
        channels: events.map(({ channel }) => channel),
        ids: request.headers['X-Kulkul-Event-Ids']?.split(',') ?? [],
        timeMs: time_ms,
        request,
        answer: (status) => {
          this.underWay -= 1;
          resolve({ status, headers: {}, body: '' });
        },
        fail: (message) => {
          this.underWay -= 1;
          reject(new Error(message));
        },
      };
      this.sent.push(sent);
      const status = this.reply(sent);
      if (status !== undefined) sent.answer(status);
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  /** `webhook channel` of each request since the last call. */
  take(): string[] {
    return this.sent.splice(0).map(({ to, channels }) => `${to} ${channels.join('+')}`);
  }
}

/** A dispatcher with a sender that sends nothing and a clock that stands still. */
export class Stage {
  readonly clock: FakeClock;
  readonly outbox: MemoryOutbox;
  readonly sender = new FakeSender();
  readonly lines: Readonly<Record<string, unknown>>[] = [];
  readonly dispatcher: Dispatcher;
  app: App;
  /** False: the database of the apps is away. */
  isDatabaseUp = true;

  constructor(
    options: Partial<WebhookOptions> = {},
    webhooks: readonly Webhook[] = [webhook('one')],
    own?: { readonly clock: FakeClock; readonly outbox: MemoryOutbox },
  ) {
    this.clock = own?.clock ?? new FakeClock();
    this.outbox = own?.outbox ?? new MemoryOutbox(this.clock, { graceMs: 3000, wants: () => -1 });
    this.app = createApp({ id: '1', webhooks });
    const log = pino(logOptions('info'), { write: (line: string) => void this.lines.push(JSON.parse(line)) });
    this.dispatcher = new Dispatcher({
      outbox: this.outbox,
      apps: {
        byId: (id) => {
          if (!this.isDatabaseUp) return Promise.reject(new AppStoreUnavailable('the database is away'));
          return id === this.app.id ? this.app : undefined;
        },
      },
      sender: this.sender,
      options: { ...OPTIONS, ...options },
      clock: this.clock,
      random: () => 0,
      log: new SampledLog(log, this.clock),
    });
  }

  append(...channels: readonly string[]): void {
    for (const channel of channels) this.outbox.append('1', occupied(channel));
  }

  /** Lets all happen that needs no time. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets time pass, second by second, as work has to be done in between. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1000) {
      this.clock.advance(Math.min(left, 1000));
      await this.settled();
    }
  }

  letters(webhookId = 'one') {
    return this.outbox.deadLetters('1', webhookId);
  }

  logged(text: string): readonly Readonly<Record<string, unknown>>[] {
    return this.lines.filter(({ msg }) => String(msg).includes(text));
  }
}
