import type { Connection, Transport } from '../channels/connection.ts';
import type { Delivery, FanOut, Outlet } from '../channels/fan-out.ts';
import { FeedFanOut } from './feeds/feed-fan-out.ts';

/** The fan-out of a node: by the outlets of all transports, and to the readers of feeds, who get events in another form. */
export class TopicFanOut implements FanOut {
  readonly #outlets = new Outlets<string>();
  readonly feeds = new FeedFanOut(this.#outlets);

  /** Two of the same kind there are while connections of a replaced TLS certificate live on. */
  add(outlet: Outlet<string>): void {
    this.#outlets.add(outlet);
  }

  publish(topic: string, delivery: Delivery, except: Connection | undefined): void {
    const { frame, member } = delivery;
    this.#outlets.publish(topic, frame, except?.transport);
    if (member === undefined) this.feeds.publish(topic, delivery);
  }
}

/** Several outlets as one. */
class Outlets<Message> implements Outlet<Message> {
  readonly #all: Outlet<Message>[] = [];

  add(outlet: Outlet<Message>): void {
    this.#all.push(outlet);
  }

  publish(topic: string, message: Message, except: Transport | undefined): void {
    for (const outlet of this.#all) outlet.publish(topic, message, except);
  }
}
