import type { Grant } from '../auth/grant.ts';
import { CLOSE_CODES, Disconnect } from '../protocol/errors.ts';
import { encodeError, PING_FRAME } from '../protocol/server-message.ts';
import type { App } from './app.ts';
import { NodeNumbers } from './app-numbers.ts';
import type { Broker, BrokerMessage } from './broker.ts';
import type { ChannelStore } from './channel-store.ts';
import type { Clock } from './clock.ts';
import { Coalescer } from './coalescer.ts';
import type { Connection } from './connection.ts';
import { disconnect, endingBy, PacedEnd } from './disconnect.ts';
import { DueTimes } from './due-times.ts';
import type { FanOut } from './fan-out.ts';
import { CostlyFrames } from './frame-budget.ts';
import { Liveness } from './liveness.ts';
import { type ChannelRole, LocalChannel, othersIn, topicOf } from './local-channel.ts';
import { after, type MaybePromise } from './maybe-promise.ts';
import { NodeQuestions } from './node-questions.ts';
import { isNodesChannel, NODES_APP, NodesChannel } from './nodes-channel.ts';
import { type ComposedObserver, composeObservers, type Observer } from './observer.ts';
import type { Outbox } from './outbox.ts';
import { RateLimits } from './rate-limits.ts';
import { takeTurn } from './receive.ts';
import { correctRoster } from './roster.ts';
import { SharedTexts } from './shared-texts.ts';
import { attributesOf, type Tracer, within } from './tracer.ts';
import { Uptake } from './uptake.ts';
import { userEnding } from './user-connections.ts';
import { WANTS, wantsOf } from './webhook-wants.ts';

/** How a node behaves; times in the unit of the name. */
export interface NodeOptions {
  readonly strictProtocol: boolean;
  readonly maxFrameBytes: number;
  readonly activityTimeoutSeconds: number;
  readonly pongTimeoutSeconds: number;
  readonly userAuthenticationTimeoutMs: number;
  /** What may wait for all connections together. */
  readonly maxBufferedBytesTotal: number;
  /** Tell a refused subscription on the channel too (`pusher:subscription_error`). */
  readonly subscriptionErrorEvent: boolean;
  /** -1 for any number. */
  readonly maxSubscriptionsPerConnection: number;
  readonly lenientDuplicates: boolean;
  readonly strictUnsubscribe: boolean;
  readonly maxWatchlistSize: number;
  /** End connections that may have missed an event (4200), rather than leave them with a gap they don't know of. */
  readonly disconnectOnGap: boolean;
}

export interface NodeParts {
  readonly options: NodeOptions;
  readonly broker: Broker;
  readonly store: ChannelStore;
  readonly outbox: Outbox;
  readonly fanOut: FanOut;
  readonly clock: Clock;
  /** Told of what happens here, as long as the node is there. */
  readonly observer: ComposedObserver;
  /** Unique over all nodes. */
  readonly nodeId: string;
  /** A new id, unique over all nodes and not to be guessed: two integers below 2^53 joined by a dot. */
  readonly createSocketId: () => string;
  readonly tokens: TokenVerifier;
  /** The time of an event that is published now, if its way is to be timed. Left out: of none is. */
  readonly publishTime?: (() => number | undefined) | undefined;
  /** Default: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Told of apps that were changed elsewhere; undefined: any of them may be. */
  readonly appsChanged: (ids: readonly string[] | undefined) => void;
}

/** One event loop with its connections and the channels they are in. The use cases beside this file work on it. */
export class Node {
  readonly options: NodeOptions;
  readonly broker: Broker;
  readonly store: ChannelStore;
  readonly outbox: Outbox;
  readonly coalescer: Coalescer;
  readonly clock: Clock;
  /** Told of what happens here. Another one after `watch`, so that it is to be asked for anew each time. */
  observer: ComposedObserver;
  readonly createSocketId: () => string;
  readonly tokens: TokenVerifier;
  readonly tracer: Tracer | undefined;
  readonly nodesChannel: NodesChannel;
  readonly questions: NodeQuestions;
  readonly dueTimes: DueTimes;
  readonly costlyFrames: CostlyFrames;
  readonly uptake: Uptake;
  readonly publishTime: (() => number | undefined) | undefined;
  readonly rateLimits: RateLimits;
  readonly liveness: Liveness;
  /** Accepted connections by socket id. */
  readonly connections = new Map<string, Connection>();
  /** Connections that wait to be counted, and why they can't come in after all. */
  readonly arriving = new Map<Connection, Disconnect | undefined>();
  /** Channels with a connection of this node, by topic. */
  readonly channels = new Map<string, LocalChannel>();
  readonly numbers = new NodeNumbers();
  /** `Origin` headers of connections: most are the same. */
  readonly origins = new SharedTexts();
  readonly #pacedEnd: PacedEnd;
  readonly #lastingObserver: ComposedObserver;
  readonly #guests = new Set<Observer>();
  /** The node is stopping: new connections are refused. */
  isDraining = false;
  /** Number of the connection that came last. */
  lastSerial = 0;

