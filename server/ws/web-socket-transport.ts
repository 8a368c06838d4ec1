import type { Transport } from '../../channels/connection.ts';
import type { Outlet } from '../../channels/fan-out.ts';
import type { Session } from '../../channels/session.ts';
import { closeReason } from '../../protocol/errors.ts';
import type { WebSocket } from '../uws.ts';
import type { Visitor } from '../visitor.ts';
import type { NativeTopics } from './native-topics.ts';

/** What uWebSockets.js keeps with each socket: with many idle connections each field adds up. */
export interface SocketData {
  /** Taken away when the socket opens. */
  visitor?: Visitor | undefined;
  transport?: WebSocketTransport | undefined;
  /** That the connection is counted by. Few have one. */
  readonly address?: string;
}

/** A client on a WebSocket. */
export class WebSocketTransport implements Transport {
  readonly session: Session;
  /** A frame was dropped because the client does not read: nothing may be sent any more, it would follow a gap. */
  isSlow = false;
  /** Of the app that the socket belongs to. */
  readonly #topics: NativeTopics;
  #ws: WebSocket<SocketData> | undefined;

  constructor(ws: WebSocket<SocketData>, session: Session, topics: NativeTopics) {
    this.#ws = ws;
    this.session = session;
    this.#topics = topics;
  }

  get isOpen(): boolean {
    return this.#ws !== undefined;
  }

  send(frame: string): void {
    if (!this.#ws || this.isSlow) return;
    this.#ws.send(frame);
    this.session.sent(frame);
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

  /** The publish of a socket passes over that socket. */
  publishToOthers(outlet: Outlet<string>, topic: string, frame: string): boolean {
    if (!this.#ws || outlet !== this.#topics) return false;
    this.#ws.publish(topic, frame);
    return true;
  }

  /** To be called when a frame was dropped because the client does not read. */
  noteSlow(): void {
    if (this.isSlow) return;
    this.isSlow = true;
    this.#topics.noteSlow(this);
  }

  /** To be called when the socket is gone: from then on it must not be touched. */
  detach(): void {
    this.#ws = undefined;
  }
}
