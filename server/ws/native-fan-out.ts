import type { Connection } from '../../channels/connection.ts';
import type { FanOut } from '../../channels/node.ts';
import { type Logger, loggableFrame } from '../log.ts';
import type { TemplatedApp } from '../uws.ts';
import { WebSocketTransport } from './web-socket-transport.ts';

/** Fan-out by the native topics of uWebSockets.js: one call, whatever the number of subscribers. */
export class NativeFanOut implements FanOut {
  /** More than one only while connections of a replaced TLS certificate live on. */
  readonly #apps: TemplatedApp[] = [];
  readonly #log: Logger | undefined;

  /** @param log - given when each frame is to be logged */
  constructor(log: Logger | undefined) {
    this.#log = log;
  }

  add(app: TemplatedApp): void {
    this.#apps.push(app);
  }

  publish(topic: string, frame: string, except: Connection | undefined): void {
    this.#log?.debug({ topic, frame: loggableFrame(frame) }, 'message out to subscribers');
    const sender = except?.transport instanceof WebSocketTransport ? except.transport : undefined;
    for (const app of this.#apps) {
      // A socket's own publish skips that socket.
      if (sender?.app === app) sender.publish(topic, frame);
      else app.publish(topic, frame);
    }
  }
}