  constructor(parts: NodeParts) {
    this.options = parts.options;
    this.broker = parts.broker;
    this.store = parts.store;
    this.outbox = parts.outbox;
    this.observer = parts.observer;
    this.#lastingObserver = parts.observer;
    this.coalescer = new Coalescer(parts.clock, parts.fanOut, this);
    this.clock = parts.clock;
    this.publishTime = parts.publishTime;
    this.rateLimits = new RateLimits(parts.clock);
    this.costlyFrames = new CostlyFrames(parts.clock, (connection, message, length) =>
      takeTurn(this, connection, message, length),
    );
    this.createSocketId = parts.createSocketId;
    this.tokens = parts.tokens;
    this.tracer = parts.tracer;
    this.nodesChannel = new NodesChannel(this, parts.appsChanged);
    this.questions = new NodeQuestions(this, parts.nodeId);
    this.dueTimes = new DueTimes(parts.clock, (error) => this.observer.failed({ error, during: 'a due task' }));
    this.#pacedEnd = new PacedEnd(this);
    this.uptake = new Uptake(this);
    this.liveness = new Liveness(
      this.dueTimes,
      parts.options.activityTimeoutSeconds,
      parts.options.pongTimeoutSeconds,
      askForLife,
      (connection) => this.end(connection, PONG_TIMEOUT),
    );
    this.broker.listen(
      (message) => this.deliver(message),
      (message) => this.#countReceivers(message),
    );
  }

  /**
   * Tells an observer of what happens from now on, until the function that is returned is called. What it does not want to know costs nothing then, and
   * nothing costs anything after that.
   */
  watch(observer: Observer): () => void {
    this.#guests.add(observer);
    this.#composeObserver();
    return () => {
      this.#guests.delete(observer);
      this.#composeObserver();
    };
  }

  #composeObserver(): void {
    const guests = [...this.#guests];
    this.observer = guests.length === 0 ? this.#lastingObserver : composeObservers([this.#lastingObserver, ...guests]);
  }

  /** Hands a message of the broker to the connections of this node. */
  deliver(message: BrokerMessage): void {
    const channel = this.channels.get(topicOf(message.appId, message.channel));
    if (!channel) {
      if (message.appId === NODES_APP) this.#takeFromNodes(message);
      return;
    }
    if (channel.role === 'termination') {
      this.#endUser(channel, message.frame);
      return;
    }
    const { member, position } = message;
    const isNews = !member || !channel.roster || channel.roster.note(member, position);
    if (isNews) {
      if (message.traceparent === undefined) this.#handOn(channel, message);
      else this.#handOnTraced(channel, message);
    }
    if (position !== undefined) channel.reach(position);
  }

  /**
   * The channel on this node, which listens to it. It stays until `release`, which must follow once when a connection
   * has entered or given up.
   */
  open(app: App, name: string, role: ChannelRole): MaybePromise<LocalChannel> {
    const channel = this.channels.get(topicOf(app.id, name)) ?? this.#listen(new LocalChannel(app, name, role));
    channel.holds += 1;
    return channel.opening ?? channel;
  }

  /**
   * Before the first connection of this node enters a channel: has webhooks told that it is occupied, where one wants to know. Its subscriber is
   * answered after that, so that no crash can come in between.
   */
  occupy(channel: LocalChannel): MaybePromise<void> {
    const { app, name, kind, role } = channel;
    if (channel.connections.size > 0 || kind.isPresence || role !== 'application') return;
    if ((wantsOf(app.webhooks, name) & WANTS.occupation) === 0) return;
    channel.isOccupiedAhead = true;
    return this.store.occupy(app.id, name);
  }

