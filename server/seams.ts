import type { App } from '../channels/app.ts';
import type { Broker } from '../channels/broker.ts';
import type { ChannelStore } from '../channels/channel-store.ts';
import type { Clock } from '../channels/clock.ts';
import { MemoryBroker } from '../channels/memory-broker.ts';
import { MemoryChannelStore } from '../channels/memory-channel-store.ts';
import type { Node } from '../channels/node.ts';

/** What joins a node to the others, or stands in for them. */
export interface Seams {
  readonly broker: Broker;
  readonly store: ChannelStore;
  /** Why the node is not fit to serve because of them, or undefined. */
  problem(): string | undefined;
  /** Called once, when the node is made and before it listens. */
  start(node: Node): Promise<void>;
  /** Called last, when the node is closed. */
  stop(): Promise<void>;
}

/** A node by itself. */
export function createMemorySeams(clock: Clock): Seams {
  const broker = new MemoryBroker(clock);
  return {
    broker,
    store: new MemoryChannelStore(clock, (message) => broker.publish(message)),
    problem: () => undefined,
    start: async () => {},
    stop: async () => {},
  };
}

/** Whether subscribers of an app's channels are told their number. */
export function countAnnouncer(apps: readonly App[]): (appId: string) => boolean {
  const ids = new Set(apps.filter((app) => app.enableSubscriptionCountEvents).map(({ id }) => id));
  return (appId) => ids.has(appId);
}
