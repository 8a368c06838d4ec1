import type { Broker, BrokerMessage } from '../../channels/broker.ts';
import type { ChannelStore } from '../../channels/channel-store.ts';
import type { Edge } from '../../channels/edge.ts';
import type { Outbox } from '../../channels/outbox.ts';

/** The two seams as one node sees them. */
export interface SeamsOfNode {
  readonly broker: Broker;
  /** Publishes through `broker`, or through what is behind it. */
  readonly store: ChannelStore;
}

/** An implementation of the seams, set up for one test. */
export interface SeamsFixture {
  /** Nodes of one cluster, empty at the start. Implementations for a single node have one. */
  readonly nodes: readonly [SeamsOfNode, ...SeamsOfNode[]];
  /** Waits until all calls made so far have taken effect everywhere and all messages published so far have arrived. */
  settled(): Promise<void>;
  /** What the clock says by which things are forgotten, in milliseconds since 1970. */
  now(): number;
  /** Lets time pass for whatever expires. */
  pass(seconds: number): Promise<void>;
  /** Gives everything back. */
  dispose(): Promise<void>;
}

export type CreateSeams = () => Promise<SeamsFixture>;

/** Seams that report edges. */
export interface EdgesFixture extends SeamsFixture {
  /** What was reported so far, on whichever node, oldest first. */
  readonly edges: readonly Edge[];
}

export interface OutboxOfNode extends SeamsOfNode {
  readonly outbox: Outbox;
}

/** Seams with an outbox. */
export interface OutboxFixture extends SeamsFixture {
  readonly nodes: readonly [OutboxOfNode, ...OutboxOfNode[]];
  /** How long ends are held back, in milliseconds. */
  readonly graceMs: number;
  /**
   * Has a node die without a word. Resolves when what it had is taken out and others may have its entries. Undefined where the outbox dies
   * with its only node.
   */
  readonly kill: ((node: number) => Promise<void>) | undefined;
}

/** A node of the fixture with everything that was delivered to it. */
export class ContractNode {
  readonly broker: Broker;
  readonly store: ChannelStore;
  /** By channel, how many of its connections this node says that a message was handed to. */
  readonly receivers = new Map<string, number>();
  readonly #fixture: SeamsFixture;
  readonly #subscribed = new Set<string>();
  readonly #messages: BrokerMessage[] = [];

  constructor(fixture: SeamsFixture, { broker, store }: SeamsOfNode) {
    this.broker = broker;
    this.store = store;
    this.#fixture = fixture;
    broker.listen(
      (message) => {
        // A broker inside of its only node may hand over everything, as nodes look their channels up anyway.
        const isOnly = fixture.nodes.length === 1;
        if (isOnly && !this.#subscribed.has(`${message.appId} ${message.channel}`)) return;
        this.#messages.push(message);
      },
      ({ channel }) => this.receivers.get(channel) ?? 0,
    );
  }

  async subscribe(channel: string, appId = APP): Promise<void> {
    this.#subscribed.add(`${appId} ${channel}`);
    await this.broker.subscribe(appId, channel);
  }

  async unsubscribe(channel: string, appId = APP): Promise<void> {
    this.#subscribed.delete(`${appId} ${channel}`);
    await this.broker.unsubscribe(appId, channel);
  }

  /** Everything that has come since the last call, oldest first. */
  async messages(): Promise<readonly BrokerMessage[]> {
    await this.#fixture.settled();
    return this.#messages.splice(0);
  }

  async frames(): Promise<readonly string[]> {
    return (await this.messages()).map(({ frame }) => frame);
  }
}

/** The app of most tests. */
export const APP = '3';

/** A new set of nodes. With several, `first` and `last` are different ones; with one it plays both parts. */
export async function start(create: CreateSeams) {
  const fixture = await create();
  const nodes = fixture.nodes.map((seams) => new ContractNode(fixture, seams));
  const first = nodes[0] ?? new ContractNode(fixture, fixture.nodes[0]);
  const last = nodes.at(-1) ?? first;
  /** The nodes in turn. */
  const node = (index: number): ContractNode => nodes[index % nodes.length] ?? first;
  return { fixture, nodes, first, last, node };
}

export type Started = Awaited<ReturnType<typeof start>>;
