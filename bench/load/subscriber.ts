import { connect, type Socket } from 'node:net';
import { BENCH_APP } from '../servers/bench-app.ts';

const HEADER_END = '\r\n\r\n';

/**
 * All sockets read into the same bytes: they are looked at before the next socket reads. A Buffer of its own for each
 * read is what a load generator on Node spends most of its time with.
 */
const SHARED_BUFFER = Buffer.allocUnsafe(65_536);

/**
 * A subscriber that costs its machine next to nothing: it upgrades by hand, and once it is subscribed it does not look at
 * frames but counts bytes.
 */
export class Subscriber {
  /** Bytes of frames since the subscription. */
  received = 0;
  readonly #socket: Socket;
  readonly #channel: string;
  readonly #onReady: () => void;
  readonly #onFailure: (error: Error) => void;
  readonly #onBytes: (bytes: number) => void;
  #stage: 'upgrade' | 'established' | 'subscribing' | 'counting' = 'upgrade';
  #text = '';

  /**
   * @param onReady - it is subscribed
   * @param onBytes - called with the length of what came in
   */
  constructor(
    port: number,
    channel: string,
    onReady: () => void,
    onFailure: (error: Error) => void,
    onBytes: (bytes: number) => void = () => {},
  ) {
    this.#channel = channel;
    this.#onReady = onReady;
    this.#onFailure = onFailure;
    this.#onBytes = onBytes;
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: SHARED_BUFFER, callback: (bytes) => this.#take(bytes) },
    });
    this.#socket.on('error', onFailure);
    this.#socket.on('close', () => onFailure(new Error('the server closed a subscriber')));
    this.#socket.write(upgradeRequest(port));
  }

  /** Leaves what comes to the kernel, so that it costs the load generator nothing yet. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends with a reset, which leaves no port waiting for its time. */
  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.resetAndDestroy();
  }

  #take(bytes: number): boolean {
    if (this.#stage === 'counting') {
      this.received += bytes;
      this.#onBytes(bytes);
    } else {
      this.#text += SHARED_BUFFER.toString('latin1', 0, bytes);
      this.#advance();
    }
    return true;
  }

  #advance(): void {
    if (this.#stage === 'upgrade') {
      const end = this.#text.indexOf(HEADER_END);
      if (end < 0) return;
      if (!this.#text.startsWith('HTTP/1.1 101')) {
        this.#onFailure(new Error(`the upgrade was refused:\n${this.#text}`));
        return;
      }
      this.#text = this.#text.slice(end + HEADER_END.length);
      this.#stage = 'established';
    }
    const frame = this.#takeFrame();
    if (frame === undefined) return;
    if (this.#stage === 'established') {
      this.#expect(frame, 'pusher:connection_established');
      this.#stage = 'subscribing';
      this.#socket.write(subscribeFrame(this.#channel));
    } else {
      this.#expect(frame, 'pusher_internal:subscription_succeeded');
      this.#stage = 'counting';
      this.#onReady();
    }
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
    if (!frame.includes(`"${event}"`)) this.#onFailure(new Error(`expected ${event}, got ${frame}`));
  }
}

/** @returns subscribers that are all subscribed, opened at most `atOnce` at a time */
export async function openSubscribers(
  port: number,
  count: number,
  atOnce: number,
  channelOf: (index: number) => string,
  onFailure: (error: Error) => void,
  onBytes?: (bytes: number) => void,
): Promise<Subscriber[]> {
  const subscribers: Subscriber[] = [];
  await new Promise<void>((resolve) => {
    let ready = 0;
    const open = (): void => {
      if (subscribers.length < count) {
        subscribers.push(new Subscriber(port, channelOf(subscribers.length), onReady, onFailure, onBytes));
      }
    };
    const onReady = (): void => {
      ready += 1;
      if (ready === count) resolve();
      else open();
    };
    for (let index = 0; index < Math.min(atOnce, count); index += 1) open();
  });
  return subscribers;
}

function upgradeRequest(port: number): string {
  return (
    `GET /app/${BENCH_APP.key}?protocol=7&client=js&version=8.6.0&flash=false HTTP/1.1\r\n` +
    `Host: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    'Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n' +
    `Origin: http://127.0.0.1\r\n\r\n`
  );
}

const frames = new Map<string, Buffer>();

/** A text frame whose mask is all zeros: valid, and the payload stays as it is. */
function subscribeFrame(channel: string): Buffer {
  let frame = frames.get(channel);
  if (!frame) {
    const payload = JSON.stringify({ event: 'pusher:subscribe', data: { auth: '', channel } });
    if (payload.length > 125) throw new Error(`channel name too long for a short frame: ${channel}`);
    frame = Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)]);
    frames.set(channel, frame);
  }
  return frame;
}

/** Bytes on the wire of an unmasked frame. */
export function frameBytes(payloadBytes: number): number {
  return payloadBytes + (payloadBytes < 126 ? 2 : 4);
}
