import Echo from 'laravel-echo';
import { Inbox } from './inbox.ts';
import { Pusher, type PusherChannel, type PusherOptions } from './pusher.ts';

/** Where a scenario finds the broker and the application behind it. */
export interface World {
  readonly key: string;
  readonly wsHost: string;
  readonly wsPort: number;
  readonly wssPort: number;
  readonly backendUrl: string;
}

/** What a stock client does, in Node or in a browser, and what it must see. */
export interface Scenario {
  readonly title: string;
  readonly run: (stage: Stage) => Promise<unknown>;
  readonly expected: unknown;
}

/** Makes clients as an application's own code does, and ends them. */
export class Stage {
  readonly #world: World;
  readonly #pushers: Pusher[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get brokerUrl(): string {
    const { wsHost, wsPort } = this.#world;
    return `http://${wsHost}:${wsPort}`;
  }

  get world(): World {
    return this.#world;
  }

  /** @param user - who the application takes the client for */
  pusher(user = 'ann', options: Partial<PusherOptions> & { readonly key?: string } = {}): Pusher {
    const { wsHost, wsPort, wssPort, backendUrl, key } = this.#world;
    const pusher = new Pusher(options.key ?? key, {
      cluster: '',
      wsHost,
      wsPort,
      wssPort,
      forceTLS: false,
      enabledTransports: ['ws', 'wss'],
      channelAuthorization: { transport: 'ajax', endpoint: `${backendUrl}/broadcasting/auth?user=${user}` },
      userAuthentication: { transport: 'ajax', endpoint: `${backendUrl}/broadcasting/user-auth?user=${user}` },
      ...options,
    });
    this.#pushers.push(pusher);
    return pusher;
  }

  async connected(user?: string, options?: Parameters<Stage['pusher']>[1]): Promise<Pusher> {
    const pusher = this.pusher(user, options);
    await new Promise((resolve) => pusher.connection.bind('connected', resolve));
    return pusher;
  }

  /**
   * Echo as it is set up by the text that the broker prints.
   *
   * @param options - of Echo and of pusher-js, instead of those
   */
  echo(user = 'ann', options: object = {}): Echo<'pusher'> {
    const { key, wsHost, wsPort, wssPort, backendUrl } = this.#world;
    const echo = new Echo({
      broadcaster: 'pusher',
      Pusher: Pusher as unknown as typeof import('pusher-js'),
      key,
      cluster: 'mt1',
      wsHost,
      wsPort,
      wssPort,
      forceTLS: false,
      enabledTransports: ['ws', 'wss'],
      authEndpoint: `${backendUrl}/broadcasting/auth?user=${user}`,
      userAuthentication: {
        transport: 'ajax',
        endpoint: `${backendUrl}/broadcasting/user-auth?user=${user}`,
        headers: {},
      },
      ...options,
    });
    this.#pushers.push(echo.connector.pusher as unknown as Pusher);
    return echo;
  }

  inbox(): Inbox {
    return new Inbox();
  }

  /** Has the application call its SDK: the method's name and arguments. */
  async backend(method: string, ...args: unknown[]): Promise<unknown> {
    const answer = await fetch(`${this.#world.backendUrl}/call`, {
      method: 'POST',
      body: JSON.stringify({ method, args }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method}: ${text}`);
    return JSON.parse(text);
  }

  end(): void {
    for (const pusher of this.#pushers) pusher.disconnect();
  }
}

export function subscribed(pusher: Pusher, name: string): Promise<PusherChannel> {
  const channel = pusher.subscribe(name);
  return new Promise((resolve, reject) => {
    channel.bind('pusher:subscription_succeeded', () => resolve(channel));
    channel.bind('pusher:subscription_error', (error: unknown) => reject(new Error(JSON.stringify(error))));
  });
}

/** Puts `[event, data]` into the inbox for each of these events. */
export function record(
  inbox: Inbox,
  channel: { bind(event: string, callback: (data: unknown) => void): unknown },
  ...events: string[]
): void {
  for (const event of events) channel.bind(event, (data: unknown) => inbox.put([event, data]));
}
