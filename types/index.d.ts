/** A broker in the process of a program. The guide is docs/library.md. */

/** An app as in `appManager.array.apps`; docs/config.md lists all its options. */
export interface AppSettings {
  readonly id: string;
  /** May be absent, with `secret`, where `keys` is given. */
  readonly key?: string;
  readonly secret?: string;
  /** More pairs. */
  readonly keys?: readonly { readonly key: string; readonly secret: string }[];
  readonly enableClientMessages?: boolean;
  readonly enableSubscriptionCountEvents?: boolean;
  readonly enableWatchlistEvents?: boolean;
  readonly [option: string]: unknown;
}

/**
 * Settings as in a configuration file, nested or with dotted names; docs/config.md lists them all. Only the most common ones have types here. The environment,
 * `.env` and configuration files are not read. Without an app, one with random credentials is made.
 */
export interface BrokerSettings {
  /** Default: `0.0.0.0`, all addresses of this machine. */
  readonly host?: string;
  /** 0: any free port. Default: 6001. */
  readonly port?: number;
  readonly 'appManager.array.apps'?: readonly AppSettings[];
  /** The only app, in short. */
  readonly appId?: string;
  readonly appKey?: string;
  readonly appSecret?: string;
  readonly 'log.level'?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly [setting: string]: unknown;
}

/** An app with the first of its keys. */
export interface AppCredentials {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
}

export interface Member {
  readonly userId: string;
  /** As the application's backend signed it; undefined: it said nothing. */
  readonly userInfo: unknown;
}

/** Events, in their order. Each has the id of the app that it belongs to. */
export interface BrokerEvents {
  connected: { readonly appId: string; readonly socketId: string; readonly ip: string; readonly userAgent: string };
  /** `code` and `reason` as in the close frame; 1006: there was none. */
  disconnected: { readonly appId: string; readonly socketId: string; readonly code: number; readonly reason: string };
  subscribed: {
    readonly appId: string;
    readonly socketId: string;
    readonly channel: string;
    readonly member: Member | undefined;
  };
  /** Also of each channel of a connection that ends. */
  unsubscribed: { readonly appId: string; readonly socketId: string; readonly channel: string };
  subscriptionRefused: {
    readonly appId: string;
    readonly socketId: string;
    readonly channel: string;
    readonly status: number;
    readonly reason: string;
  };
  signedIn: { readonly appId: string; readonly socketId: string; readonly userId: string };
  /** By a backend, or by `publish`. `data` is the text that clients receive: mostly JSON. */
  published: {
    readonly appId: string;
    readonly channels: readonly string[];
    readonly event: string;
    readonly data: string;
  };
  /** By a client. */
  clientEvent: {
    readonly appId: string;
    readonly socketId: string;
    readonly channel: string;
    readonly event: string;
    readonly data: string;
  };
  /** The first subscriber came, of all brokers that share a Redis. One of them tells it. */
  channelOccupied: { readonly appId: string; readonly channel: string };
  channelVacated: { readonly appId: string; readonly channel: string };
  memberAdded: { readonly appId: string; readonly channel: string; readonly userId: string };
  memberRemoved: { readonly appId: string; readonly channel: string; readonly userId: string };
}

/** Is called for the events that it has functions for. They return quickly, because clients wait. What they throw is logged. */
export type BrokerObserver = { readonly [Name in keyof BrokerEvents]?: (event: BrokerEvents[Name]) => void };

export interface BrokerOptions {
  readonly observer?: BrokerObserver;
  /** Takes the log: one JSON text per line, with its line feed. Default: standard output. */
  readonly log?: (line: string) => void;
}

export interface PublishOptions {
  /** The app, where there are several. Default: the first. */
  readonly appId?: string;
  /** Socket id of a client that does not get the event, mostly because it caused it. */
  readonly except?: string;
}

export interface Broker {
  readonly port: number;
  /** Of the HTTP API, such as `http://127.0.0.1:6001`. Where the broker listens on all addresses, the one of this machine. */
  readonly url: string;
  /** Of WebSockets, without a path. */
  readonly wsUrl: string;
  /** The first app. */
  readonly app: AppCredentials;
  /** The apps of the settings; none where apps come from a database. */
  readonly apps: readonly AppCredentials[];
  /**
   * Publishes an event, as a request to the HTTP API does, and under the same limits.
   *
   * @param data - becomes JSON, unless it is a string
   * @returns resolves when the event is on its way to every subscriber
   */
  publish(channels: string | readonly string[], event: string, data: unknown, options?: PublishOptions): Promise<void>;
  /** Disconnects all clients, and ends. A second call changes nothing. */
  close(): Promise<void>;
}

/**
 * Starts a broker in this process.
 *
 * @throws an error that names each problem of the settings, or says why the broker can't listen
 */
export function startBroker(settings?: BrokerSettings, options?: BrokerOptions): Promise<Broker>;
