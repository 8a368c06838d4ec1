import type { Redis } from 'ioredis';
import { RedisCommands } from './redis-commands.ts';
import type { RedisLink } from './redis-link.ts';
import { Subscriber } from './subscriber.ts';

/** One Redis server, given by address or by Sentinel: a connection for commands and one for topics. */
export class SingleLink implements RedisLink {
  readonly commands: RedisCommands;
  readonly publishCommand = 'PUBLISH';
  readonly #commandClient: Redis;
  readonly #subscriber: Subscriber;
  readonly #onLost: (() => void)[] = [];
  readonly #onRestored: (() => void)[] = [];
  #onMessage: (topic: string, payload: string) => void = () => {};
  #waiters: (() => void)[] = [];
  #isUp = false;
  #wasUp = false;
  #lastError = 'not connected yet';

  /** @param createClient - connects by itself, and again after a loss, for ever */
  constructor(createClient: (role: 'commands' | 'topics') => Redis) {
    this.#commandClient = createClient('commands');
    const topicClient = createClient('topics');
    this.commands = new RedisCommands(this.#commandClient);
    this.#subscriber = new Subscriber(topicClient, false, {
      message: (topic, payload) => this.#onMessage(topic, payload),
      lost: () => this.#update(),
      restored: () => this.#update(),
    });
    for (const client of [this.#commandClient, topicClient]) {
      client.on('error', (error: Error) => {
        this.#lastError = error.message;
      });
      client.on('close', () => this.#update());
      client.on('ready', () => this.#update());
    }
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get problem(): string | undefined {
    return this.#isUp ? undefined : `Redis is away (${this.#lastError})`;
  }

  whenUp(): Promise<void> {
    if (this.#isUp) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
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

  onMessage(handler: (topic: string, payload: string) => void): void {
    this.#onMessage = handler;
  }

  onLost(handler: () => void): void {
    this.#onLost.push(handler);
  }

  onRestored(handler: () => void): void {
    this.#onRestored.push(handler);
  }

  close(): void {
    this.#commandClient.disconnect();
    this.#subscriber.close();
  }

  #update(): void {
    const isUp = this.#commandClient.status === 'ready' && this.#subscriber.isReady;
    if (isUp === this.#isUp) return;
    this.#isUp = isUp;
    if (!isUp) {
      for (const handler of this.#onLost) handler();
      return;
    }
    for (const resolve of this.#waiters.splice(0)) resolve();
    if (this.#wasUp) for (const handler of this.#onRestored) handler();
    this.#wasUp = true;
  }
}
