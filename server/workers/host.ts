import type { BrokerMessage } from '../../channels/broker.ts';
import type { Clock } from '../../channels/clock.ts';
import { MemoryBroker } from '../../channels/memory-broker.ts';
import { MemoryChannelStore } from '../../channels/memory-channel-store.ts';
import { HostedWorker } from './hosted-worker.ts';
import { Interests } from './interests.ts';
import type { Post } from './outbox.ts';
import { encodeMessage, type ToWorker } from './wire.ts';

export interface WorkerHostOptions {
  readonly clock: Clock;
  /** Told of a call that failed, which is a bug. */
  readonly failed: (error: unknown, during: string) => void;
}

/** Joins the workers of one machine: takes all their calls in one order, and hands messages to those that want them. */
export class WorkerHost {
  readonly broker: MemoryBroker;
  readonly store: MemoryChannelStore;
  readonly interests = new Interests<HostedWorker>();
  readonly options: WorkerHostOptions;

  constructor(options: WorkerHostOptions) {
    this.options = options;
    this.broker = new MemoryBroker(options.clock);
    this.broker.listen((message) => this.#route(message));
    this.store = new MemoryChannelStore(options.clock, (message) => this.broker.publish(message));
  }

  /** @param post - sends to the worker */
  add(post: Post<ToWorker>): HostedWorker {
    return new HostedWorker(this, post);
  }

  close(): void {
    this.broker.close();
    this.store.close();
  }

  #route(message: BrokerMessage): void {
    let wire: ToWorker | undefined;
    for (const worker of this.interests.in(message.appId, message.channel)) {
      wire ??= ['message', ...encodeMessage(message)];
      worker.send(wire);
    }
  }
}
