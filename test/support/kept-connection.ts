import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { WebSocket } from 'ws';

export interface KeptAnswer {
  readonly status: number;
  readonly text: string;
  /** The `Connection` header. */
  readonly connection: string | undefined;
}

/** One connection that was made in time, as proxies keep them: what is asked for by it arrives when the port is closed, too. */
export class KeptConnection {
  readonly #port: number;
  /** For other ways to ask by this connection. */
  readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  private constructor(port: number) {
    this.#port = port;
  }

  static async open(port: number): Promise<KeptConnection> {
    const kept = new KeptConnection(port);
    await kept.get('/');
    return kept;
  }

  static openMany(port: number, count: number): Promise<KeptConnection[]> {
    return Promise.all(Array.from({ length: count }, () => KeptConnection.open(port)));
  }

  get(path: string): Promise<KeptAnswer> {
    return this.send('GET', path);
  }

  async send(method: string, path: string, body?: string): Promise<KeptAnswer> {
    const asking = request({ host: '127.0.0.1', port: this.#port, agent: this.agent, method, path });
    asking.end(body);
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of answer.setEncoding('utf8')) text += part;
    return { status: answer.statusCode ?? 0, text, connection: answer.headers.connection };
  }

  /** A WebSocket on this connection, which it takes over. */
  webSocket(path: string, origin?: string): WebSocket {
    return new WebSocket(`ws://127.0.0.1:${this.#port}${path}`, {
      agent: this.agent,
      ...(origin !== undefined && { origin }),
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
