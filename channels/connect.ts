import { findAppKey } from '../auth/hmac.ts';
import { CLOSE_CODES, Disconnect } from '../protocol/errors.ts';
import { checkProtocolVersion } from '../protocol/handshake.ts';
import { quote } from '../protocol/json.ts';
import { encodeConnectionEstablished } from '../protocol/server-message.ts';
import type { App } from './app.ts';
import { Connection, type Transport } from './connection.ts';
import type { Reader } from './feed.ts';
import { after, type MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import type { VisitorFacts } from './observer.ts';
import { isAllowedOrigin } from './origin.ts';

/** What a client brings when it opens a connection. */
export interface ConnectRequest {
  /** '' for a reader of a feed, whose URL says which app is meant. */
  readonly appKey: string;
  /** The app that the key belongs to; undefined when there is none. */
  readonly app: App | undefined;
  readonly protocol: string | undefined;
  readonly version: string | undefined;
  /** `Origin` header; undefined for clients that are not browsers. */
  readonly origin: string | undefined;
  /** Whether the client came over TLS, to this server or to the proxy before it. */
  readonly isTls: boolean;
  /** Set for a reader of a feed: the app has decided to let such in, without a word of theirs. */
  readonly reader?: Reader;
}

/**
 * Accepts a client, or says why not.
 *
 * @returns the connection, whose first frame `pusher:connection_established` is sent; undefined when the client left
 *   while the seams were asked
 * @throws {Disconnect} 4000 to 4100: the caller sends the error and closes
 */
export function connect(
  node: Node,
  request: ConnectRequest,
  transport: Transport,
  visitor: VisitorFacts,
): MaybePromise<Connection | undefined> {
  const { reader } = request;
  const app = checkVisit(node, request);
  node.lastSerial += 1;
  // The app's own text, not one for each connection.
  const appKey = findAppKey(app.keys, request.appKey)?.key ?? request.appKey;
  const connection = new Connection(
    {
      socketId: node.createSocketId(),
      app,
      appKey,
      serial: node.lastSerial,
      nowSeconds: node.dueTimes.nowSeconds,
      origin: node.origins.sharedText(request.origin ?? ''),
      reader,
    },
    transport,
  );
  connection.isAuthorized = reader !== undefined;
  // Where connections must authorize themselves, only those that did count.
  const mustAuthorize = app.enableUserAuthentication && !connection.isAuthorized;
  const counted = mustAuthorize ? undefined : countConnection(node, connection);
  if (!(counted instanceof Promise)) return letIn(node, connection, visitor);
  node.arriving.set(connection, undefined);
  return counted.then(() => letIn(node, connection, visitor)).finally(() => node.arriving.delete(connection));
}

/** @throws {Disconnect} the node is stopping, or the app is not what it was when the client came */
function letIn(node: Node, connection: Connection, visitor: VisitorFacts): Connection | undefined {
  const { app, socketId, transport } = connection;
  const refusal = node.isDraining ? STOPPING : node.arriving.get(connection);
  if (!transport.isOpen || refusal) {
    if (connection.isCounted) node.store.removeConnection(app.id);
    if (!transport.isOpen || !refusal) return undefined;
    throw refusal;
  }
  node.connections.set(socketId, connection);
  node.numbers.connected(app.id);
  node.liveness.watch(connection);
  node.observer.connected?.({ connection, visitor });
  if (app.enableUserAuthentication && !connection.isAuthorized) startAuthorizationTimeout(node, connection);
  transport.send(encodeConnectionEstablished(socketId, node.options.activityTimeoutSeconds));
  return connection;
}

/**
 * Clients that connect while the node is stopping, through a connection that a proxy had kept. Not 4200, after which clients would reconnect at once and
 * repeatedly while the last ones are moved.
 */
export const STOPPING = new Disconnect(
  'stopping',
  CLOSE_CODES.overCapacity,
  'This server is stopping: reconnect to another one',
);

/**
 * Checks what an app asks of all who come, before it is looked at what they want.
 *
 * @throws {Disconnect}
 */
export function checkVisit(node: Node, { app, appKey, isTls, origin, protocol, version }: ConnectRequest): App {
  if (node.isDraining) throw STOPPING;
  if (!app) {
    throw new Disconnect(
      'unknown-app',
      CLOSE_CODES.unknownApp,
      `App key ${quote(appKey, 64)} does not exist on this server. Is it the key (not the id) of the app?`,
    );
  }
  if (!app.enabled) throw new Disconnect('app-disabled', CLOSE_CODES.appDisabled, 'Application disabled');
  if (app.forceTls && !isTls) {
    throw new Disconnect(
      'tls-required',
      CLOSE_CODES.tlsRequired,
      'Application only accepts SSL connections, reconnect using wss://',
    );
  }
  if (!isAllowedOrigin(app.allowedOrigins, origin, app.allowMissingOrigin)) {
    const message = origin
      ? `Origin ${quote(origin, 60)} is not one of the app's allowedOrigins`
      : 'No Origin: the app only accepts pages of its allowedOrigins (allowMissingOrigin)';
    throw new Disconnect('origin-refused', CLOSE_CODES.unauthorized, message);
  }
  checkProtocolVersion(protocol, version, node.options.strictProtocol);
  return app;
}

/** @throws {Disconnect} 4004 when the app has all the connections it may have */
function countConnection(node: Node, connection: Connection): MaybePromise<void> {
  const { app } = connection;
  return after(node.store.addConnection(app.id, app.limits.maxConnections), (isCounted) => {
    if (!isCounted) {
      throw new Disconnect(
        'over-connection-quota',
        CLOSE_CODES.overConnectionQuota,
        `Application is over connection quota: limit ${app.limits.maxConnections} (maxConnections)`,
      );
    }
    if (connection.isClosed) node.store.removeConnection(app.id);
    else connection.isCounted = true;
  });
}

function startAuthorizationTimeout(node: Node, connection: Connection): void {
  const { userAuthenticationTimeoutMs } = node.options;
  connection.cancelAuthorizationTimeout = node.clock.schedule(() => {
    // The app may have stopped asking for it.
    if (!connection.app.enableUserAuthentication) return;
    const text = `Connection is unauthorized: it did not sign in within ${userAuthenticationTimeoutMs} ms, nor enter a private channel`;
    node.end(connection, new Disconnect('authorization-timeout', CLOSE_CODES.unauthorized, text));
  }, userAuthenticationTimeoutMs);
}

/**
 * Notes that a connection signed in or entered a private or presence channel.
 *
 * @see Pusher, "Authorized connections": only from here on it counts in the quota
 */
export function authorizeConnection(node: Node, connection: Connection): MaybePromise<void> {
  if (connection.isAuthorized) return;
  if (connection.authorizing) return connection.authorizing;
  const authorized = after(connection.isCounted ? undefined : countConnection(node, connection), () => {
    connection.isAuthorized = true;
    connection.cancelAuthorizationTimeout?.();
    connection.cancelAuthorizationTimeout = undefined;
  });
  if (authorized instanceof Promise) {
    connection.authorizing = authorized.finally(() => {
      connection.authorizing = undefined;
    });
    return connection.authorizing;
  }
}
