import { createRequire } from 'node:module';
import { hmacHex } from '../../auth/hmac.ts';
import { APP } from './broker.ts';
import { until } from './until.ts';

/** Releases of pusher-js that differ in how they come back. 8.6 is what `npm install pusher-js` takes. */
export const PUSHER_JS = { '4.4': 'pusher-js-4.4', '7.0': 'pusher-js-7.0', '8.1': 'pusher-js-8.1', '8.6': 'pusher-js' };
export type PusherJsVersion = keyof typeof PUSHER_JS;
export const PUSHER_JS_VERSIONS = Object.keys(PUSHER_JS) as PusherJsVersion[];

/** What all releases have in common. */
interface Pusher {
  readonly connection: {
    readonly state: string;
    readonly socket_id: string;
    bind(event: string, callback: (data: unknown) => void): void;
  };
  subscribe(channel: string): { bind(event: string, callback: (data: unknown) => void): void };
  disconnect(): void;
}

type Authorize = (socketId: string, callback: (error: null, data: object) => void) => void;
type PusherClass = new (key: string, options: object) => Pusher;

const load = createRequire(import.meta.url);
const running = new Set<Visitor>();

export interface Place {
  readonly host?: string;
  readonly port: number;
  /** Over TLS. */
  readonly isTls?: boolean;
  readonly path?: string;
}

/** A page of a release of pusher-js in Node, left to itself, in a presence channel and a public one; notes what it is told. */
export class Visitor {
  readonly id: string;
  readonly version: PusherJsVersion;
  /** States of the connection, in order, from the first `connected` on. */
  readonly states: string[] = [];
  readonly errors: unknown[] = [];
  readonly socketIds = new Set<string>();
  /** What came on the public channel. */
  readonly received: unknown[] = [];
  /** From each end of a connection to being back in the channels: milliseconds. */
  readonly awayMs: number[] = [];
  /** Joins and leaves of others, as `+id` and `-id`. */
  readonly presence: string[] = [];
  readonly #pusher: Pusher;
  #subscribedAs: string | undefined;
  #leftAtMs: number | undefined;
  readonly #members = new Set<string>();

  constructor(
    version: PusherJsVersion,
    id: string,
    { host = '127.0.0.1', port, isTls = false, path }: Place,
    options: object = {},
  ) {
    this.id = id;
    this.version = version;
    const Class = load(PUSHER_JS[version]) as PusherClass;
    this.#pusher = new Class(APP.key, {
      cluster: 'mt1',
      wsHost: host,
      httpHost: host,
      wsPort: port,
      wssPort: port,
      forceTLS: isTls,
      ...(path !== undefined && { wsPath: path }),
      // Of old releases, which know no forceTLS.
      encrypted: isTls,
      enabledTransports: ['ws', 'wss'],
      disableStats: true,
      authorizer: ({ name }: { name: string }) => ({ authorize: authorizeAs(id, name) }),
      ...options,
    });
    const { connection } = this.#pusher;
    connection.bind('error', (error) => this.errors.push(error));
    connection.bind('state_change', (change) => {
      const { previous, current } = change as { previous: string; current: string };
      if (previous === 'connected') this.#leftAtMs ??= performance.now();
      if (this.states.length > 0 || current === 'connected') this.states.push(current);
    });
    // Where it waits before it connects again, the state is "connected" until then.
    connection.bind('connecting_in', () => {
      if (this.states.length > 0) this.#leftAtMs ??= performance.now();
    });
    connection.bind('connected', () => this.socketIds.add(connection.socket_id));
    this.#pusher.subscribe('news').bind('e', (data) => this.received.push(data));
    const room = this.#pusher.subscribe('presence-room');
    room.bind('pusher:subscription_succeeded', (members) => {
      this.#subscribedAs = connection.socket_id;
      if (this.#leftAtMs !== undefined) this.awayMs.push(performance.now() - this.#leftAtMs);
      this.#leftAtMs = undefined;
      this.#members.clear();
      for (const id of Object.keys((members as { members: object }).members)) this.#members.add(id);
      this.socketIds.add(connection.socket_id);
    });
    room.bind('pusher:subscription_error', (error) => this.errors.push(error));
    room.bind('pusher:member_added', (member) => {
      const { id } = member as { id: string };
      this.presence.push(`+${id}`);
      this.#members.add(id);
    });
    room.bind('pusher:member_removed', (member) => {
      const { id } = member as { id: string };
      this.presence.push(`-${id}`);
      this.#members.delete(id);
    });
    running.add(this);
  }

  static async arrive(...args: ConstructorParameters<typeof Visitor>): Promise<Visitor> {
    const visitor = new Visitor(...args);
    await until(() => visitor.isIn);
    return visitor;
  }

  /** Connected, and in its channels by this connection. */
  get isIn(): boolean {
    const { state, socket_id: socketId } = this.#pusher.connection;
    return state === 'connected' && this.#subscribedAs === socketId;
  }

  get state(): string {
    return this.#pusher.connection.state;
  }

  /** Who is in the presence channel, as this one knows it; sorted. */
  get members(): readonly string[] {
    return [...this.#members].sort();
  }

  leave(): void {
    this.#pusher.disconnect();
    running.delete(this);
  }

  static leaveAll(): void {
    for (const visitor of running) visitor.leave();
  }
}

function authorizeAs(userId: string, channel: string): Authorize {
  return (socketId, callback) => {
    const channelData = JSON.stringify({ user_id: userId });
    const signature = hmacHex(APP.secret, `${socketId}:${channel}:${channelData}`);
    callback(null, { auth: `${APP.key}:${signature}`, channel_data: channelData });
  };
}
