import { STOPPING } from '../../channels/connect.ts';
import type { Node } from '../../channels/node.ts';
import { Session } from '../../channels/session.ts';
import { ApiError, NO_CLOSE_FRAME } from '../../protocol/errors.ts';
import { type ClientLibrary, hasLives } from '../../protocol/handshake.ts';
import type { Entrance } from '../entrance.ts';
import type { TopicFanOut } from '../fan-out.ts';
import { FeedSocket } from '../feeds/feed-socket.ts';
import { FeedTransport } from '../feeds/feed-transport.ts';
import { type Answer, errorAnswer, statusLine, text } from '../http/answer.ts';
import type { OpenConnections } from '../open-connections.ts';
import { type HttpRequest, type HttpResponse, NO_COMPRESSION, type TemplatedApp } from '../uws.ts';
import { readVisitor } from '../visitor.ts';
import { NativeTopics } from './native-topics.ts';
import { type SocketData, WebSocketTransport } from './web-socket-transport.ts';

export interface WebSocketOptions {
  /** Larger messages are answered with an error. */
  readonly maxFrameBytes: number;
  /** What a subscriber may have waiting before it is disconnected. */
  readonly maxBufferedBytes: number;
  /** A reader of a feed that was silent for so long is pinged. */
  readonly feedPingSeconds: number;
}

export interface WebSocketServerParts {
  readonly options: WebSocketOptions;
  readonly node: Node;
  readonly entrance: Entrance;
  readonly fanOut: TopicFanOut;
  readonly connections: OpenConnections;
}

/**
 * uWebSockets.js cuts a connection off without a word at its own limit. That limit is this many times ours,
 * so that whoever is a little over ours is told, and whoever sends without end costs little memory.
 */
export const HARD_FRAME_FACTOR = 16;
/** What uWebSockets.js calls the end of such a connection. */
const FAR_TOO_LARGE = 'Received too big message';
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
  { options, node, entrance, fanOut, connections }: WebSocketServerParts,
): void {
  const topics = new NativeTopics(app);
  fanOut.add(topics);
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
      const visitor = readVisitor(res, req, isTls);
      res.upgrade<SocketData>(
        address === undefined ? { visitor, transport: undefined } : { visitor, transport: undefined, address },
        req.getHeader('sec-websocket-key'),
        req.getHeader('sec-websocket-protocol'),
        req.getHeader('sec-websocket-extensions'),
        context,
      );
    },

    open(ws) {
      const data = ws.getUserData();
      const { visitor } = data;
      if (!visitor) return;
      const session = new Session(node);
      const transport = new WebSocketTransport(ws, session, topics);
      data.visitor = undefined;
      data.transport = transport;
      entrance.open(
        session,
        visitor,
        transport,
        (feed) => new FeedTransport(feed, pace, new FeedSocket(transport), fanOut.feeds),
      );
    },

    message(ws, message) {
      const { transport } = ws.getUserData();
      if (!transport) return;
      transport.session.receive(Buffer.from(message));
    },

    ping(ws) {
      ws.getUserData().transport?.session.receiveSignOfLife();
    },

    pong(ws, message) {
      ws.getUserData().transport?.session.receivePong(Buffer.from(message).toString('latin1'));
    },

    dropped(ws) {
      ws.getUserData().transport?.noteSlow();
    },

    close(ws, code, message) {
      const { address, transport } = ws.getUserData();
      connections.webSocketClosed(code === NO_CLOSE_FRAME);
      connections.addresses.release(address);
      if (!transport) return;
      transport.detach();
      const reason = Buffer.from(message).toString();
      const cause = transport.isSlow
        ? 'subscriber-too-slow'
        : reason === FAR_TOO_LARGE
          ? 'frame-far-too-large'
          : undefined;
      transport.session.gone({ code, reason, cause });
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
