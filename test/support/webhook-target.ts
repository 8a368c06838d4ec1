import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { IssuedCertificate } from './tls.ts';

/** A request that a target was sent. */
export interface ReceivedWebhook {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Exactly the bytes that were sent. */
  readonly body: Buffer;
  /** What the SDKs take: `time_ms` and `events`. */
  readonly content: { readonly time_ms: number; readonly events: readonly Readonly<Record<string, unknown>>[] };
  /** Values of `X-Kulkul-Event-Ids`. */
  readonly ids: readonly string[];
}

type Respond = (response: ServerResponse, request: ReceivedWebhook) => void;

/** An application that webhooks call: it keeps what it gets, and answers as it is told. */
export class WebhookTarget {
  /** How the next requests are answered. */
  respond: Respond = (response) => void response.end();
  readonly received: ReceivedWebhook[] = [];
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #scheme: 'http' | 'https';
  #downPort = 0;
  #taken = 0;
  #waiting: (() => void)[] = [];

  private constructor(certificate: IssuedCertificate | undefined) {
    const answer = (request: IncomingMessage, response: ServerResponse): void => void this.#take(request, response);
    this.#server = certificate ? createHttpsServer(certificate, answer) : createHttpServer(answer);
    this.#scheme = certificate ? 'https' : 'http';
    this.#server.on('connection', (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(certificate?: IssuedCertificate): Promise<WebhookTarget> {
    const target = new WebhookTarget(certificate);
    target.#server.listen(0, '127.0.0.1');
    await once(target.#server, 'listening');
    return target;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}/webhooks`;
  }

  /** The next request that was not taken yet, once it is there. */
  async next(): Promise<ReceivedWebhook> {
    for (;;) {
      const next = this.received[this.#taken];
      if (next) {
        this.#taken += 1;
        return next;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Listens no more, and ends all connections. */
  async goDown(): Promise<void> {
    this.#downPort = this.port;
    await this.stop();
  }

  /** Listens again, where it did. */
  async comeBack(): Promise<void> {
    this.#server.listen(this.#downPort, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const ids = String(request.headers['x-kulkul-event-ids'] ?? '').split(',');
    const received = {
      path: request.url ?? '',
      headers: request.headers,
      body,
      content: JSON.parse(body.toString()),
      ids,
    };
    this.received.push(received);
    this.respond(response, received);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
