import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Address } from '../load/address.ts';
import { subscribeText } from '../load/client-frame.ts';

export interface SoakFrame {
  readonly event: string;
  readonly channel?: string;
  readonly data?: unknown;
}

/** A client that understands what it gets. It answers pings, and sends none. */
export class SoakClient {
  readonly userId: string;
  readonly #address: Address;
  readonly #ws: WebSocket;
  readonly #onEvent: (frame: SoakFrame) => void;
  readonly #subscribing = new Map<string, () => void>();
  #socketId = '';

  private constructor(address: Address, userId: string, onEvent: (frame: SoakFrame) => void) {
    this.#address = address;
    this.userId = userId;
    this.#onEvent = onEvent;
    this.#ws = new WebSocket(
      `ws://${address.host}:${address.port}/app/${address.app.key}?protocol=7&client=soak&version=1`,
    );
    this.#ws.on('message', (data: Buffer) => this.#take(JSON.parse(data.toString()) as SoakFrame));
    // 'close' follows every error.
    this.#ws.on('error', () => {});
  }

  /**
   * Connects.
   *
   * @param onEvent - called with every frame but those of connecting and pings
   * @param onEnd - called when the connection ends, whoever ends it
   */
  static async open(
    address: Address,
    userId: string,
    onEvent: (frame: SoakFrame) => void,
    onEnd: () => void = () => {},
  ): Promise<SoakClient> {
    const client = new SoakClient(address, userId, onEvent);
    client.#ws.on('close', onEnd);
    await new Promise<void>((resolve, reject) => {
      client.#subscribing.set('', resolve);
      client.#ws.once('close', () => reject(new Error('the connection ended before it was established')));
    });
    return client;
  }

  /** Resolves when it is subscribed. */
  subscribe(channel: string): Promise<void> {
    const subscribed = new Promise<void>((resolve) => this.#subscribing.set(channel, resolve));
    this.sendText(subscribeText(this.#address.app, this.#socketId, channel, this.userId));
    return subscribed;
  }

  unsubscribe(channel: string): void {
    this.send({ event: 'pusher:unsubscribe', data: { channel } });
  }

  signIn(): void {
    const userData = JSON.stringify({ id: this.userId, user_info: { name: `user ${this.userId}` } });
    const { key, secret } = this.#address.app;
    const signature = createHmac('sha256', secret).update(`${this.#socketId}::user::${userData}`).digest('hex');
    this.send({ event: 'pusher:signin', data: { auth: `${key}:${signature}`, user_data: userData } });
  }

  send(frame: SoakFrame): void {
    this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.send(text);
  }

  async close(): Promise<void> {
    if (this.#ws.readyState === WebSocket.CLOSED) return;
    this.#ws.close();
    await once(this.#ws, 'close');
  }

  /** Without a word. */
  vanish(): void {
    this.#ws.terminate();
  }

  #take(frame: SoakFrame): void {
    switch (frame.event) {
      case 'pusher:connection_established':
        this.#socketId = (JSON.parse(String(frame.data)) as { socket_id: string }).socket_id;
        this.#ready('');
        return;
      case 'pusher_internal:subscription_succeeded':
        this.#ready(frame.channel ?? '');
        return;
      case 'pusher:ping':
        this.send({ event: 'pusher:pong', data: {} });
        return;
      default:
        this.#onEvent(frame);
    }
  }

  #ready(channel: string): void {
    this.#subscribing.get(channel)?.();
    this.#subscribing.delete(channel);
  }
}
