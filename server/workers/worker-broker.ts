import type { Broker, BrokerMessage, LastEvent } from '../../channels/broker.ts';
import type { HostLink } from './host-link.ts';
import { encodeMessage } from './wire.ts';

/**
 * Moves messages between the workers of one machine, through the host. A published message is with the system before the
 * publisher is answered, so that it arrives even if this worker dies then; the host reads it before it takes the worker for dead.
 */
export class WorkerBroker implements Broker {
  readonly answersMayOvertake = false;
  readonly lingerMs = 0;
  readonly #link: HostLink;

  constructor(link: HostLink) {
    this.#link = link;
  }

  listen(deliver: (message: BrokerMessage) => void): void {
    this.#link.listen(deliver);
  }

  subscribe(appId: string, channel: string): Promise<undefined> {
    return this.#link.ask('subscribe', appId, channel);
  }

  unsubscribe(appId: string, channel: string): void {
    this.#link.tell('unsubscribe', appId, channel);
  }

  publish(message: BrokerMessage): Promise<void> {
    // What is kept must be there for whoever asks next, on any worker.
    if (message.keepSeconds !== undefined) return this.#link.ask('publish', ...encodeMessage(message));
    this.#link.tell('publish', ...encodeMessage(message));
    return this.#link.departed();
  }

  lastEvent(appId: string, channel: string): Promise<LastEvent | undefined> {
    return this.#link.ask('lastEvent', appId, channel);
  }

  close(): void {}
}
