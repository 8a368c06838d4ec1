import { WebSocket } from 'ws';
import { hmacHex } from '../../auth/hmac.ts';
import { APP } from './broker.ts';

export interface Frame {
  readonly event: string;
  readonly channel?: string;
  readonly data?: unknown;
  readonly user_id?: string;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export type Item = { readonly text: string } | Closed;

/**
 * A bare WebSocket client that keeps every frame in a queue, so that a test misses nothing and waits for nothing but
 * what it asks for.
 */
export class RawClient {
  readonly ws: WebSocket;
  readonly #items: Item[] = [];
  readonly #readers: ((item: Item) => void)[] = [];
  socketId = '';

  constructor(url: string, options: ConstructorParameters<typeof WebSocket>[2] = {}) {
    this.ws = new WebSocket(url, [], options);
    this.ws.on('message', (data: Buffer) => this.#put({ text: data.toString() }));
    this.ws.on('close', (code: number, reason: Buffer) => this.#put({ code, reason: reason.toString() }));
    // 'close' follows every error.
    this.ws.on('error', () => {});
  }

  /** Connects and takes the first frame. */
  static async connect(
    wsUrl: string,
    { key = APP.key, query = '?protocol=7&client=test&version=1.0.0', ...options }: ConnectOptions = {},
  ): Promise<RawClient> {
    const client = new RawClient(`${wsUrl}/app/${key}${query}`, options);
    await client.established();
    return client;
  }

  /** Takes the first frame. */
  async established(): Promise<void> {
    const { data } = await this.next('pusher:connection_established');
    this.socketId = (JSON.parse(String(data)) as { socket_id: string }).socket_id;
  }

  /** The next frame, or the end. */
  nextItem(): Promise<Item> {
    return this.#take();
  }

  /** The text of the next frame, as it was on the wire. */
  async nextText(): Promise<string> {
    const item = await this.#take();
    if (!('text' in item)) throw new Error(`closed with ${item.code} "${item.reason}" where a frame was expected`);
    return item.text;
  }

  /** The next frame, which must be this event. */
  async next(event?: string): Promise<Frame> {
    const text = await this.nextText();
    const frame = JSON.parse(text) as Frame;
    if (event !== undefined && frame.event !== event) throw new Error(`expected ${event}, got ${text}`);
    return frame;
  }

  /** How the connection ended, with all frames that came before. */
  async closed(): Promise<Closed & { readonly before: readonly string[] }> {
    const before: string[] = [];
    for (;;) {
      const item = await this.#take();
      if (!('text' in item)) return { ...item, before };
      before.push(item.text);
    }
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /**
   * Everything that came before the answer to a ping: what the server had to say to all that was sent so far.
   * Stands where a test would otherwise have to wait for something that must not come.
   */
  async flush(): Promise<readonly string[]> {
    this.send({ event: 'pusher:ping' });
    const texts: string[] = [];
    for (;;) {
      const text = await this.nextText();
      if (text.includes('pusher:pong')) return texts;
      texts.push(text);
    }
  }

  subscribe(channel: string, channelData?: string): void {
    const data: Record<string, string> = { channel };
    if (/^(private|presence)-/.test(channel)) data.auth = this.channelAuth(channel, channelData);
    if (channelData !== undefined) data.channel_data = channelData;
    this.send({ event: 'pusher:subscribe', data });
  }

  /** Subscribes and takes the success frame. Counts of other channels come whenever they like, and may come before it. */
  async subscribed(channel: string, channelData?: string): Promise<Frame> {
    this.subscribe(channel, channelData);
    for (;;) {
      const frame = await this.next();
      if (frame.event === 'pusher_internal:subscription_succeeded') return frame;
      if (frame.event !== 'pusher_internal:subscription_count' || frame.channel === channel) {
        throw new Error(`expected to enter ${channel}, got ${JSON.stringify(frame)}`);
      }
    }
  }

  signIn(userData: string): void {
    const auth = `${APP.key}:${hmacHex(APP.secret, `${this.socketId}::user::${userData}`)}`;
    this.send({ event: 'pusher:signin', data: { auth, user_data: userData } });
  }

  channelAuth(channel: string, channelData?: string): string {
    const signed = [this.socketId, channel, ...(channelData === undefined ? [] : [channelData])].join(':');
    return `${APP.key}:${hmacHex(APP.secret, signed)}`;
  }

  /** Closes and waits for the end. */
  async close(): Promise<void> {
    this.ws.close();
    await this.closed();
  }

  #put(item: Item): void {
    const reader = this.#readers.shift();
    if (reader) reader(item);
    else this.#items.push(item);
  }

  #take(): Promise<Item> {
    const item = this.#items.shift();
    if (item) return Promise.resolve(item);
    return new Promise((resolve) => {
      this.#readers.push(resolve);
    });
  }
}

type ConnectOptions = { readonly key?: string; readonly query?: string } & ConstructorParameters<typeof WebSocket>[2];
