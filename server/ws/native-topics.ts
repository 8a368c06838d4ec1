import type { Transport } from '../../channels/connection.ts';
import type { Outlet } from '../../channels/fan-out.ts';
import type { TemplatedApp } from '../uws.ts';
import type { WebSocketTransport } from './web-socket-transport.ts';

/** The topics of one app of uWebSockets.js: one call, whatever the number of subscribers. */
export class NativeTopics implements Outlet<string> {
  readonly #app: Pick<TemplatedApp, 'publish'>;
  /** Lost a frame and are still open. */
  readonly #slow: WebSocketTransport[] = [];

  constructor(app: Pick<TemplatedApp, 'publish'>) {
    this.#app = app;
  }

  publish(topic: string, text: string, except: Transport | undefined): void {
    if (!except?.publishToOthers?.(this, topic, text)) this.#app.publish(topic, text);
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
