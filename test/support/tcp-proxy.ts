import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** `up` to the target, `down` from it. */
export type Direction = 'up' | 'down';

/** A wire between two programs that can be slow, cut, or silent. */
export class TcpProxy {
  readonly #server: Server;
  #target: number;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** Milliseconds by which every byte is late, both ways. */
  delayMs = 0;
  /** Sees what passes, by the number of the connection. */
  onData: ((chunk: Buffer, direction: Direction, connection: number) => void) | undefined;
  #connections = 0;
  #isOpen = true;
  #isSilent = false;
  #waiting: (() => void)[] = [];

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (client) => this.#accept(client));
  }

  static async start(targetPort: number): Promise<TcpProxy> {
    const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, targetPort);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections through it now. */
  get size(): number {
    return this.#pairs.size;
  }

  /** Ends all connections, and refuses new ones until `mend`. */
  cut(): void {
    this.#isOpen = false;
    for (const [client, target] of this.#pairs) {
      client.resetAndDestroy();
      target.resetAndDestroy();
    }
  }

  /** Leads new connections elsewhere. */
  retarget(port: number): void {
    this.#target = port;
  }

  /** Keeps connections open but lets nothing through, neither data nor an end, until `mend`. */
  silence(): void {
    this.#isSilent = true;
  }

  mend(): void {
    this.#isOpen = true;
    this.#isSilent = false;
    for (const resume of this.#waiting.splice(0)) resume();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (!this.#isOpen) {
      client.resetAndDestroy();
      return;
    }
    const target = connect(this.#target, '127.0.0.1');
    const pair = [client, target] as const;
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.setNoDelay(true);
      // 'close' follows.
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#pairs.delete(pair);
        client.destroy();
        target.destroy();
      });
    }
    this.#connections += 1;
    this.#pass(client, target, 'up', this.#connections);
    this.#pass(target, client, 'down', this.#connections);
    client.resume();
  }

  /** Chunks leave in the order in which they came, however the delay changes meanwhile. */
  #pass(from: Socket, to: Socket, direction: Direction, connection: number): void {
    const queue: { readonly due: number; readonly work: () => void }[] = [];
    let timer: NodeJS.Timeout | undefined;
    const pump = (): void => {
      timer = undefined;
      if (this.#isSilent) {
        this.#waiting.push(pump);
        return;
      }
      for (let next = queue[0]; next && next.due <= performance.now(); next = queue[0]) {
        queue.shift();
        next.work();
      }
      const [head] = queue;
      if (head) timer = setTimeout(pump, Math.max(1, head.due - performance.now()));
    };
    const later = (work: () => void): void => {
      queue.push({ due: performance.now() + this.delayMs, work });
      if (queue.length === 1 && timer === undefined) pump();
    };
    from.on('data', (chunk) =>
      later(() => {
        this.onData?.(chunk, direction, connection);
        to.write(chunk);
      }),
    );
    from.on('end', () => later(() => to.end()));
  }
}
