import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Redis } from 'ioredis';

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
