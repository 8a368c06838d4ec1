import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP balancer with one target at a time, as clients stay on their address while brokers come and go behind it. */
export class Balancer {
  /** Port of the broker that new connections go to. */
  target: number;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.#forward(client));

  private constructor(target: number) {
    this.target = target;
  }

  static async start(target: number): Promise<Balancer> {
    const balancer = new Balancer(target);
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

  #forward(client: Socket): void {
    const broker = connect(this.target, '127.0.0.1');
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
