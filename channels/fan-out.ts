import type { BrokerMessage } from './broker.ts';
import type { Connection, Transport } from './connection.ts';

/** What a node hands on to the subscribers of a channel. */
export type Delivery = Pick<
  BrokerMessage,
  'frame' | 'keepSeconds' | 'keepNamed' | 'member' | 'position' | 'publishedMs'
>;

/** Sends what is published in a topic to every client of this node that subscribed to it. */
export interface FanOut {
  /** @param except - a connection in the topic that must not receive it */
  publish(topic: string, delivery: Delivery, except: Connection | undefined): void;
}

/**
 * One way in which a topic's messages reach clients: native topics of a transport, or a loop over those that have none.
 * A client is reached by one outlet.
 */
export interface Outlet<Message> {
  /** @param except - a client in the topic that must not receive the message, by whatever outlet it is reached */
  publish(topic: string, message: Message, except: Transport | undefined): void;
}
