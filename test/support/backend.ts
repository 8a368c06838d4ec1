import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json, text } from 'node:stream/consumers';
import PusherSdk from 'pusher';
import { APP } from './broker.ts';

/** What the SDK encrypts with, 32 bytes in Base64. */
export const ENCRYPTION_MASTER_KEY = Buffer.alloc(32, 'k').toString('base64');

interface Broker {
  readonly port: number;
}

export interface BackendOptions {
  /** Files to serve by path, as the pages of the application. */
  readonly files?: ReadonlyMap<string, string>;
  /** What a client can have done beside the SDK's methods, by name; what they resolve with is the answer. */
  readonly operations?: Readonly<Record<string, (...args: never[]) => unknown>>;
  /** For a broker with TLS: how the SDK connects. */
  readonly sdk?: Partial<PusherSdk.Options>;
}

interface Call {
  readonly method: string;
  readonly args: unknown[];
}

/**
 * The application behind the broker, with the official SDK: authorizes its users and triggers events.
 * The user is the one that the query names. Channels with `forbidden` in the name are refused, those with `forged` get a
 * signature of another channel. A user called `x-watches-y` has y on the watchlist.
 */
export class Backend {
  readonly sdk: PusherSdk;
  readonly #options: BackendOptions;
  readonly #server = createServer((req, res) => void this.#serve(req, res));

  constructor(broker: Broker, options: BackendOptions = {}) {
    this.#options = options;
    this.sdk = new PusherSdk({
      appId: APP.id,
      key: APP.key,
      secret: APP.secret,
      host: '127.0.0.1',
      port: String(broker.port),
      useTLS: false,
      encryptionMasterKeyBase64: ENCRYPTION_MASTER_KEY,
      ...options.sdk,
    });
  }

  static async start(broker: Broker, options: BackendOptions = {}): Promise<Backend> {
    const backend = new Backend(broker, options);
    await new Promise<void>((resolve) => backend.#server.listen(0, '127.0.0.1', resolve));
    return backend;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(req.url ?? '/', this.url);
    const file = this.#options.files?.get(pathname);
    if (file !== undefined) {
      res.writeHead(200, { 'Content-Type': pathname.endsWith('.js') ? 'text/javascript' : 'text/html' }).end(file);
      return;
    }
    try {
      const answer = await this.#answer(req, pathname, searchParams.get('user') ?? '');
      res.writeHead(answer === undefined ? 403 : 200, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify(answer ?? 'Forbidden'));
    } catch (error) {
      res.writeHead(500).end(String(error instanceof Error ? error.stack : error));
    }
  }

  /** Undefined: the user may not. */
  async #answer(req: IncomingMessage, path: string, user: string): Promise<unknown> {
    if (path === '/call') return this.#call((await json(req)) as Call);
    const form = new URLSearchParams(await text(req));
    const socketId = form.get('socket_id') ?? '';
    if (path === '/broadcasting/user-auth') return this.#authenticate(socketId, user);
    if (path === '/broadcasting/auth') return this.#authorize(socketId, form.get('channel_name') ?? '', user);
    throw new Error(`nothing at ${path}`);
  }

  #authorize(socketId: string, channel: string, user: string): unknown {
    if (channel.includes('forbidden')) return undefined;
    const signed = channel.includes('forged') ? 'private-other' : channel;
    if (!channel.startsWith('presence-')) return this.sdk.authorizeChannel(socketId, signed);
    return this.sdk.authorizeChannel(socketId, signed, { user_id: user, user_info: { name: user } });
  }

  #authenticate(socketId: string, user: string): unknown {
    const [, watched] = user.split('-watches-');
    const watchlist = watched === undefined ? [] : [watched];
    return this.sdk.authenticateUser(socketId, { id: user, user_info: { name: user }, watchlist });
  }

  async #call({ method, args }: Call): Promise<unknown> {
    const operation = this.#options.operations?.[method];
    if (operation) return (await operation(...(args as never[]))) ?? {};
    const call = (this.sdk as unknown as Record<string, (...args: unknown[]) => Promise<Response>>)[method];
    if (!call) throw new Error(`the SDK has no ${method}`);
    return (await call.apply(this.sdk, args)).json();
  }
}
