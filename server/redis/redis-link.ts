import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Redis } from 'ioredis';
import { maskSecrets } from '../config/mask.ts';
import { type RedisCommands, RedisUnavailable } from './redis-commands.ts';

/**
 * The connections of a node to its Redis, be it one server, behind Sentinel or a cluster.
 * Up means: commands can be sent and all topics are subscribed.
 */
export interface RedisLink {
  readonly commands: RedisCommands;
  /** Sharded on Redis Cluster, where PUBLISH would reach every master. */
  readonly publishCommand: 'PUBLISH' | 'SPUBLISH';
  readonly isUp: boolean;
  /** Why it is not up, for people; undefined when it is. */
  readonly problem: string | undefined;
  whenUp(): Promise<void>;
  subscribe(topic: string): Promise<void>;
  unsubscribe(topic: string): Promise<void>;
  /** Answered after every message that was published before. */
  barrier(): Promise<void>;
  onMessage(handler: (topic: string, payload: string) => void): void;
  /** The connection for commands or one for topics is gone. */
  onLost(handler: () => void): void;
  /** Up again after a loss. */
  onRestored(handler: () => void): void;
  close(): void;
}

/** What all links have in common: whether they are up, and who is told of that and of messages. */
export abstract class StatefulLink {
  protected readonly state = new LinkState();
  #onMessage: (topic: string, payload: string) => void = () => {};

  get isUp(): boolean {
    return this.state.isUp;
  }

  get problem(): string | undefined {
    return this.state.problem;
  }

  whenUp(): Promise<void> {
    return this.state.whenUp();
  }

  onMessage(handler: (topic: string, payload: string) => void): void {
    this.#onMessage = handler;
  }

  onLost(handler: () => void): void {
    this.state.onLost(handler);
  }

  onRestored(handler: () => void): void {
    this.state.onRestored(handler);
  }

  protected receive(topic: string, payload: string): void {
    this.#onMessage(topic, payload);
  }
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const closed = (): Error => new RedisUnavailable(new Error('the connection was closed'));

/** Whether a link is up, and the listeners to that. */
class LinkState {
  readonly #onLost: (() => void)[] = [];
  readonly #onRestored: (() => void)[] = [];
  #waiters: Waiter[] = [];
  #isUp = false;
  #wasUp = false;
  #isClosed = false;
  #lastError = 'not connected yet';

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Why it is not up, for people; undefined when it is. */
  get problem(): string | undefined {
    return this.#isUp ? undefined : `Redis is away (${this.#lastError})`;
  }

  /** @throws {RedisUnavailable} it will never be up again */
  whenUp(): Promise<void> {
    if (this.#isUp) return Promise.resolve();
    if (this.#isClosed) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  onLost(handler: () => void): void {
    this.#onLost.push(handler);
  }

  onRestored(handler: () => void): void {
    this.#onRestored.push(handler);
  }

  /** Notes the latest thing that went wrong. */
  note(error: Error): void {
    this.#lastError = maskSecrets(error.message);
  }

  /** From now on nothing is reported: what happens now is not a loss. */
  close(): void {
    this.#isClosed = true;
    this.#isUp = false;
    this.#lastError = 'the connection was closed';
    for (const { reject } of this.#waiters.splice(0)) reject(closed());
  }

  update(isUp: boolean): void {
    if (isUp === this.#isUp || this.#isClosed) return;
    this.#isUp = isUp;
    if (!isUp) {
      for (const handler of this.#onLost) handler();
      return;
    }
    for (const { resolve } of this.#waiters.splice(0)) resolve();
    if (this.#wasUp) for (const handler of this.#onRestored) handler();
    this.#wasUp = true;
  }
}

const INTERVAL_MS = 2000;
const TIMEOUT_MS = 2500;

/**
 * Finds connections that died silently (a pulled cable, a firewall that dropped its state): nothing else would, if
 * nothing is sent. They are dropped, and their owner reconnects.
 */
export class Heartbeat {
  readonly #clients: () => Iterable<Redis>;
  readonly #timer: NodeJS.Timeout;

  /** @param clients - those to look after now */
  constructor(clients: () => Iterable<Redis>) {
    this.#clients = clients;
    this.#timer = setInterval(() => this.beat(), INTERVAL_MS);
    this.#timer.unref();
  }

  /** Asks all; connects those that wait for their first command. */
  beat(): void {
    for (const client of this.#clients()) {
      if (client.status === 'ready' || client.status === 'wait') void ping(client);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

async function ping(client: Redis): Promise<void> {
  let isAnswered = false;
  const timer = setTimeout(() => {
    // After this process itself was stopped for a while, the answer may be there and only not read yet.
    setImmediate(() => {
      if (!isAnswered) drop(client);
    });
  }, TIMEOUT_MS);
  try {
    await client.ping();
  } catch (error) {
    if (client.status === 'ready' && error instanceof Error && error.message === 'Command timed out') drop(client);
  } finally {
    isAnswered = true;
    clearTimeout(timer);
  }
}

/**
 * Destroys a connection, which the client then opens again. Closing it would leave undelivered data to the system, and a
 * join could reach Redis minutes after this node had given it up.
 */
function drop({ stream }: Redis): void {
  if (stream instanceof Socket && !(stream instanceof TLSSocket)) stream.resetAndDestroy();
  else stream.destroy();
}
