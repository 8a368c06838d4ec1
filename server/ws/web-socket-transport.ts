import type { Connection, Transport } from '../../channels/connection.ts';
import type { Feed } from '../../channels/feed.ts';
import { closeReason } from '../../protocol/close-codes.ts';
import { type Logger, loggableFrame } from '../log.ts';
import type { TemplatedApp, WebSocket } from '../uws.ts';

/** What uWebSockets.js keeps with each socket. */
export interface SocketData {
  /** Taken away when the socket opens: with many connections these texts add up. */
  upgrade?: UpgradeFacts | undefined;
  session?: WebSocketSession | undefined;
}

/** Facts of the upgrade request, which is gone when the socket opens. */
export interface UpgradeFacts {
  readonly path: string;
  readonly query: string;
  readonly origin: string;
  readonly forwardedProto: string;
  readonly forwardedFor: string;
  readonly userAgent: string;
  readonly authorization: string;
}

/** A socket's transport, and its connection once it is let in. */
export class WebSocketSession {
  readonly transport: WebSocketTransport;
  connection: Connection | undefined;
  /** Set when the client reads a feed instead of speaking the protocol. */
  feed: Feed | undefined;
  /** What came while the seams had not answered yet whether the client is let in. */
  early: Buffer[] | undefined;

  constructor(transport: WebSocketTransport) {
    this.transport = transport;
  }
}

/** A client on a WebSocket. */
export class WebSocketTransport implements Transport {
  /** The uWS app that the socket belongs to: topics reach the sockets of one app. */
  readonly app: TemplatedApp;
  /** A frame was dropped because the client does not read: nothing may be sent any more, it would follow a gap. */
  isSlow = false;
  readonly #log: Logger | undefined;
  #ws: WebSocket<SocketData> | undefined;

  /** @param log - given when each frame is to be logged */
  constructor(ws: WebSocket<SocketData>, app: TemplatedApp, log: Logger | undefined) {
    this.#ws = ws;
    this.app = app;
    this.#log = log;
  }

  get isOpen(): boolean {
    return this.#ws !== undefined;
  }

  send(frame: string): void {
    if (!this.#ws || this.isSlow) return;
    this.#log?.debug({ frame: loggableFrame(frame) }, 'message out');
    this.#ws.send(frame);
  }

  /** Publishes to a topic's other sockets in the same app. False when there was nobody, or nothing could be done. */
  publish(topic: string, frame: string): boolean {
    return this.#ws?.publish(topic, frame) ?? false;
  }

  close(code: number, reason: string): void {
    const ws = this.#ws;
    this.#ws = undefined;
    ws?.end(code, closeReason(reason));
  }

  /** Ends without a word. Not to be called while uWebSockets.js hands a message out. */
  cutOff(): void {
    const ws = this.#ws;
    this.#ws = undefined;
    ws?.close();
  }

  ping(): void {
    this.#ws?.ping();
  }

  subscribe(topic: string): void {
    this.#ws?.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.#ws?.unsubscribe(topic);
  }

  /** To be called when the socket is gone: from then on it must not be touched. */
  detach(): void {
    this.#ws = undefined;
  }
}