  /** Puts a connection into a channel: from now on it receives what is published there. */
  enter(connection: Connection, channel: LocalChannel): void {
    this.coalescer.release(channel);
    channel.connections.add(connection);
    if (channel.role === 'application') this.numbers.entered(channel);
    if (channel.role !== 'termination') connection.transport.subscribe(channel.topic);
    this.#count(channel);
  }

  /** Takes a connection out of a channel, and forgets the channel when it was the last. */
  leave(connection: Connection, channel: LocalChannel): void {
    channel.connections.delete(connection);
    if (channel.role === 'application') this.numbers.left(channel);
    if (channel.role !== 'termination') connection.transport.unsubscribe(channel.topic);
    this.#count(channel);
    this.#forgetIfUnused(channel);
  }

  /** Tells the subscribers of a channel how many they are now, where the app wants it. */
  announceCount({ app, name, kind, role }: LocalChannel): void {
    if (!app.enableSubscriptionCountEvents || kind.isPresence || kind.isUser || role !== 'application') return;
    this.store.announceSubscriptionCount(app.id, name);
  }

  /** Takes back one `open`, and forgets the channel when no connection entered it. */
  release(channel: LocalChannel): void {
    channel.holds -= 1;
    if (channel.holds === 0) {
      channel.latest = undefined;
      if (channel.isOccupiedAhead && channel.connections.size === 0) this.#count(channel);
      channel.isOccupiedAhead = false;
    }
    this.#forgetIfUnused(channel);
  }

  /**
   * Tells a channel's subscribers that they missed something, by ending their connections: they come back and fetch what they need.
   * Spread over a moment, so that they don't come all at once.
   *
   * @param position - up to which messages are accounted for now
   */
  missed(appId: string, name: string, position: number): void {
    if (isNodesChannel(appId, name)) this.nodesChannel.resync();
    const channel = this.channels.get(topicOf(appId, name));
    if (!channel) return;
    if (this.options.disconnectOnGap) this.#pacedEnd.add(channel.connections, MISSED_EVENTS);
    channel.reach(position);
  }

  /**
   * Corrects what a channel's subscribers know of its members and their number, after messages were lost.
   *
   * @param position - up to which messages are accounted for now
   */
  skipped(appId: string, name: string, position: number): void {
    const channel = this.channels.get(topicOf(appId, name));
    if (!channel) return;
    channel.reach(Math.max(position, channel.position));
    if (channel.roster) this.settle(correctRoster(this, channel), 'correcting a roster');
    this.announceCount(channel);
  }

  /** Makes what clients know of presence channels agree with the store, after it or the way to it was lost. */
  correctRosters(): void {
    for (const channel of this.channels.values()) {
      if (channel.roster) this.settle(correctRoster(this, channel), 'correcting a roster');
    }
  }

  /** Whether any connection of this node is an app's. */
  hasConnections(appId: string): boolean {
    return (this.numbers.apps.get(appId)?.connections ?? 0) > 0;
  }

  /** Ends a connection with an error frame and a close frame of the same code and text. */
  end(connection: Connection, reason: Disconnect): void {
    if (connection.isClosed) return;
    for (const { channel } of connection.subscriptions.values()) this.coalescer.release(channel);
    connection.transport.send(encodeError(reason.code, reason.message));
    disconnect(this, connection, endingBy(reason));
    connection.transport.close(reason.code, reason.message);
  }

  /** Ends a connection without an error frame, which its client would not read, and frees its buffers. */
  cutOff(connection: Connection, reason: Disconnect): void {
    if (connection.isClosed) return;
    disconnect(this, connection, endingBy(reason));
    connection.transport.cutOff();
  }

  /** Delivers no more messages: all connections are about to end. */
  mute(): void {
    this.broker.listen(() => {});
  }

  /** Lets work continue in the background; a failure is reported to the observers. */
  settle(work: MaybePromise<unknown>, during: string): void {
    if (work instanceof Promise) work.catch((error: unknown) => this.observer.failed({ error, during }));
  }

  /** Stops timers and seams. Connections must be gone. */
  close(): MaybePromise<void> {
    this.liveness.stop();
    this.uptake.stop();
    this.#pacedEnd.stop();
    this.dueTimes.stop();
    return after(this.broker.close(), () => this.store.close());
  }

