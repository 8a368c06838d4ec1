/** A broker for the tests of applications. The guide is docs/library.md#in-tests. */
import type { Broker, BrokerSettings } from './index.js';

/** An event that went through the broker. */
export interface ReceivedEvent {
  readonly channel: string;
  readonly event: string;
  /** Parsed, if it is JSON. */
  readonly data: unknown;
  /** Of the client that sent it; undefined: a backend did. */
  readonly socketId: string | undefined;
}

export interface WaitOptions {
  /** After which waiting fails, with a message that says what there was instead. Default: 2000. */
  readonly timeoutMs?: number;
}

export interface TestBroker extends Broker {
  /** What went through the broker since the start or `reset`. */
  readonly events: readonly ReceivedEvent[];
  /**
   * The next event of this name on this channel, which may have come already. Each call answers another one.
   *
   * @throws {Error} none came in time
   */
  received(channel: string, event: string, options?: WaitOptions): Promise<ReceivedEvent>;
  /** Socket ids of those who are subscribed to the channel now. */
  subscribers(channel: string): readonly string[];
  /**
   * Waits until at least so many connections are subscribed.
   *
   * @param count - default: 1
   * @returns their socket ids
   * @throws {Error} there were fewer of them in time
   */
  subscribed(channel: string, count?: number, options?: WaitOptions): Promise<readonly string[]>;
  /** Forgets all events. Connections stay. */
  reset(): void;
  /** For `new Pusher(broker.app.key, broker.clientOptions)` of pusher-js, and for Echo beside `broadcaster: 'pusher'`. */
  readonly clientOptions: {
    readonly cluster: string;
    readonly wsHost: string;
    readonly wsPort: number;
    readonly wssPort: number;
    readonly forceTLS: boolean;
    readonly enabledTransports: ('ws' | 'wss')[];
  };
  /** For `new Pusher(broker.serverOptions)` of the package `pusher`. */
  readonly serverOptions: {
    readonly appId: string;
    readonly key: string;
    readonly secret: string;
    readonly host: string;
    readonly port: string;
    readonly useTLS: false;
  };
  /** For Laravel and other backends, as variables of the environment: `PUSHER_APP_ID` and so on. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Starts a broker on a free port of loopback, without a log. Clients may send events, unless the settings name apps.
 *
 * @param settings - as of `startBroker`, without TLS
 */
export function startTestBroker(settings?: BrokerSettings): Promise<TestBroker>;
