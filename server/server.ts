import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../channels/clock.ts';
import { Node, type NodeOptions, type Observer } from '../channels/node.ts';
import { AppDirectory } from './apps/app-directory.ts';
import { systemClock } from './clock.ts';
import type { LoadedConfig, Settings } from './config/index.ts';
import { drain } from './drain.ts';
import { Health, type Siblings } from './http/health.ts';
import { HttpServer } from './http/http-server.ts';
import { Listener } from './listener.ts';
import type { Logger } from './log.ts';
import { createSeams, type Seams } from './seams.ts';
import { createSocketIdSource } from './socket-id.ts';
import { NativeFanOut } from './ws/native-fan-out.ts';
import { serveWebSockets } from './ws/web-socket-server.ts';

/** How long a node that stops waits for the requests that it has taken, in milliseconds. */
const ANSWER_MS = 3000;

/** A running broker. */
export interface Server {
  readonly port: number;
  /** Connections and channels as they are now; to look at, not to change. */
  readonly node: Node;
  /** Moves clients off over the grace period, and goes on telling others that it stops. A second call changes nothing. */
  drain(hasClients?: boolean): Promise<void>;
  /** Drains, then ends. A second call changes nothing. */
  stop(): Promise<void>;
  /** Ends at once. */
  kill(): void;
}

export interface ServerOptions {
  readonly clock?: Clock;
  /** Default: those that the settings ask for. */
  readonly seams?: Seams;
  /** The other workers, which listen on the same port. */
  readonly siblings?: Siblings;
}

/**
 * Puts the parts together and listens.
 *
 * @throws {ListenError | TlsError}
 */
export async function startServer(
  { settings, apps }: Pick<LoadedConfig, 'settings' | 'apps'>,
  log: Logger,
  { clock = systemClock, siblings, ...options }: ServerOptions = {},
): Promise<Server> {
  const seams = options.seams ?? (await createSeams({ settings, apps }, clock, log));
  const frameLog = log.isLevelEnabled('debug') ? log : undefined;
  const directory = new AppDirectory(apps);
  const fanOut = new NativeFanOut(frameLog);
  const node = new Node({
    options: nodeOptions(settings),
    broker: seams.broker,
    store: seams.store,
    fanOut,
    clock,
    observer: logObserver(log),
    createSocketId: createSocketIdSource(),
  });
  const health = new Health({
    node,
    memoryThresholdPercent: settings.httpApi.acceptTraffic.memoryThreshold,
    seamsProblem: () => seams.problem(),
    siblings,
  });
  const http = new HttpServer({ settings, node, apps: directory, health, log, now: clock.now });
  const listener = new Listener({
    host: settings.host,
    port: settings.port,
    isShared: siblings !== undefined,
    ssl: settings.ssl.certPath === '' ? undefined : settings.ssl,
    log,
    attach: (app, isTls) => {
      fanOut.add(app);
      serveWebSockets(app, isTls, settings, node, directory, fanOut, log);
      http.serve(app);
    },
  });
  await seams.start(node);
  await listener.listen();
  health.isStarted = true;

  const moveClientsOff = async (hasClients: boolean): Promise<void> => {
    health.isStopping = true;
    const { readyDelaySeconds, seconds = settings.shutdownGracePeriod / 1000, jitter } = settings.drain;
    if (readyDelaySeconds > 0 && hasClients) await setTimeout(readyDelaySeconds * 1000);
    await drain(node, { totalMs: seconds * 1000, jitter });
  };
  let draining: Promise<void> | undefined;
  const drainOnce = (hasClients = node.connections.size > 0): Promise<void> => {
    draining ??= moveClientsOff(hasClients);
    return draining;
  };
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await drainOnce();
    listener.stopAccepting();
    await Promise.race([http.settled(), setTimeout(ANSWER_MS, undefined, { ref: false })]);
    listener.close();
    await node.close();
    await seams.stop();
  };
  return {
    port: listener.port,
    node,
    drain: drainOnce,
    stop() {
      stopping ??= stop();
      return stopping;
    },
    kill: () => listener.close(),
  };
}

function nodeOptions(settings: Settings): NodeOptions {
  return {
    strictProtocol: settings.protocol.strict,
    activityTimeoutSeconds: settings.activityTimeoutSeconds,
    pongTimeoutSeconds: settings.pongTimeoutSeconds,
    userAuthenticationTimeoutMs: settings.userAuthenticationTimeout,
    subscriptionErrorEvent: settings.subscriptions.errorEvent,
    maxSubscriptionsPerConnection: settings.subscriptions.maxPerConnection,
    lenientDuplicates: settings.subscriptions.lenientDuplicates,
    strictUnsubscribe: settings.subscriptions.strictUnsubscribe,
    maxWatchlistSize: settings.users.maxWatchlistSize,
    disconnectOnGap: settings.adapter.onGap === 'disconnect',
  };
}

function logObserver(log: Logger): Observer {
  return {
    disconnected: (socketId, app, { id, code, message }) =>
      log.info({ socketId, app: app.id, code, cause: id, reason: message }, 'connection ended'),
    refused: (socketId, app, { id, message }) =>
      log.debug({ socketId, app: app.id, cause: id, reason: message }, 'message refused'),
    failed: (error, during) => log.error({ err: error, during }, 'unexpected failure'),
  };
}