  #takeFromNodes({ appId, channel, frame }: BrokerMessage): void {
    if (isNodesChannel(appId, channel)) this.nodesChannel.take(frame);
    else this.questions.take(channel, frame);
  }

  #listen(channel: LocalChannel): LocalChannel {
    const { app, name, topic } = channel;
    this.channels.set(topic, channel);
    const listening = this.broker.subscribe(app.id, name);
    if (listening instanceof Promise) {
      channel.opening = listening.then(
        (begin) => {
          channel.opening = undefined;
          if (begin !== undefined) channel.reach(Math.max(begin, channel.position));
          return channel;
        },
        (error: unknown) => {
          // Whoever waits for this channel hears of the error; the next one to come tries anew.
          this.channels.delete(topic);
          throw error;
        },
      );
    }
    return channel;
  }

  /** Forgets a channel that nobody is in, a moment later where coming back at once would cost a round trip. */
  #forgetIfUnused(channel: LocalChannel): void {
    if (!this.#isUnused(channel) || channel.isLingering) return;
    if (this.broker.lingerMs === 0) {
      this.#forget(channel);
      return;
    }
    channel.isLingering = true;
    this.clock.schedule(() => {
      channel.isLingering = false;
      if (this.#isUnused(channel)) this.#forget(channel);
    }, this.broker.lingerMs);
  }

  #isUnused(channel: LocalChannel): boolean {
    return channel.connections.size === 0 && channel.holds === 0 && this.channels.get(channel.topic) === channel;
  }

  #forget(channel: LocalChannel): void {
    this.channels.delete(channel.topic);
    channel.held = undefined;
    this.settle(this.broker.unsubscribe(channel.app.id, channel.name), 'broker.unsubscribe');
  }

  #count(channel: LocalChannel): void {
    if (channel.role !== 'application' || channel.kind.isUser) return;
    this.store.setSubscriptionCount(channel.app.id, channel.name, channel.connections.size);
  }

  #handOn(channel: LocalChannel, message: BrokerMessage): void {
    channel.noteKept(message);
    const { exceptSocketId } = message;
    const excluded = exceptSocketId === undefined ? undefined : this.connections.get(exceptSocketId);
    const except = excluded && channel.connections.has(excluded) ? excluded : undefined;
    this.coalescer.publish(channel, message, except);
    this.uptake.handedOn(channel, message.frame.length);
  }

  #handOnTraced(channel: LocalChannel, message: BrokerMessage): void {
    const span = this.tracer?.start('deliver', {
      kind: 'consumer',
      parent: message.traceparent,
      attributes: {
        ...attributesOf(message),
        'messaging.operation.name': 'deliver',
        'messaging.operation.type': 'process',
        'kulkul.connections': this.#countReceivers(message),
      },
    });
    if (!span) this.#handOn(channel, message);
    else void within(span, () => this.#handOn(channel, message));
  }

  #countReceivers({ appId, channel: name, exceptSocketId }: BrokerMessage): number {
    const channel = this.channels.get(topicOf(appId, name));
    if (!channel) return 0;
    return othersIn(channel, exceptSocketId === undefined ? undefined : this.connections.get(exceptSocketId));
  }

  #endUser(channel: LocalChannel, message: string): void {
    const reason = userEnding(message);
    for (const connection of [...channel.connections]) this.end(connection, reason);
  }
}

const MISSED_EVENTS = new Disconnect(
  'missed-events',
  CLOSE_CODES.reconnect,
  'Events may have been missed while this server was cut off from the others: reconnect now',
);

const PONG_TIMEOUT = new Disconnect(
  'pong-timeout',
  CLOSE_CODES.pongTimeout,
  'Pong reply not received: ping was sent to the client, but no reply was received',
);

/** Both kinds: plain clients answer the WebSocket's ping by themselves, others know only the protocol's. */
function askForLife(connection: Connection): void {
  connection.transport.ping();
  connection.transport.send(PING_FRAME);
}

/** Tells what a token grants in an app. */
export interface TokenVerifier {
  /**
   * Checks a JSON Web Token. The answer is there at once, but where keys have to be fetched from whoever publishes them.
   *
   * @param token - as received, which may begin with `Bearer `
   * @throws {TokenError} it is not taken, or can't be checked now (status 503); rejects with the same
   */
  verify(app: App, token: string): MaybePromise<Grant>;
}
