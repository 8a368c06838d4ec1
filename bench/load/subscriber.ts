import type { Socket } from 'node:net';
import type { Address } from './address.ts';
import { subscribeFrame, unsubscribeFrame } from './client-frame.ts';
import { FrameCounter } from './frame-counter.ts';
import { dropSocket, openSocket } from './open-socket.ts';

const HEADER_END = '\r\n\r\n';

export interface SubscriberOptions {
  /** Undefined: it connects only. */
  readonly channel: string | undefined;
  /** Of a presence channel. */
  readonly userId?: string;
  /** It is connected, and subscribed if it was to be. */
  readonly onReady: (subscriber: Subscriber) => void;
  readonly onFailure: (error: Error) => void;
  /** Text frames came, after it was ready. */
  readonly onFrames?: (frames: number, subscriber: Subscriber) => void;
}

/**
 * A subscriber that costs its machine next to nothing: it upgrades by hand, and once it is subscribed it does not look at
 * frames but counts them.
 */
export class Subscriber {
  /** Text frames since it was ready. */
  received = 0;
  /** What the server told: after how much silence a client should ping. */
  activityTimeoutSeconds = 0;
  socketId = '';
  readonly #address: Address;
  readonly #options: SubscriberOptions;
  readonly #socket: Socket;
  readonly #counter = new FrameCounter();
  #stage: 'upgrade' | 'established' | 'subscribing' | 'counting' = 'upgrade';
  #text = '';

  constructor(address: Address, options: SubscriberOptions) {
    this.#address = address;
    this.#options = options;
    this.#socket = openSocket(address, (bytes, length) => this.#take(bytes, length), options.onFailure);
    this.#socket.write(
      upgradeRequest(address, `/app/${address.app.key}?protocol=7&client=js&version=8.6.0&flash=false`),
    );
  }

  get userId(): string {
    return this.#options.userId ?? '';
  }

  /** Sends a frame as it is. */
  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  /** From now on whatever comes counts: the confirmation, too. */
  subscribe(channel: string): void {
    this.send(subscribeFrame(this.#address.app, this.socketId, channel, this.userId));
  }

  unsubscribe(channel: string): void {
    this.send(unsubscribeFrame(channel));
  }

  /** Leaves what comes to the kernel, so that it costs the load generator nothing yet. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  drop(): void {
    dropSocket(this.#socket);
  }

  #take(bytes: Buffer, length: number): void {
    if (this.#stage === 'counting') {
      const frames = this.#counter.count(bytes, length);
      if (frames === 0) return;
      this.received += frames;
      this.#options.onFrames?.(frames, this);
    } else {
      this.#text += bytes.toString('latin1', 0, length);
      while (this.#advance()) {}
    }
  }

  /** @returns whether there may be more to do with what came */
  #advance(): boolean {
    if (this.#stage === 'upgrade') {
      const end = this.#text.indexOf(HEADER_END);
      if (end < 0) return false;
      if (!this.#text.startsWith('HTTP/1.1 101')) {
        this.#options.onFailure(new Error(`the upgrade was refused:\n${this.#text}`));
        return false;
      }
      this.#text = this.#text.slice(end + HEADER_END.length);
      this.#stage = 'established';
    }
    const frame = this.#takeFrame();
    if (frame === undefined) return false;
    if (this.#stage === 'established') {
      this.#expect(frame, 'pusher:connection_established');
      this.#established(frame);
    } else {
      this.#expect(frame, 'pusher_internal:subscription_succeeded');
      this.#ready();
    }
    return this.#stage === 'subscribing';
  }

  #established(frame: string): void {
    this.socketId = /socket_id\\":\\"([^\\"]+)/.exec(frame)?.[1] ?? '';
    this.activityTimeoutSeconds = Number(/activity_timeout\\":(\d+)/.exec(frame)?.[1]);
    const { channel } = this.#options;
    if (channel === undefined) {
      this.#ready();
      return;
    }
    this.#stage = 'subscribing';
    this.subscribe(channel);
  }

  #ready(): void {
    this.#stage = 'counting';
    const rest = Buffer.from(this.#text, 'latin1');
    this.#text = '';
    this.#options.onReady(this);
    if (rest.length > 0) this.#take(rest, rest.length);
  }

  /** The next whole frame's payload. */
  #takeFrame(): string | undefined {
    const text = this.#text;
    if (text.length < 4) return undefined;
    const short = text.charCodeAt(1) & 0x7f;
    const start = short < 126 ? 2 : 4;
    const end = start + (short < 126 ? short : text.charCodeAt(2) * 256 + text.charCodeAt(3));
    if (text.length < end) return undefined;
    this.#text = text.slice(end);
    return text.slice(start, end);
  }

  #expect(frame: string, event: string): void {
    if (!frame.includes(`"${event}"`)) this.#options.onFailure(new Error(`expected ${event}, got ${frame}`));
  }
}

/** A WebSocket upgrade as a browser asks for it. */
export function upgradeRequest({ host, port }: Address, path: string): string {
  return (
    `GET ${path} HTTP/1.1\r\n` +
    `Host: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    'Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n' +
    `Origin: http://127.0.0.1\r\n\r\n`
  );
}
