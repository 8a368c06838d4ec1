import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ProxyFaults {
  /** Ports of brokers, in turn. */
  readonly ports?: readonly number[];
  /** With the chain that it sends. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** The path as the broker gets it; undefined: a page of the proxy's own answers 404. */
  readonly passes?: (path: string) => string | undefined;
  /** `plain`: WebSockets are asked for like a page. `held`: they open, and nothing comes back. */
  readonly upgrade?: 'plain' | 'held';
  /** Answers everything itself. */
  readonly answers?: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly text?: string;
  };
}

/** A proxy, or another server, as people set them up. */
export class FaultyProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  #turn = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket: Duplex) => this.#sockets.add(socket));
  }

  static async start(faults: ProxyFaults): Promise<FaultyProxy> {
    const server: Server = faults.tls ? createTlsServer(faults.tls) : createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new FaultyProxy(server);
    server.on('request', (from, to) => proxy.#pass(faults, from, to));
    if (faults.answers === undefined) server.on('upgrade', (from, socket) => proxy.#upgrade(faults, from, socket));
    return proxy;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #portOf({ ports = [] }: ProxyFaults): number {
    this.#turn += 1;
    return ports[this.#turn % ports.length] ?? 0;
  }

  #pass(faults: ProxyFaults, from: IncomingMessage, to: ServerResponse): void {
    const path = faults.passes ? faults.passes(from.url ?? '') : from.url;
    if (faults.answers || path === undefined) {
      const page = { status: 404, text: '<html><title>404 Not Found</title></html>' };
      const { status, headers = {}, text = page.text } = faults.answers ?? { status: page.status };
      to.writeHead(status, { 'Content-Type': 'text/html', Server: 'nginx/1.22.1', ...headers }).end(text);
      return;
    }
    const { upgrade: _, connection: __, ...headers } = from.headers;
    const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('sec-websocket')));
    const options = { port: this.#portOf(faults), path, method: from.method, headers: sent, agent: false };
    const onward = request(options, (answer) => {
      to.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(to);
    });
    from.pipe(onward);
  }

  #upgrade(faults: ProxyFaults, from: IncomingMessage, socket: Duplex): void {
    const path = faults.passes ? faults.passes(from.url ?? '') : from.url;
    if (path === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const isPlain = faults.upgrade === 'plain';
    const target = connect(this.#portOf(faults), '127.0.0.1');
    this.#sockets.add(target);
    for (const one of [socket, target]) one.on('error', () => {});
    const isLost = (name = ''): boolean => isPlain && /^(sec-websocket|upgrade|connection)/i.test(name);
    const lines = from.rawHeaders
      .map((name, index) => (index % 2 === 0 && !isLost(name) ? `${name}: ${from.rawHeaders[index + 1]}` : ''))
      .filter(Boolean);
    target.write(
      `${[`GET ${path} HTTP/1.1`, ...lines, ...(isPlain ? ['Connection: close'] : [])].join('\r\n')}\r\n\r\n`,
    );
    if (faults.upgrade !== 'held') {
      target.pipe(socket);
      socket.pipe(target);
      return;
    }
    target.once('data', (head: Buffer) => socket.write(head.subarray(0, head.indexOf('\r\n\r\n') + 4)));
  }
}
