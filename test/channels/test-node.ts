import { type Grant, TokenError } from '../../auth/grant.ts';
import { hmacHex } from '../../auth/hmac.ts';
import { readToken, tokenKeysFor, verifyToken } from '../../auth/json-web-token.ts';
import type { App, AppLimits } from '../../channels/app.ts';
import type { Broker } from '../../channels/broker.ts';
import type { ChannelStore } from '../../channels/channel-store.ts';
import { type ConnectRequest, connect } from '../../channels/connect.ts';
import type { Connection, Transport } from '../../channels/connection.ts';
import { disconnect } from '../../channels/disconnect.ts';
import type { Delivery, FanOut } from '../../channels/fan-out.ts';
import { MemoryBroker } from '../../channels/memory-broker.ts';
import { MemoryChannelStore } from '../../channels/memory-channel-store.ts';
import { MemoryOutbox } from '../../channels/memory-outbox.ts';
import { Node, type NodeOptions } from '../../channels/node.ts';
import { composeObservers, type Failed, type Observer, type VisitorFacts } from '../../channels/observer.ts';
import type { Outbox } from '../../channels/outbox.ts';
import { receive } from '../../channels/receive.ts';
import { wantsOf } from '../../channels/webhook-wants.ts';
import type { Disconnect } from '../../protocol/errors.ts';
import { FakeClock } from '../support/fake-clock.ts';

export const LIMITS: AppLimits = {
  maxConnections: -1,
  maxBackendEventsPerSecond: -1,
  maxClientEventsPerSecond: 10,
  maxAppClientEventsPerSecond: -1,
  maxReadRequestsPerSecond: -1,
  maxPresenceMembersPerChannel: 100,
  maxPresenceMemberBytes: 2048,
  maxChannelNameLength: 200,
  maxEventChannelsAtOnce: 100,
  maxEventNameLength: 200,
  maxEventPayloadBytes: 10_240,
  maxEventBatchSize: 10,
  cacheTtlSeconds: 60,
};

type AppOverrides = Partial<Omit<App, 'limits'>> & { readonly limits?: Partial<AppLimits> };

export function createApp({ limits, ...rest }: AppOverrides = {}): App {
  return {
    id: '3',
    keys: [{ key: 'key', secret: 'secret' }],
    enabled: true,
    forceTls: false,
    allowedOrigins: [],
    allowMissingOrigin: true,
    enableClientMessages: true,
    enableUserAuthentication: false,
    enableSubscriptionCountEvents: false,
    enableWatchlistEvents: true,
    tokens: undefined,
    channelRules: [],
    feeds: [],
    coalescing: [],
    webhooks: [],
    allowsPrivateTargets: true,
    encryptionMasterKey: undefined,
    ...rest,
    limits: { ...LIMITS, ...limits },
  };
}

/** Who comes, where that does not matter. */
export const VISITOR: VisitorFacts = { path: '/app/key', ip: '192.0.2.7', forwardedFor: '', origin: '', userAgent: '' };

interface TestNodeParts {
  readonly app?: AppOverrides;
  readonly options?: Partial<NodeOptions>;
  readonly clock?: FakeClock;
  readonly seams?: { readonly broker: Broker; readonly store: ChannelStore; readonly outbox?: Outbox };
  readonly observers?: readonly Observer[];
  readonly nodeId?: string;
}

/** A node without a network: clients are called, frames are kept, time stands still until it is turned. */
export class TestNode {
  readonly app: App;
  readonly clock: FakeClock;
  readonly node: Node;
  readonly outbox: MemoryOutbox;
  readonly fanOut = new LoopedFanOut();
  /** What observers were told of. */
  readonly failures: Failed[] = [];
  readonly ended: Pick<Disconnect, 'id' | 'code' | 'message'>[] = [];
  /** Ids of the errors that messages were answered with. */
  readonly refused: string[] = [];
  /** Apps that other nodes said to have changed. */
  readonly changedApps: (readonly string[] | undefined)[] = [];
  #socketIds = 0;

  constructor({
    app,
    options,
    clock = new FakeClock(),
    seams,
    observers = [],
    nodeId = 'test-node',
  }: TestNodeParts = {}) {
    this.app = createApp(app);
    this.clock = clock;
    const outbox = new MemoryOutbox(clock, {
      graceMs: 3000,
      wants: (_appId, channel) => wantsOf(this.app.webhooks, channel),
    });
    this.outbox = outbox;
    const memory = new MemoryBroker(clock, (appId, event) => outbox.append(appId, event));
    const observer = composeObservers([
      {
        disconnected: ({ cause, code, reason }) =>
          cause !== undefined && this.ended.push({ id: cause, code, message: reason }),
        messageRefused: ({ error }) => this.refused.push(error.id),
        subscriptionRefused: ({ error }) => this.refused.push(error.id),
        unsubscribed: ({ reason }) => reason && this.refused.push(reason.id),
        failed: (failure) => this.failures.push(failure),
      },
      ...observers,
    ]);
    this.node = new Node({
      options: {
        strictProtocol: false,
        maxFrameBytes: 32_768,
        activityTimeoutSeconds: 120,
        pongTimeoutSeconds: 30,
        maxBufferedBytesTotal: 1_000_000,
        userAuthenticationTimeoutMs: 30_000,
        subscriptionErrorEvent: true,
        maxSubscriptionsPerConnection: 10_000,
        lenientDuplicates: false,
        strictUnsubscribe: false,
        maxWatchlistSize: 100,
        disconnectOnGap: true,
        ...options,
      },
      broker: seams?.broker ?? memory,
      store:
        seams?.store ??
        new MemoryChannelStore(
          clock,
          (message) => memory.publish(message),
          () => (edge) => {
            outbox.onEdge(edge);
            observer.edge?.(edge);
          },
        ),
      outbox: seams?.outbox ?? outbox,
      fanOut: this.fanOut,
      clock,
      observer,
      nodeId,
      createSocketId: () => {
        this.#socketIds += 1;
        return `1.${this.#socketIds}`;
      },
      tokens: { verify: (app, token) => verifyLocally(app, token, clock.now() / 1000) },
      appsChanged: (ids) => this.changedApps.push(ids),
    });
  }

