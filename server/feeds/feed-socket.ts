import type { Feed } from '../../channels/feed.ts';
import type { WebSocketTransport } from '../ws/web-socket-transport.ts';
import { type FeedFanOut, feedTopic } from './feed-fan-out.ts';
import type { FeedEvent } from './feed-frames.ts';
import type { FeedSink } from './feed-transport.ts';

/** A feed read by WebSocket. */
export class FeedSocket implements FeedSink {
  readonly #socket: WebSocketTransport;

  constructor(socket: WebSocketTransport) {
    this.#socket = socket;
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  sendEvent(event: FeedEvent, { format }: Feed): void {
    this.#socket.send(event.text(format));
  }

  echo(text: string): void {
    this.#socket.send(text);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  cutOff(): void {
    this.#socket.cutOff();
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  ping(payload?: string): void {
    this.#socket.ping(payload);
  }

  join(fanOut: FeedFanOut, topic: string, { format }: Feed): void {
    fanOut.addSocket(topic, format);
    this.#socket.subscribe(feedTopic(topic, format));
  }

  leave(fanOut: FeedFanOut, topic: string, { format }: Feed): void {
    fanOut.removeSocket(topic, format);
    this.#socket.unsubscribe(feedTopic(topic, format));
  }
}
