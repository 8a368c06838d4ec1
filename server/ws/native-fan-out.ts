import type { Connection } from '../../channels/connection.ts';
import type { FanOut } from '../../channels/node.ts';
import { FeedFanOut } from '../feeds/feed-fan-out.ts';
import { type Logger, loggableFrame } from '../log.ts';
import type { TemplatedApp } from '../uws.ts';
import { WebSocketTransport } from './web-socket-transport.ts';

/** Fan-out by the native topics of uWebSockets.js: one call, whatever the number of subscribers. */
export class NativeFanOut implements FanOut {
  /** More than one only while connections of a replaced TLS certificate live on. */
  readonly #apps: TemplatedApp[] = [];
  readonly #log: Logger | undefined;
  /** Readers of feeds, who get the same events in another form. */
  readonly feeds = new FeedFanOut((topic, text) => {
    for (const app of this.#apps) app.publish(topic, text);
  });
  /** Lost a frame and are still open. */
  readonly #slow: WebSocketTransport[] = [];

  /** @param log - given when each frame is to be logged */
  constructor(log: Logger | undefined) {
    this.#log = log;
  }

  add(app: TemplatedApp): void {
    this.#apps.push(app);
  }

  publish(topic: string, frame: string, except: Connection | undefined, position?: number): void {
    this.#log?.debug({ topic, frame: loggableFrame(frame) }, 'message out to subscribers');
    const sender = except?.transport instanceof WebSocketTransport ? except.transport : undefined;
    for (const app of this.#apps) {
      // A socket's own publish skips that socket.
      if (sender?.app === app) sender.publish(topic, frame);
      else app.publish(topic, frame);
    }
    this.feeds.publish(topic, frame, position);
    if (this.#slow.length > 0) process.nextTick(() => this.#cutOffSlow());
  }

  /**
   * Has a subscriber cut off that lost a frame of the message which is being handed out. uWebSockets.js closes it too, but
   * first goes through all events that it has in hand: the client may start to read among them, and would get later frames
   * after the gap. Neither it nor the use case that publishes can bear a close in their midst, hence the tick.
   */
  noteSlow(transport: WebSocketTransport): void {
    // It may have been an answer that was lost. As long as more comes in, uWebSockets.js goes on reading then.
    if (this.#slow.length === 0) setImmediate(() => this.#cutOffSlow());
    this.#slow.push(transport);
  }

  #cutOffSlow(): void {
    for (let slow = this.#slow.pop(); slow; slow = this.#slow.pop()) slow.cutOff();
  }
}
