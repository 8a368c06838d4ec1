import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../channels/clock.ts';
import type { OnEdge } from '../channels/edge.ts';
import { Node, type NodeOptions } from '../channels/node.ts';
import { composeObservers, type Observer } from '../channels/observer.ts';
import { replaceApp } from '../channels/replace-app.ts';
import { AddressGate, AddressLimits } from './address-limits.ts';
import type { AppDirectory } from './apps/app-directory.ts';
import { createAppDirectory, useSettings } from './apps/create-app-directory.ts';
import { TrustedAddresses } from './client-address.ts';
import { systemClock } from './clock.ts';
import { createLimits } from './config/app-from-config.ts';
import type { LoadedConfig, Settings } from './config/index.ts';
import { LastRefusals } from './console/connection-list.ts';
import { ConsoleNode, type ConsoleOperations } from './console/console-node.ts';
import { endClients, moveClients } from './drain.ts';
import { Entrance } from './entrance.ts';
import { TopicFanOut } from './fan-out.ts';
import { serveStreams } from './feeds/serve-streams.ts';
import { Cors } from './http/cors.ts';
import { ErrorPages } from './http/error-pages.ts';
import { OpenRequests } from './http/exchange.ts';
import { Health, type OtherWorkers, type Readiness } from './http/health.ts';
import { HttpServer } from './http/http-server.ts';
import { RefusalBudget } from './http/refusal-budget.ts';
import { Listener } from './listener.ts';
import { type Logger, SampledLog } from './log.ts';
import { logObserver } from './log-observer.ts';
import type { Snapshot } from './metrics/collection.ts';
import { NodeMetrics } from './metrics/node-metrics.ts';
import { MAIN_PROCESS } from './metrics/process-figures.ts';
import { maxConnections, OpenConnections } from './open-connections.ts';
import { packageVersion } from './package-root.ts';
import { createSeams, type Seams } from './seams.ts';
import { createSocketIdSource } from './socket-id.ts';
import { KeyedTokenVerifier } from './tokens/token-verifier.ts';
import type { ExportedTraces } from './trace/open-telemetry.ts';
import type { WebhookOperations } from './webhooks/operations.ts';
import { Webhooks } from './webhooks/webhooks.ts';
import { HARD_FRAME_FACTOR, serveWebSockets } from './ws/web-socket-server.ts';

/** How long a stopping node waits for pending requests, in milliseconds. */
const ANSWER_MS = 3000;
/** What webhooks have at least, however long it took to part from the clients, in milliseconds. */
const WEBHOOKS_MS = 3000;
/** How long a stopping node waits for the receiver of its traces, in milliseconds. */
const TRACES_MS = 2000;
/** Clients per second in a takeover: all of them at once would overflow the new process's queue of connections. */
const TAKEN_OVER_PER_SECOND = 5000;

/**
 * How a node disconnects its clients. `restart`: they reconnect here, a second later. `move`: to other nodes, at once. `takeover`: to
 * another process on the same port.
 */
export type Parting = 'restart' | 'move' | 'takeover';

/** A running broker. */
export interface Server {
  readonly port: number;
  /** Connections and channels as they are now; to look at, not to change. */
  readonly node: Node;
  /** What operators do with webhooks. */
  readonly webhooks: WebhookOperations;
  /** What it has counted; undefined: nothing is counted. */
  metrics(): Snapshot | undefined;
  /** What they see of all nodes, and do. */
  readonly operators: ConsoleOperations;
  /** Whether this node should get new connections, for its operator. */
  readiness(): Readiness;
  /** Replaces the configured apps with those of these settings, with their default limits. */
  replaceApps(settings: Settings): void;
  /** Reads the apps of a database again. */
  refreshApps(): void;
  /**
   * Stops listening, after the time for load balancers to notice. Requests on kept connections are answered as before. A second call changes nothing.
   *
   * @param how - the node will disconnect its clients; default: as `drain.mode` says
   * @param hasClients - whether this node or one beside it on the same port has a client
   */
  stopListening(how?: Parting, hasClients?: boolean): Promise<void>;
  /** Stops listening and disconnects all clients. A second call changes nothing. */
  part(how?: Parting): Promise<void>;
  /** Disconnects all clients, then ends. A second call changes nothing. */
  stop(how?: Parting): Promise<void>;
  /** Ends at once. */
  kill(): void;
}

export interface ServerOptions {
  readonly clock?: Clock;
  /** Default: those that the settings ask for. */
  readonly createSeams?: (onEdge: OnEdge | undefined) => Seams;
  /** Default: the apps of the configuration, or of the database that it names. Closed with the server. */
  readonly directory?: AppDirectory;
  /** The other workers, which listen on the same port. */
  readonly otherWorkers?: OtherWorkers;
  /** Another process of this user listens on the port, until this one does. */
  readonly sharesPort?: boolean;
  /** Number of this worker; left out: this is the main process. */
  readonly worker?: number;
  /** Told of what happens, beside the log. */
  readonly observers?: readonly Observer[];
}

/**
 * Puts the parts together and listens.
 *
 * @throws {ListenError | TlsError | JournalError | RedisStartError | AppStoreStartError | PackageError}
 */
