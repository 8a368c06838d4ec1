import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

const PAUSE_MS = 20;

/** A TCP balancer: clients stay on their address while brokers come and go behind it. */
export class Balancer {
  /** Ports of the brokers that new connections go to, in turn; those that refuse are passed over. */
  targets: readonly number[];
  /** Clients wait for a broker to be there, instead of being cut off. */
  isPatient = false;
  #turn = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => {
    // 'close' follows.
    client.on('error', () => {});
    this.#forward(client);
  });

  private constructor(targets: readonly number[]) {
    this.targets = targets;
  }

  static async start(...targets: number[]): Promise<Balancer> {
    const balancer = new Balancer(targets);
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    return balancer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #forward(client: Socket, attempts = this.targets.length): void {
    this.#turn += 1;
    const broker = connect(this.targets[this.#turn % this.targets.length] ?? 0, '127.0.0.1');
    const tryNext = (): void => {
      if (attempts > 1) this.#forward(client, attempts - 1);
      else if (this.isPatient && !client.destroyed) setTimeout(() => this.#forward(client), PAUSE_MS);
      else client.destroy();
    };
    broker.once('error', tryNext);
    broker.once('connect', () => {
      broker.off('error', tryNext);
      this.#join(client, broker);
    });
  }

  #join(client: Socket, broker: Socket): void {
    for (const [from, to] of [[client, broker] as const, [broker, client] as const]) {
      this.#sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroySoon();
      });
    }
  }
}