  /** A client that is let in at once. */
  connect(request: Partial<ConnectRequest> = {}): TestClient {
    const client = this.open(request);
    if (client.connecting instanceof Promise) throw new Error('the seams are slow: use open()');
    client.take();
    return client;
  }

  /** A client that begins to connect. */
  open(request: Partial<ConnectRequest> = {}): TestClient {
    return new TestClient(this, {
      appKey: 'key',
      app: this.app,
      protocol: '7',
      version: '8.6.0',
      origin: undefined,
      isTls: false,
      ...request,
    });
  }
}

/** As the server does it with keys that are configured. */
function verifyLocally({ tokens }: App, auth: string, nowSeconds: number): Grant {
  if (!tokens) throw new TokenError('tokens-not-configured', 'The app takes no tokens');
  const token = readToken(tokens, auth);
  return verifyToken(tokens, token, tokenKeysFor(tokens.keys, token.header), nowSeconds);
}

/** Loops over the subscribers of a topic, as a transport without native topics would. */
class LoopedFanOut implements FanOut {
  readonly topics = new Map<string, Set<TestClient>>();

  publish(topic: string, { frame }: Delivery, except: Connection | undefined): void {
    for (const client of this.topics.get(topic) ?? []) {
      if (client.connection === undefined || client.connection !== except) client.frames.push(frame);
    }
  }
}

/** The far end of a connection. */
export class TestClient {
  readonly #node: TestNode;
  /** Frames in the order in which they were sent or fanned out. */
  readonly frames: string[] = [];
  closedWith: { readonly code: number; readonly reason: string } | undefined;
  nativePings = 0;
  /** What was in the last of them. */
  nativePing: string | undefined;
  connection: Connection | undefined;
  readonly connecting: Promise<void> | undefined;
  #isGone = false;

  constructor(node: TestNode, request: ConnectRequest) {
    this.#node = node;
    const connected = connect(node.node, request, this.#transport(), VISITOR);
    if (connected instanceof Promise) {
      this.connecting = connected.then((connection) => {
        this.connection = connection;
      });
    } else {
      this.connection = connected;
    }
  }

  get socketId(): string {
    return this.connected.socketId;
  }

  get connected(): Connection {
    if (!this.connection) throw new Error('not connected');
    return this.connection;
  }

  /** The frames so far; they are counted as read. */
  take(): string[] {
    return this.frames.splice(0);
  }

  send(frame: unknown): void {
    receive(this.#node.node, this.connected, typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** Sends and takes what comes of it at once. */
  ask(frame: unknown): string[] {
    this.send(frame);
    return this.take();
  }

  subscribe(channel: string, channelData?: string): void {
    this.send({ event: 'pusher:subscribe', data: this.subscription(channel, channelData) });
  }

  unsubscribe(channel: string): void {
    this.send({ event: 'pusher:unsubscribe', data: { channel } });
  }

  /** What the application signs for this client. */
  signature(channel: string, channelData?: string): string {
    const signed = [this.socketId, channel, ...(channelData === undefined ? [] : [channelData])].join(':');
    return `key:${hmacHex('secret', signed)}`;
  }

  subscription(channel: string, channelData?: string): Record<string, string> {
    const data: Record<string, string> = { channel };
    if (/^(private|presence)-/.test(channel)) data.auth = this.signature(channel, channelData);
    if (channelData !== undefined) data.channel_data = channelData;
    return data;
  }

  signIn(userData: string): void {
    const auth = `key:${hmacHex('secret', `${this.socketId}::user::${userData}`)}`;
    this.send({ event: 'pusher:signin', data: { auth, user_data: userData } });
  }

  /** The network connection ends, with or without a goodbye. */
  vanish(): void {
    this.#isGone = true;
    for (const clients of this.#node.fanOut.topics.values()) clients.delete(this);
    if (this.connection) disconnect(this.#node.node, this.connection, { code: 1006, reason: '', cause: undefined });
  }

  #transport(): Transport {
    const { topics } = this.#node.fanOut;
    const isOpen = (): boolean => !this.#isGone;
    return {
      get isOpen() {
        return isOpen();
      },
      send: (frame) => {
        if (!this.#isGone && !this.closedWith) this.frames.push(frame);
      },
      close: (code, reason) => {
        this.closedWith ??= { code, reason };
        this.vanish();
      },
      cutOff: () => {
        this.closedWith ??= { code: 1006, reason: '' };
        this.vanish();
      },
      bufferedBytes: 0,
      ping: (payload) => {
        this.nativePings += 1;
        this.nativePing = payload;
      },
      subscribe: (topic) => {
        const clients = topics.get(topic) ?? new Set();
        topics.set(topic, clients.add(this));
      },
      unsubscribe: (topic) => topics.get(topic)?.delete(this),
    };
  }
}

/** An error frame, as it is on the wire. */
export function errorFrame(message: string, code: number | null = null): string {
  return JSON.stringify({ event: 'pusher:error', data: { code, message } });
}
