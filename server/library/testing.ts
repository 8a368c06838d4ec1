import { topicOf } from '../../channels/local-channel.ts';
import type { BrokerEvents, BrokerObserver } from '../../types/index.d.ts';
import type * as api from '../../types/testing.d.ts';
import { openBroker } from './open-broker.ts';

const DEFAULTS = { host: '127.0.0.1', port: 0, 'log.level': 'silent' } as const;
const APP = { id: 'test-app', key: 'test-key', secret: 'test-secret', enableClientMessages: true };
const TIMEOUT_MS = 2000;

/** What `import … from 'kulkul/testing'` gives; types/testing.d.ts describes it. */
export const startTestBroker: typeof api.startTestBroker = async (settings = {}) => {
  const namesApps = Object.keys(settings).some((name) => /^app(Manager|Id|Key|Secret)(\.|$)/.test(name));
  const record = new Record();
  const { broker, server } = await openBroker(
    { ...DEFAULTS, ...(namesApps ? {} : { 'appManager.array.apps': [APP] }), ...settings },
    { observer: record.observer },
  );
  const { app, port } = broker;
  const subscribers = (channel: string): readonly string[] => {
    const { connections = [] } = server.node.channels.get(topicOf(app.id, channel)) ?? {};
    return [...connections].map(({ socketId }) => socketId);
  };
  return {
    ...broker,
    app,
    get events() {
      return record.events;
    },
    received: (channel, event, { timeoutMs = TIMEOUT_MS } = {}) =>
      record.wait(
        () => record.take(channel, event),
        timeoutMs,
        () => `No event ${event} on ${channel}. ${record.describe()}`,
      ),
    subscribers,
    subscribed: (channel, count = 1, { timeoutMs = TIMEOUT_MS } = {}) =>
      record.wait(
        () => (subscribers(channel).length >= count ? subscribers(channel) : undefined),
        timeoutMs,
        () => `${channel} has ${subscribers(channel).length} of ${count} subscribers. ${record.describeRefusals()}`,
      ),
    reset: () => record.reset(),
    clientOptions: {
      cluster: 'mt1',
      wsHost: '127.0.0.1',
      wsPort: port,
      wssPort: port,
      forceTLS: false,
      enabledTransports: ['ws', 'wss'],
    },
    serverOptions: {
      appId: app.id,
      key: app.key,
      secret: app.secret,
      host: '127.0.0.1',
      port: String(port),
      useTLS: false,
    },
    environment: {
      PUSHER_APP_ID: app.id,
      PUSHER_APP_KEY: app.key,
      PUSHER_APP_SECRET: app.secret,
      PUSHER_HOST: '127.0.0.1',
      PUSHER_PORT: String(port),
      PUSHER_SCHEME: 'http',
      PUSHER_APP_CLUSTER: 'mt1',
    },
  };
};

/** What happened at a broker, and who waits for more of it. */
class Record {
  readonly events: api.ReceivedEvent[] = [];
  /** Those that `received` has not answered yet. */
  readonly #untaken: api.ReceivedEvent[] = [];
  readonly #refusals: BrokerEvents['subscriptionRefused'][] = [];
  readonly #watchers = new Set<() => void>();

  readonly observer: BrokerObserver = {
    published: ({ channels, event, data }) => {
      for (const channel of channels) this.#add({ channel, event, data: parsed(data), socketId: undefined });
    },
    clientEvent: ({ channel, event, data, socketId }) => this.#add({ channel, event, data: parsed(data), socketId }),
    subscribed: () => this.#wake(),
    subscriptionRefused: (refusal) => {
      this.#refusals.push(refusal);
    },
  };

  take(channel: string, event: string): api.ReceivedEvent | undefined {
    const at = this.#untaken.findIndex((one) => one.channel === channel && one.event === event);
    return at < 0 ? undefined : this.#untaken.splice(at, 1)[0];
  }

  /** Looks now, and each time that something happened. */
  wait<T>(look: () => T | undefined, timeoutMs: number, explain: () => string): Promise<T> {
    const found = look();
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher);
        reject(new Error(`${explain()} (waited ${timeoutMs} ms)`));
      }, timeoutMs);
      const watcher = (): void => {
        const now = look();
        if (now === undefined) return;
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve(now);
      };
      this.#watchers.add(watcher);
    });
  }

  describe(): string {
    const names = this.events.slice(-10).map(({ channel, event }) => `${event} on ${channel}`);
    return names.length === 0 ? 'Nothing was published' : `Published, the last at the end: ${names.join(', ')}`;
  }

  describeRefusals(): string {
    const reasons = this.#refusals.slice(-5).map(({ channel, reason }) => `${channel}: ${reason}`);
    return reasons.length === 0 ? 'No subscription was refused' : `Refused: ${reasons.join('; ')}`;
  }

  reset(): void {
    this.events.length = 0;
    this.#untaken.length = 0;
    this.#refusals.length = 0;
  }

  #add(event: api.ReceivedEvent): void {
    this.events.push(event);
    this.#untaken.push(event);
    this.#wake();
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}