export async function startServer(
  { settings, apps }: Pick<LoadedConfig, 'settings' | 'apps'>,
  log: Logger,
  { clock = systemClock, otherWorkers, sharesPort = false, observers = [], ...options }: ServerOptions = {},
): Promise<Server> {
  const isInUse = (appId: string): boolean => node.hasConnections(appId);
  const directory = options.directory ?? (await createAppDirectory({ settings, apps, log, clock, isInUse }));
  const sampledLog = new SampledLog(log, clock);
  const metrics = settings.metrics.enabled
    ? new NodeMetrics({
        clock,
        worker: String(options.worker ?? MAIN_PROCESS),
        isRemote: settings.adapter.driver === 'redis',
      })
    : undefined;
  const lastRefusals = new LastRefusals(clock.now);
  const observer = composeObservers([
    logObserver(sampledLog, {
      maxBufferedBytes: settings.maxBufferedBytes,
      hardFrameBytes: settings.maxFrameBytes * HARD_FRAME_FACTOR,
    }),
    ...observers,
    ...(metrics ? [metrics.observer] : []),
    lastRefusals.observer,
    // Of apps in a database this is the first that is heard.
    { connected: ({ connection }) => webhooks.know(connection.app) },
  ]);
  const tracer = settings.tracing.enabled ? await startTracing(settings, sampledLog) : undefined;
  const seams = await (options.createSeams?.(observer.edge) ??
    createSeams(settings, directory, clock, log, observer.edge));
  const webhooks = new Webhooks({
    settings,
    outbox: seams.outbox,
    apps: directory,
    clock,
    log: sampledLog,
    watch: {
      attempted: (webhook, attempt) => {
        metrics?.webhooks.attempted(webhook, attempt);
        operators.log.attempted(webhook, attempt);
      },
      buried: (webhook, events) => metrics?.webhooks.buried(webhook, events),
    },
    tracer,
  });
  const fanOut = new TopicFanOut();
  const node = new Node({
    options: nodeOptions(settings),
    broker: seams.broker,
    store: seams.store,
    outbox: seams.outbox,
    fanOut,
    clock,
    observer,
    nodeId: randomBytes(4).toString('hex'),
    createSocketId: createSocketIdSource(),
    publishTime: metrics?.times.stamp,
    tokens: new KeyedTokenVerifier({ clock, log }),
    tracer,
    appsChanged: (ids) => node.settle(directory.refresh(ids), 'refreshing apps'),
  });
  const operators = new ConsoleNode({
    node,
    worker: options.worker,
    version: packageVersion(),
    readiness: () => health.readiness(true),
    isStopping: () => health.isStopping,
    redisProblem: settings.adapter.driver === 'redis' ? () => seams.problem() : undefined,
    certificateExpires: () => listener.certificateExpires,
    refusals: lastRefusals,
    findApp: (appId) => directory.byId(appId),
  });
  directory.onChange((id, app) => {
    replaceApp(node, id, app);
    seams.appChanged?.(id);
    webhooks.know(app);
    metrics?.know(id);
  });
  const trusted = new TrustedAddresses(settings.limits.trustedProxies);
  const { connectionsPerAddress, newConnectionsPerSecondPerAddress } = settings.limits;
  const addressLimits = new AddressLimits(
    { maxOpen: connectionsPerAddress, maxPerSecond: newConnectionsPerSecondPerAddress },
    () => performance.now(),
  );
  const addresses = new AddressGate(addressLimits, trusted, sampledLog);
  const connections = new OpenConnections(maxConnections(settings.limits.maxConnections), addresses, sampledLog);
  const health = new Health({
    node,
    memoryThresholdPercent: settings.httpApi.acceptTraffic.memoryThreshold,
    seamsProblem: () => seams.problem(),
    capacityProblem: () => connections.problem,
    apps: directory,
    otherWorkers,
  });
  const requests = new OpenRequests();
  const refusals = new RefusalBudget(trusted, sampledLog);
  const http = new HttpServer({
    settings,
    node,
    apps: directory,
    defaultLimits: createLimits({}, settings),
    health,
    errorPages: new ErrorPages(),
    requests,
    refusals,
    addresses,
    log: sampledLog,
    now: clock.now,
    watch: metrics?.requests,
  });
  const feedPingSeconds = settings.feeds.pingIntervalSeconds;
  const entrance = new Entrance({
    node,
    apps: directory,
    pathPrefix: settings.pathPrefix,
    connections,
  });
  const webSockets = {
    options: { ...settings, feedPingSeconds },
    node,
    entrance,
    fanOut,
    connections,
  };
  const streams = {
    node,
    entrance,
    apps: directory,
    fanOut: fanOut.feeds,
    cors: new Cors(settings.cors),
    pathPrefix: settings.pathPrefix,
    maxBufferedBytes: settings.maxBufferedBytes,
    requests,
    refusals,
    watch: metrics?.requests,
    log: sampledLog,
    connections,
    pace: { silenceSeconds: feedPingSeconds, answersPings: false },
  };
  const listener = new Listener({
    host: settings.host,
    port: settings.port,
    isShared: sharesPort || otherWorkers !== undefined,
    ssl: settings.ssl.certPath === '' ? undefined : settings.ssl,
    log,
    attach: (app, isTls) => {
      connections.guard(app);
      serveWebSockets(app, isTls, webSockets);
      serveStreams(app, isTls, streams);
      http.serve(app);
    },
  });
  await seams.start(node);
  metrics?.start(seams);
  await node.nodesChannel.start();
  await node.questions.start();
  await listener.listen();
  health.isStarted = true;
  for (const id of directory.knownIds) {
    webhooks.know(directory.known(id));
    metrics?.know(id);
  }
  // What a broker before this one left.
  if (settings.webhooks.journal !== '') webhooks.work();
  seams.onWaiting?.(() => webhooks.work());

  const answered = (): Promise<void> =>
    Promise.race([requests.settled(), setTimeout(ANSWER_MS, undefined, { ref: false })]);
  const defaultParting: Parting = settings.drain.mode === 'restart' ? 'restart' : 'move';
  const stopAccepting = async (how: Parting, hasClients: boolean): Promise<void> => {
    health.isStopping = true;
    requests.closesConnections = true;
    const { readyDelaySeconds } = settings.drain;
    if (readyDelaySeconds > 0 && hasClients && how !== 'takeover') await setTimeout(readyDelaySeconds * 1000);
    // Load balancers try another node if a connection is refused, but can't once it is accepted.
    listener.stopAccepting();
    node.isDraining = true;
  };
  let deaf: Promise<void> | undefined;
  const stopListening = (how: Parting = defaultParting, hasClients = node.connections.size > 0): Promise<void> => {
    deaf ??= stopAccepting(how, hasClients);
    return deaf;
  };
  const partFromClients = async (how: Parting): Promise<void> => {
    await stopListening(how);
    if (how === 'takeover') seams.handOver?.();
    if (how === 'restart') {
      await answered();
      await endClients(node, log);
      return;
    }
    const { seconds = settings.shutdownGracePeriod / 1000, jitter } = settings.drain;
    const totalMs = 1000 * (how === 'takeover' ? node.connections.size / TAKEN_OVER_PER_SECOND : seconds);
    await moveClients(node, { totalMs, jitter, log });
  };
  let parting: Promise<void> | undefined;
  const part = (how: Parting = defaultParting): Promise<void> => {
    parting ??= partFromClients(how);
    return parting;
  };
  let stopping: Promise<void> | undefined;
  const stop = async (how?: Parting): Promise<void> => {
    const untilMs = clock.elapsedMs() + (settings.drain.seconds ?? settings.shutdownGracePeriod / 1000) * 1000;
    await part(how);
    await answered();
    listener.close();
    operators.stop();
    await webhooks.stop(Math.max(untilMs - clock.elapsedMs(), WEBHOOKS_MS));
    await node.close();
    await seams.stop();
    metrics?.stop();
    await directory.close();
    await Promise.race([tracer?.stop(), setTimeout(TRACES_MS, undefined, { ref: false })]);
  };
  return {
    port: listener.port,
    node,
    webhooks: webhooks.operations,
    metrics: () =>
      metrics?.snapshot({
        apps: node.numbers.apps,
        isReady: health.readiness(true).isReady,
        seams,
        webhooks: webhooks.states(),
        certificateExpires: listener.certificateExpires,
      }),
    operators: operators.operations,
    readiness: () => health.readiness(true),
    replaceApps(next) {
      useSettings(directory, next);
    },
    refreshApps() {
      node.settle(directory.refresh(undefined), 'refreshing all apps');
    },
    stopListening,
    part,
    stop(how) {
      stopping ??= stop(how);
      return stopping;
    },
    kill() {
      listener.close();
      node.settle(webhooks.kill(), 'ending webhooks');
      node.settle(directory.close(), 'closing the database of the apps');
    },
  };
}

/** @throws {PackageError} OpenTelemetry is not installed */
async function startTracing(settings: Settings, log: SampledLog): Promise<ExportedTraces> {
  const { openTelemetry } = await import('./trace/open-telemetry.ts');
  return openTelemetry(settings.tracing, packageVersion(), log);
}

function nodeOptions(settings: Settings): NodeOptions {
  return {
    strictProtocol: settings.protocol.strict,
    maxFrameBytes: settings.maxFrameBytes,
    activityTimeoutSeconds: settings.activityTimeoutSeconds,
    pongTimeoutSeconds: settings.pongTimeoutSeconds,
    maxBufferedBytesTotal: settings.maxBufferedBytesTotal,
    userAuthenticationTimeoutMs: settings.userAuthenticationTimeout,
    subscriptionErrorEvent: settings.subscriptions.errorEvent,
    maxSubscriptionsPerConnection: settings.subscriptions.maxPerConnection,
    lenientDuplicates: settings.subscriptions.lenientDuplicates,
    strictUnsubscribe: settings.subscriptions.strictUnsubscribe,
    maxWatchlistSize: settings.users.maxWatchlistSize,
    disconnectOnGap: settings.adapter.onGap === 'disconnect',
  };
}
