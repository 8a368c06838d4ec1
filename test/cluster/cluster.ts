import { read, trigger } from '../support/api-client.ts';
import { FULL_APP } from '../support/broker.ts';
import { freePort } from '../support/free-port.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { RedisServer } from '../support/redis-server.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

/** Short, so that tests need not wait long for what they are about. */
const NODE_TIMEOUT_SECONDS = 2;

type Settings = Readonly<Record<string, unknown>>;

export interface ClusterOptions {
  readonly nodes?: number;
  readonly settings?: Settings;
  readonly apps?: readonly Settings[];
  /** How Redis is started: without persistence, unless this says otherwise. */
  readonly redisArgs?: readonly string[];
}

/** A process of the command, and the wire between it and Redis. */
export class ClusterNode {
  readonly wire: TcpProxy;
  readonly port: number;
  readonly #options: ClusterOptions;
  #broker: BrokerProcess | undefined;

  private constructor(wire: TcpProxy, port: number, options: ClusterOptions) {
    this.wire = wire;
    this.port = port;
    this.#options = options;
  }

  static async start(redisPort: number, options: ClusterOptions): Promise<ClusterNode> {
    const node = new ClusterNode(await TcpProxy.start(redisPort), await freePort(), options);
    await node.restart();
    return node;
  }

  get broker(): BrokerProcess {
    if (!this.#broker) throw new Error('not started');
    return this.#broker;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** Starts the process, on the same port as the one that ended. */
  async restart(): Promise<void> {
    this.#broker = await startProcess({
      port: this.port,
      apps: this.#options.apps ?? [FULL_APP],
      settings: {
        'adapter.driver': 'redis',
        'adapter.nodeTimeoutSeconds': NODE_TIMEOUT_SECONDS,
        'database.redis.host': '127.0.0.1',
        'database.redis.port': this.wire.port,
        shutdownGracePeriod: 300,
        ...this.#options.settings,
      },
    });
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.wsUrl);
  }

  async publish(channel: string, name: string, data: string, more: object = {}): Promise<number> {
    return (await trigger(this.url, { name, channel, data, ...more })).status;
  }

  async users(channel: string): Promise<string[]> {
    const { users } = (await read(this.url, `/channels/${channel}/users`)) as { users: { id: string }[] };
    return users.map(({ id }) => id).sort();
  }

  /** `GET /channels/:name` with the numbers that apply. */
  summary(channel: string): Promise<unknown> {
    const info = channel.startsWith('presence-') ? 'user_count' : 'subscription_count';
    return read(this.url, `/channels/${channel}`, { info });
  }

  /** `200 OK`, or `503` and the reason. */
  async readiness(): Promise<string> {
    const answer = await fetch(`${this.url}/ready`);
    return `${answer.status} ${await answer.text()}`;
  }
}

/** Three nodes, say, joined by a real Redis. All ended with the tests of the file at the latest. */
export class Cluster {
  readonly redis: RedisServer;
  readonly nodes: readonly ClusterNode[];

  private constructor(redis: RedisServer, nodes: readonly ClusterNode[]) {
    this.redis = redis;
    this.nodes = nodes;
  }

  static async start({ nodes: count = 3, redisArgs = [], ...options }: ClusterOptions = {}): Promise<Cluster> {
    const redis = await RedisServer.start(...redisArgs);
    const nodes = Array.from({ length: count }, () => ClusterNode.start(redis.port, options));
    try {
      return new Cluster(redis, await Promise.all(nodes));
    } catch (error) {
      await redis.dispose();
      throw error;
    }
  }

  node(index: number): ClusterNode {
    const node = this.nodes[index];
    if (!node) throw new Error(`no node ${index}`);
    return node;
  }

  /** Log lines of all nodes with a text. */
  logged(text: string): unknown[] {
    return this.nodes.flatMap(({ broker }) => broker.log).filter(({ msg }) => String(msg).includes(text));
  }

  /** Until each node says that it is ready. */
  async ready(): Promise<void> {
    for (const node of this.nodes) await until(async () => (await node.readiness()) === '200 OK');
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(({ broker }) => broker.kill()));
    await Promise.all(this.nodes.map(({ wire }) => wire.close()));
    await this.redis.dispose();
  }
}
