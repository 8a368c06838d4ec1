import { randomBytes } from 'node:crypto';
import PusherSdk from 'pusher';
import { hmacHex } from '../../auth/hmac.ts';
import { Pusher, type PusherOptions } from '../e2e/scenarios/pusher.ts';
import { type ApiAnswer, call } from '../support/api-client.ts';
import { APP, startBroker } from '../support/broker.ts';
import { RawClient } from '../support/raw-client.ts';

interface Credentials {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
}

type CallOptions = Omit<Parameters<typeof call>[3] & object, 'app'>;

/** The broker under test: the one that the environment names, or one of our own. */
export class Target {
  readonly url: string;
  readonly app: Credentials;
  readonly sdk: PusherSdk;
  readonly #stop: () => void;
  readonly #pushers: Pusher[] = [];
  /** So that runs on the same broker do not meet. */
  readonly #run = randomBytes(4).toString('hex');

  constructor(url: string, app: Credentials, stop: () => void) {
    this.url = url.replace(/\/$/, '');
    this.app = app;
    this.#stop = stop;
    const { hostname, port, protocol } = new URL(url);
    const { id: appId, key, secret } = app;
    this.sdk = new PusherSdk({ appId, key, secret, host: hostname, port, useTLS: protocol === 'https:' });
  }

  static async start(): Promise<Target> {
    const {
      CONFORMANCE_URL: url,
      CONFORMANCE_APP_ID: id,
      CONFORMANCE_KEY: key,
      CONFORMANCE_SECRET: secret,
    } = process.env;
    if (url === undefined) {
      const broker = await startBroker({}, [{ ...APP, enableClientMessages: true }]);
      return new Target(broker.url, APP, broker.kill);
    }
    if (id === undefined || key === undefined || secret === undefined) {
      throw new Error('CONFORMANCE_URL needs CONFORMANCE_APP_ID, CONFORMANCE_KEY and CONFORMANCE_SECRET beside it');
    }
    return new Target(url, { id, key, secret }, () => {});
  }

  /** A channel that nobody else uses. */
  channel(prefix: string): string {
    return `${prefix}${this.#run}-${randomBytes(4).toString('hex')}`;
  }

  userId(name: string): string {
    return `${name}-${this.#run}`;
  }

  socketUrl(key = this.app.key, query = '?protocol=7&client=conformance&version=1.0.0'): string {
    return `${this.url.replace(/^http/, 'ws')}/app/${key}${query}`;
  }

  async connect(query?: string): Promise<TargetClient> {
    const client = new TargetClient(this.socketUrl(this.app.key, query), this.app);
    const { data } = await client.next('pusher:connection_established');
    client.socketId = (JSON.parse(String(data)) as { socket_id: string }).socket_id;
    return client;
  }

  /** pusher-js that signs in and subscribes as a user. */
  pusher(userId: string, options: Partial<PusherOptions> = {}): Pusher {
    const { hostname, port, protocol } = new URL(this.url);
    const pusher = new Pusher(options.cluster ?? this.app.key, {
      cluster: '',
      wsHost: hostname,
      wsPort: Number(port || 80),
      wssPort: Number(port || 443),
      forceTLS: protocol === 'https:',
      enabledTransports: ['ws', 'wss'],
      channelAuthorization: {
        customHandler: ({ socketId, channelName }, done) =>
          done(
            null,
            this.sdk.authorizeChannel(socketId, channelName, { user_id: userId, user_info: { name: userId } }),
          ),
      },
      userAuthentication: {
        customHandler: ({ socketId }, done) => done(null, this.sdk.authenticateUser(socketId, { id: userId })),
      },
      ...options,
    } as PusherOptions);
    this.#pushers.push(pusher);
    return pusher;
  }

  trigger(body: object): Promise<ApiAnswer> {
    return this.call('POST', '/events', { body });
  }

  /** @param path - below `/apps/:id` */
  call(method: 'GET' | 'POST', path: string, options: CallOptions = {}): Promise<ApiAnswer> {
    return call(this.url, method, `/apps/${this.app.id}${path}`, { ...options, app: this.app });
  }

  /** The answer to a read, which must be 200. */
  async read(path: string, params: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const { status, text } = await this.call('GET', path, { params });
    if (status !== 200) throw new Error(`${status}: ${text}`);
    return JSON.parse(text);
  }

  stop(): void {
    for (const pusher of this.#pushers) pusher.disconnect();
    this.#stop();
  }
}

/** A bare client with the credentials of the target. */
export class TargetClient extends RawClient {
  readonly #app: Credentials;

  constructor(url: string, app: Credentials, options?: ConstructorParameters<typeof RawClient>[1]) {
    super(url, options);
    this.#app = app;
  }

  override channelAuth(channel: string, channelData?: string): string {
    return this.#sign([this.socketId, channel, ...(channelData === undefined ? [] : [channelData])].join(':'));
  }

  override signIn(userData: string): void {
    const auth = this.#sign(`${this.socketId}::user::${userData}`);
    this.send({ event: 'pusher:signin', data: { auth, user_data: userData } });
  }

  /** Sends a subscription and answers the members of the channel. */
  async members(channel: string, channelData?: string): Promise<Presence> {
    const { data } = await this.subscribed(channel, channelData);
    return (JSON.parse(String(data)) as { presence: Presence }).presence;
  }

  #sign(text: string): string {
    return `${this.#app.key}:${hmacHex(this.#app.secret, text)}`;
  }
}

export interface Presence {
  readonly count: number;
  readonly ids: readonly string[];
  readonly hash: Readonly<Record<string, unknown>>;
}

/** Waits for an event of pusher-js; answers what it carries. */
export function once<T>(
  emitter: { bind(event: string, callback: (value: T) => void): unknown },
  event: string,
): Promise<T> {
  return new Promise((resolve) => emitter.bind(event, resolve));
}
