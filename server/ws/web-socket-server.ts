import { parseParams } from '../../auth/request-params.ts';
import { type ConnectRequest, connect, STOPPING } from '../../channels/connect.ts';
import type { Connection } from '../../channels/connection.ts';
import { disconnect } from '../../channels/disconnect.ts';
import type { Feed } from '../../channels/feed.ts';
import { echoCost, SIGN_OF_LIFE, UNREAD } from '../../channels/frame-budget.ts';
import { after } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import { receive, receiveOther, receivePong, refuseFrame } from '../../channels/receive.ts';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import { ApiError } from '../../protocol/errors.ts';
import { type ClientLibrary, hasLives, parseConnectionPath } from '../../protocol/handshake.ts';
import { encodeError } from '../../protocol/server-message.ts';
import type { AppDirectory, FoundFeed } from '../apps/app-directory.ts';
import { connectionRefusal, INTERNAL_ERROR, OVER_CAPACITY } from '../connection-refusal.ts';
import { echoOf, FeedSocket } from '../feeds/feed-socket.ts';
import { FeedTransport } from '../feeds/feed-transport.ts';
import { openFeed } from '../feeds/open-feed.ts';
import { tokenOf } from '../feeds/token-of.ts';
import { type Answer, errorAnswer, statusLine, text } from '../http/answer.ts';
import { loggableFrame } from '../log.ts';
import type { OpenConnections } from '../open-connections.ts';
import type { SampledLog } from '../sampled-log.ts';
import { type HttpRequest, type HttpResponse, NO_COMPRESSION, type TemplatedApp, type WebSocket } from '../uws.ts';
import type { NativeFanOut } from './native-fan-out.ts';
import {
  type SocketData,
  type UpgradeFacts,
  type WebSocketParts,
  WebSocketSession,
  WebSocketTransport,
} from './web-socket-transport.ts';

export interface WebSocketOptions {
  readonly pathPrefix: string;
  /** Larger messages are answered with an error. */
  readonly maxFrameBytes: number;
  /** What a subscriber may have waiting before it is disconnected. */
  readonly maxBufferedBytes: number;
  /** A reader of a feed that was silent for so long is pinged. */
  readonly feedPingSeconds: number;
}

/**
 * uWebSockets.js cuts a connection off without a word at its own limit. That limit is this many times ours,
 * so that whoever is a little over ours is told, and whoever sends without end costs little memory.
 */
const HARD_FRAME_FACTOR = 16;
/** Messages of a client that does not wait to be let in; the protocol gives it nothing to say before. */
const MAX_EARLY = 16;
/** RFC 6455, 7.4.1: the connection ended without a close frame. */
const CUT_OFF = 1006;
/** The native limit is a signed 32-bit number. */
const MAX_NATIVE_LENGTH = 2_147_483_647;

/**
 * The longest idle timeout that uWebSockets.js takes, in seconds. It never strikes: the node pings earlier, for which
 * `activityTimeoutSeconds` is bounded. (A peer that does not answer a close frame is dropped after 16 seconds, whatever stands here.)
 */
const NATIVE_IDLE_SECONDS = 960;

