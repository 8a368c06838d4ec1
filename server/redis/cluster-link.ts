import type { Cluster, Redis } from 'ioredis';
import { ClusterTopics } from './cluster-topics.ts';
import { RedisCommands } from './redis-commands.ts';
import { Heartbeat, type RedisLink, StatefulLink } from './redis-link.ts';
import type { HostAndPort } from './redis-options.ts';

const SLOTS = 16_384;
/** Between two looks at the cluster while something is amiss, in milliseconds; else every tenth of them is one. */
const POLL_MS = 500;
const POLLS_PER_REFRESH = 10;
/** Slots move in crowds: the first that did is not worth a look by itself. */
const GATHER_MS = 100;

/** Redis Cluster with sharded pub/sub: commands go to the masters, topics come from the masters that have their slots. */
export class ClusterLink extends StatefulLink implements RedisLink {
  readonly commands: RedisCommands;
  readonly publishCommand = 'SPUBLISH';
  readonly #cluster: Cluster;
  readonly #topics: ClusterTopics;
  readonly #heartbeat: Heartbeat;
  readonly #poll: NodeJS.Timeout;
  #polls = 0;
  #refreshing: NodeJS.Timeout | undefined;
  #masters: ReadonlySet<string> = new Set();

  /**
   * @param cluster - for commands; connects by itself, for ever
   * @param createTopicClient - likewise, for the topics of one master
   */
  constructor(cluster: Cluster, createTopicClient: (node: HostAndPort) => Redis) {
    super();
    this.#cluster = cluster;
    this.commands = new RedisCommands(cluster);
    const note = (error: Error): void => this.state.note(error);
    const update = (): void => this.#update();
    this.#topics = new ClusterTopics(
      (node) => {
        const client = createTopicClient(parseNode(node));
        client.on('error', note);
        return client;
      },
      {
        message: (topic, payload) => this.receive(topic, payload),
        changed: update,
        stale: () => this.#refreshSoon(),
      },
    );
    cluster.on('error', note);
    cluster.on('node error', note);
    cluster.on('refresh', () => this.#assign());
    cluster.on('+node', (node: Redis) => {
      for (const event of ['ready', 'close', 'end']) node.on(event, update);
    });
    for (const event of ['ready', 'close', 'end', '-node']) cluster.on(event, update);
    this.#heartbeat = new Heartbeat(() => [...cluster.nodes('master'), ...this.#topics.clients()]);
    this.#poll = setInterval(() => this.#look(), POLL_MS);
    this.#poll.unref();
  }

  subscribe(topic: string): Promise<void> {
    return this.#topics.subscribe(topic);
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#topics.unsubscribe(topic);
  }

  barrier(): Promise<void> {
    return this.#topics.barrier();
  }

  close(): void {
    this.state.close();
    clearInterval(this.#poll);
    clearTimeout(this.#refreshing);
    this.#heartbeat.stop();
    this.#cluster.disconnect();
    this.#topics.close();
  }

  /** The cluster client only looks when a command goes astray; without commands a failover would go unnoticed. */
  #look(): void {
    this.#polls += 1;
    if (this.state.isUp && this.#polls % POLLS_PER_REFRESH > 0) return;
    if (this.#cluster.status === 'ready') this.#cluster.refreshSlotsCache();
  }

  #refreshSoon(): void {
    this.#refreshing ??= setTimeout(() => {
      this.#refreshing = undefined;
      if (this.#cluster.status === 'ready') this.#cluster.refreshSlotsCache();
    }, GATHER_MS);
    this.#refreshing.unref();
  }

  #assign(): void {
    const owners = Array.from({ length: SLOTS }, (_, slot) => this.#cluster.slots[slot]?.[0]);
    this.#masters = new Set(owners.filter((owner) => owner !== undefined));
    this.#topics.assign(owners);
    // Connects masters that no command was sent to yet.
    this.#heartbeat.beat();
    this.#update();
  }

  #update(): void {
    this.state.update(this.#cluster.status === 'ready' && this.#topics.isReady && this.#areMastersReady());
  }

  #areMastersReady(): boolean {
    const ready = new Set(
      this.#cluster
        .nodes('master')
        .filter(({ status }) => status === 'ready')
        .map(({ options }) => `${options.host}:${options.port}`),
    );
    return [...this.#masters].every((master) => ready.has(master));
  }
}

function parseNode(node: string): HostAndPort {
  const colon = node.lastIndexOf(':');
  return { host: node.slice(0, colon), port: Number(node.slice(colon + 1)) };
}
