import type { Redis } from 'ioredis';
import { RedisCommands } from './redis-commands.ts';
import { Heartbeat, type RedisLink, StatefulLink } from './redis-link.ts';
import { Subscriber } from './subscriber.ts';

export type ConnectionRole = 'commands' | 'topics';

export interface SingleLinkOptions {
  /** Whether both connections are meant to lead to the same server. */
  readonly isOneServer?: boolean;
  /** Starts to look out for a new master, if there can be one. */
  readonly watch?: ((onSwitch: () => void) => { close(): void }) | undefined;
}

/** One Redis server, given by address or by Sentinel: a connection for commands and one for topics. */
export class SingleLink extends StatefulLink implements RedisLink {
  readonly commands: RedisCommands;
  readonly publishCommand = 'PUBLISH';
  readonly #commandClient: Redis;
  readonly #subscriber: Subscriber;
  readonly #heartbeat: Heartbeat;
  readonly #isOneServer: boolean;
  readonly #watch: { close(): void } | undefined;
  /** Grows with each connection that ends. */
  #connections = 0;
  /** Its value when both connections were found to lead to the same server. */
  #compared = -1;

  /** @param createClient - connects by itself, and again after a loss, for ever */
  constructor(createClient: (role: ConnectionRole) => Redis, { isOneServer = true, watch }: SingleLinkOptions = {}) {
    super();
    this.#isOneServer = isOneServer;
    this.#commandClient = createClient('commands');
    const topicClient = createClient('topics');
    this.commands = new RedisCommands(this.#commandClient);
    this.#subscriber = new Subscriber(topicClient, false, {
      message: (topic, payload) => this.receive(topic, payload),
      lost: () => this.#update(),
      restored: () => this.#update(),
    });
    this.#watch = watch?.(() => this.#reconnect('there is a new master'));
    this.#heartbeat = new Heartbeat(() => [this.#commandClient, topicClient]);
    for (const client of [this.#commandClient, topicClient]) {
      client.on('error', (error: Error) => this.state.note(error));
      client.on('close', () => {
        this.#connections += 1;
        this.#update();
      });
      client.on('ready', () => this.#update());
    }
  }

  subscribe(topic: string): Promise<void> {
    return this.#subscriber.subscribe(topic);
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#subscriber.unsubscribe(topic);
  }

  barrier(): Promise<void> {
    return this.#subscriber.barrier();
  }

  close(): void {
    this.state.close();
    this.#heartbeat.stop();
    this.#watch?.close();
    this.#commandClient.disconnect();
    this.#subscriber.close();
  }

  #update(): void {
    if (!this.#areReady()) this.state.update(false);
    else if (!this.#isOneServer || this.#compared === this.#connections) this.state.update(true);
    else void this.#compareServers();
  }

  #areReady(): boolean {
    return this.#commandClient.status === 'ready' && this.#subscriber.isReady;
  }

  /** Reconnects both: their server is no longer the right one. */
  #reconnect(reason: string): void {
    this.state.note(new Error(reason));
    this.#commandClient.disconnect(true);
    this.#subscriber.client.disconnect(true);
  }

  /** After a failover one connection may have found the new master while the other is still at the old one. */
  async #compareServers(): Promise<void> {
    const connections = this.#connections;
    try {
      const clients = [this.#commandClient, this.#subscriber.client];
      const [one, other] = await Promise.all(clients.map(readRunId));
      if (connections !== this.#connections) return;
      if (one !== other) {
        this.#reconnect('its two connections lead to different servers');
        return;
      }
    } catch (error) {
      if (connections !== this.#connections) return;
      if (!(error instanceof Error) || error.name !== 'ReplyError') {
        this.#reconnect(error instanceof Error ? error.message : String(error));
        return;
      }
      // This user may not run INFO: assume that it is right.
    }
    this.#compared = connections;
    this.#update();
  }
}

async function readRunId(client: Redis): Promise<string | undefined> {
  return /^run_id:(\w+)/m.exec(await client.info('server'))?.[1];
}