/** Accepts WebSockets on every path of an app, as refusals are told inside of the WebSocket. */
export function serveWebSockets(
  app: TemplatedApp,
  isTls: boolean,
  options: WebSocketOptions,
  node: Node,
  apps: AppDirectory,
  fanOut: NativeFanOut,
  connections: OpenConnections,
  log: SampledLog,
): void {
  const frameLog = log.eachStep;
  const parts: WebSocketParts = {
    log: frameLog,
    sentMuch(ws) {
      const connection = ws.getUserData().session?.connection;
      if (connection) node.uptake.ask(connection);
    },
  };
  const appPath = `${options.pathPrefix}/app/`;
  const pace = { silenceSeconds: options.feedPingSeconds, answersPings: true };

  app.ws<SocketData>('/*', {
    compression: NO_COMPRESSION,
    maxPayloadLength: Math.min(options.maxFrameBytes * HARD_FRAME_FACTOR, MAX_NATIVE_LENGTH),
    maxBackpressure: options.maxBufferedBytes,
    closeOnBackpressureLimit: true,
    idleTimeout: NATIVE_IDLE_SECONDS,
    sendPingsAutomatically: false,

    upgrade(res, req, context) {
      if (node.isDraining && hasLives(libraryOf(req))) {
        const address = connections.addresses.holder(res);
        sendAway(res, STOPPED);
        connections.addresses.release(address);
        return;
      }
      const address = addressOf(res, req);
      if (address instanceof ApiError) {
        sendAway(res, errorAnswer(address));
        return;
      }
      const upgrade = {
        path: req.getUrl(),
        query: req.getQuery() ?? '',
        origin: req.getHeader('origin'),
        forwardedProto: req.getHeader('x-forwarded-proto'),
        forwardedFor: req.getHeader('x-forwarded-for'),
        userAgent: req.getHeader('user-agent'),
        authorization: req.getHeader('authorization'),
      };
      res.upgrade<SocketData>(
        // Few have one: with many idle connections each field adds up.
        address === undefined ? { upgrade, session: undefined } : { upgrade, session: undefined, address },
        req.getHeader('sec-websocket-key'),
        req.getHeader('sec-websocket-protocol'),
        req.getHeader('sec-websocket-extensions'),
        context,
      );
    },

    open(ws) {
      const transport = new WebSocketTransport(ws, app, parts);
      const session = new WebSocketSession(transport);
      const data = ws.getUserData();
      const { upgrade } = data;
      if (!upgrade) return;
      data.upgrade = undefined;
      data.session = session;
      try {
        const connected = openConnection(upgrade, session);
        if (connected instanceof Promise) {
          session.early = [];
          connected.then(
            () => {
              logArrival(ws, upgrade, session);
              handleEarly(session);
            },
            (error: unknown) => refuse(ws, upgrade, session, error),
          );
        } else {
          logArrival(ws, upgrade, session);
        }
      } catch (error) {
        refuse(ws, upgrade, session, error);
      }
    },

    message(ws, message) {
      const { session } = ws.getUserData();
      if (session?.early) keepEarly(session, session.early, message);
      else if (session?.feed) handleReader(session, session.feed, message);
      else if (session?.connection) handleMessage(session.connection, Buffer.from(message));
    },

    ping(ws) {
      const { connection } = ws.getUserData().session ?? {};
      if (connection) receiveOther(node, connection, SIGN_OF_LIFE);
    },

    pong(ws, message) {
      const { connection } = ws.getUserData().session ?? {};
      if (connection) receivePong(node, connection, Buffer.from(message).toString('latin1'));
    },

    dropped(ws) {
      const session = ws.getUserData().session;
      if (!session || session.transport.isSlow) return;
      session.transport.isSlow = true;
      fanOut.noteSlow(session.transport);
    },

    close(ws, code, message) {
      connections.webSocketClosed(code === CUT_OFF);
      connections.addresses.release(ws.getUserData().address);
      const session = ws.getUserData().session;
      if (!session) return;
      session.transport.detach();
      const { connection } = session;
      if (!connection) return;
      if (!connection.isClosed) logEnd(session, code, Buffer.from(message).toString());
      disconnect(node, connection);
    },
  });

  /** What an upgrade is counted by, or why it is not taken. */
  function addressOf(res: HttpResponse, req: HttpRequest): string | undefined | ApiError {
    try {
      return connections.addresses.holderOf(res, req);
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
  }

  function openConnection(upgrade: UpgradeFacts, session: WebSocketSession): void | Promise<void> {
    if (connections.isCrowded) throw OVER_CAPACITY;
    if (isOfPusher(upgrade.path)) return openClient(upgrade, session);
    return after(apps.feedAt(upgrade.path), (found) =>
      found ? openReader(found, upgrade, session) : openClient(upgrade, session),
    );
  }

  function isOfPusher(path: string): boolean {
    return path.startsWith(appPath);
  }

  function openReader(found: FoundFeed, upgrade: UpgradeFacts, session: WebSocketSession): void | Promise<void> {
    const { feed } = found;
    const { transport } = session;
    session.feed = feed;
    const request = {
      ...clientFacts(upgrade),
      token: tokenOf(upgrade.authorization, parseParams(upgrade.query)),
      pace,
    };
    const opened = openFeed(node, found, request, {
      transport: new FeedTransport(feed, new FeedSocket(transport), fanOut.feeds),
      isGone: () => !transport.isOpen,
      connected: (connection) => {
        session.connection = connection;
      },
    });
    return after(opened, () => {});
  }

  /** What a reader says is not read, at the most sent back. */
  function handleReader(
    { connection, transport }: WebSocketSession,
    { echo }: Feed,
    message: ArrayBuffer | Buffer,
  ): void {
    if (!connection) return;
    const isEchoed = echo && message.byteLength <= options.maxFrameBytes;
    if (!receiveOther(node, connection, isEchoed ? echoCost(message.byteLength) : UNREAD)) return;
    if (!isEchoed) return;
    const answer = echoOf(message, node.clock.now());
    if (answer !== undefined) transport.send(answer);
  }

  function clientFacts({ origin, forwardedProto }: UpgradeFacts): Pick<ConnectRequest, 'origin' | 'isTls'> {
    return {
      origin: origin === '' ? undefined : origin,
      isTls: isTls || /^(https|wss)\b/i.test(forwardedProto),
    };
  }

  function openClient(upgrade: UpgradeFacts, session: WebSocketSession): void | Promise<void> {
    const appKey = decodeKey(parseConnectionPath(upgrade.path, options.pathPrefix));
    const { single } = parseParams(upgrade.query);
    const request = {
      appKey,
      protocol: single.get('protocol'),
      version: single.get('version'),
      ...clientFacts(upgrade),
    };
    const { transport } = session;
    const connected = after(apps.byKey(appKey), (app) =>
      connect(node, { ...request, app }, transport, () => !transport.isOpen),
    );
    return after(connected, (connection) => {
      if (connection) session.connection = connection;
    });
  }

  function handleMessage(connection: Connection, message: Buffer): void {
    if (message.length > options.maxFrameBytes) {
      refuseFrame(node, connection, message.length, options.maxFrameBytes);
      return;
    }
    const text = message.toString();
    frameLog?.debug({ socketId: connection.socketId, frame: loggableFrame(text) }, 'message in');
    receive(node, connection, text);
  }

  function keepEarly({ feed, transport }: WebSocketSession, early: Buffer[], message: ArrayBuffer): void {
    if (feed && !feed.echo) return;
    if (early.length < MAX_EARLY) early.push(Buffer.from(message.slice(0)));
    else transport.close(CLOSE_CODES.overCapacity, 'Too many messages before the connection was established');
  }

  function handleEarly(session: WebSocketSession): void {
    const { connection, early = [], feed } = session;
    session.early = undefined;
    for (const message of early) {
      if (feed) handleReader(session, feed, message);
      else if (connection) handleMessage(connection, message);
    }
  }

  function refuse(ws: WebSocket<SocketData>, upgrade: UpgradeFacts, session: WebSocketSession, error: unknown): void {
    if (!session.transport.isOpen) return;
    const facts = { ...arrivalFacts(ws, upgrade), path: upgrade.path };
    const reason = connectionRefusal(error);
    if (reason === INTERNAL_ERROR) log.error({ ...facts, err: error }, 'unexpected failure while connecting');
    log.info({ ...facts, code: reason.code, cause: reason.id, reason: reason.message }, 'connection refused');
    // Where it could not be told whether there is a feed, the client may be a reader.
    const isReader = session.feed !== undefined || !(isOfPusher(upgrade.path) || reason.id === 'path-not-found');
    if (!isReader) session.transport.send(encodeError(reason.code, reason.message));
    session.transport.close(reason.code, reason.message);
  }

  function logArrival(ws: WebSocket<SocketData>, upgrade: UpgradeFacts, { connection }: WebSocketSession): void {
    if (!frameLog || !connection || connection.isClosed) return;
    const { socketId, app } = connection;
    frameLog.debug({ socketId, app: app.id, ...arrivalFacts(ws, upgrade) }, 'connection opened');
  }

  function logEnd({ connection, transport: { isSlow } }: WebSocketSession, code: number, reason: string): void {
    const facts = { socketId: connection?.socketId, app: connection?.app.id, code, reason };
    if (isSlow) {
      const limit = options.maxBufferedBytes;
      log.warn(
        { ...facts, limit },
        'subscriber too slow: it had more than maxBufferedBytes waiting and was disconnected',
      );
    } else if (reason === 'Received too big message') {
      const limit = options.maxFrameBytes * HARD_FRAME_FACTOR;
      log.warn({ ...facts, limit }, 'message far over maxFrameBytes: the connection was cut off');
    } else {
      frameLog?.debug(facts, 'connection closed');
    }
  }
}

/** Who comes, from where. A socket that has closed has no address any more. */
function arrivalFacts(ws: WebSocket<SocketData>, { forwardedFor, origin, userAgent }: UpgradeFacts): object {
  return {
    ip: Buffer.from(ws.getRemoteAddressAsText()).toString(),
    forwardedFor: forwardedFor || undefined,
    origin: origin || undefined,
    userAgent: userAgent || undefined,
  };
}

function libraryOf(req: HttpRequest): ClientLibrary {
  const origin = req.getHeader('origin');
  return { client: req.getQuery('client'), version: req.getQuery('version'), origin };
}

const STOPPED: Answer = { ...text(STOPPING.message, 503), headers: { 'X-Kulkul-Error': STOPPING.id } };

/** In place of a WebSocket that would be closed at once. */
function sendAway(res: HttpResponse, { status, headers = {}, contentType, body }: Answer): void {
  res.writeStatus(statusLine(status));
  for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value);
  res.writeHeader('Content-Type', contentType);
  res.end(body, true);
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
