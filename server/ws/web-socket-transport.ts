import type { Connection, Transport } from '../../channels/connection.ts';
import type { Feed } from '../../channels/feed.ts';
import { PROOF_EVERY } from '../../channels/uptake.ts';
import { closeReason } from '../../protocol/close-codes.ts';
import { type Logger, loggableFrame } from '../log.ts';
import type { TemplatedApp, WebSocket } from '../uws.ts';

/** What uWebSockets.js keeps with each socket. */
export interface SocketData {
  /** Taken away when the socket opens: with many connections these texts add up. */
  upgrade?: UpgradeFacts | undefined;
  session?: WebSocketSession | undefined;
  /** That the connection is counted by. */
  readonly address?: string;
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

/** What all sockets share. */
export interface WebSocketParts {
  /** Given when each frame is to be logged. */
  readonly log: Logger | undefined;
  /** Told when a client was sent much. */
  readonly sentMuch: (ws: WebSocket<SocketData>) => void;
}

/** A client on a WebSocket. */
export class WebSocketTransport implements Transport {
  /** The uWS app that the socket belongs to: topics reach the sockets of one app. */
  readonly app: TemplatedApp;
  /** A frame was dropped because the client does not read: nothing may be sent any more, it would follow a gap. */
  isSlow = false;
  readonly #parts: WebSocketParts;
  #ws: WebSocket<SocketData> | undefined;
  /** Characters that were sent to this socket alone since its client was last asked whether it reads. */
  #unprovenLength = 0;

  constructor(ws: WebSocket<SocketData>, app: TemplatedApp, parts: WebSocketParts) {
    this.#ws = ws;
    this.app = app;
    this.#parts = parts;
  }

  get isOpen(): boolean {
    return this.#ws !== undefined;
  }

  send(frame: string): void {
    if (!this.#ws || this.isSlow) return;
    this.#parts.log?.debug({ frame: loggableFrame(frame) }, 'message out');
    this.#ws.send(frame);
    this.#unprovenLength += frame.length;
    if (this.#unprovenLength < PROOF_EVERY) return;
    this.#unprovenLength = 0;
    this.#parts.sentMuch(this.#ws);
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

  cutOff(): void {
    const ws = this.#ws;
    this.#ws = undefined;
    ws?.close();
  }

  get bufferedBytes(): number {
    return this.#ws?.getBufferedAmount() ?? 0;
  }

  ping(payload?: string): void {
    this.#ws?.ping(payload);
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
