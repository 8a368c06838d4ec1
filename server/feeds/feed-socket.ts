import type { FeedFormat } from '../../channels/feed.ts';
import type { WebSocketTransport } from '../ws/web-socket-transport.ts';
import { type FeedFanOut, feedTopic } from './feed-fan-out.ts';
import type { FeedEvent } from './feed-frames.ts';
import type { FeedSink, FeedTransport } from './feed-transport.ts';

/** A feed read by WebSocket. */
export class FeedSocket implements FeedSink {
  readonly #socket: WebSocketTransport;

  constructor(socket: WebSocketTransport) {
    this.#socket = socket;
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  put(event: FeedEvent, format: FeedFormat): void {
    this.#socket.send(event.text(format));
  }

  flush(): void {}

  greet(text: string): void {
    this.#socket.send(text);
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

  join(fanOut: FeedFanOut, topic: string, { feed: { format } }: FeedTransport): void {
    fanOut.addSocket(topic, format);
    this.#socket.subscribe(feedTopic(topic, format));
  }

  leave(fanOut: FeedFanOut, topic: string, { feed: { format } }: FeedTransport): void {
    fanOut.removeSocket(topic, format);
    this.#socket.unsubscribe(feedTopic(topic, format));
  }
}
