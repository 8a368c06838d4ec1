import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A TCP connection without manners: it sends the bytes it is given, and may vanish at any moment. */
export class RawSocket {
  readonly socket: Socket;
  readonly #ended: Promise<void>;
  #received = Buffer.alloc(0);
  #arrived: (() => void) | undefined;

  private constructor(port: number, localAddress?: string) {
    this.socket = connect({ port, host: '127.0.0.1', ...(localAddress !== undefined && { localAddress }) });
    this.socket.on('error', () => {});
    this.socket.on('data', (part: Buffer) => {
      this.#received = Buffer.concat([this.#received, part]);
      this.#arrived?.();
    });
    this.#ended = new Promise((resolve) => {
      this.socket.on('close', () => {
        resolve();
        this.#arrived?.();
      });
    });
  }

  /** @param localAddress - of loopback, for a client of its own */
  static async open(port: number, localAddress?: string): Promise<RawSocket> {
    const raw = new RawSocket(port, localAddress);
    await once(raw.socket, 'connect');
    return raw;
  }

  /** A connection that has been accepted as a WebSocket. */
  static async upgraded(port: number, path: string): Promise<RawSocket> {
    const raw = await RawSocket.open(port);
    raw.write(upgradeRequest(path));
    await raw.until('\r\n\r\n');
    return raw;
  }

  get text(): string {
    return this.#received.toString('latin1');
  }

  write(bytes: string | Uint8Array): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Waits until this text has come in; false when the connection ended before. */
  async until(text: string): Promise<boolean> {
    while (!this.text.includes(text)) {
      if (this.socket.destroyed) return false;
      await this.more();
    }
    return true;
  }

  /** Waits for more text, or the end. */
  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#arrived = resolve;
    });
  }

  /** Sends no more, and waits until the server ends the connection. Answers all that came. */
  async finish(): Promise<string> {
    this.socket.end();
    await this.#ended;
    return this.text;
  }

  ended(): Promise<void> {
    return this.#ended;
  }

  /** Ends with a TCP reset: no close frame, no FIN. */
  reset(): void {
    this.socket.resetAndDestroy();
  }
}

export function upgradeRequest(path: string): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`
  );
}

export interface WireFrame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Uint8Array;
  /** Announced instead of the real length. */
  readonly lie: number | undefined;
}

/** A WebSocket frame, right or wrong (RFC 6455, 5.2). */
export function encodeFrame({ fin, rsv, opcode, masked, payload, lie }: WireFrame): Buffer {
  const length = lie ?? payload.length;
  const head = Buffer.alloc(14);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  let size = 2;
  if (length < 126) {
    head[1] = mask | length;
  } else if (length < 65_536) {
    head[1] = mask | 126;
    size += head.writeUInt16BE(length, 2) - 2;
  } else {
    head[1] = mask | 127;
    size = head.writeBigUInt64BE(BigInt(length), 2);
  }
  // A key of zeros changes nothing.
  return Buffer.concat([head.subarray(0, masked ? size + 4 : size), payload]);
}

/** A text frame as clients send it. */
export function textFrame(text: string): Buffer {
  return encodeFrame({ fin: true, rsv: 0, opcode: 1, masked: true, payload: Buffer.from(text), lie: undefined });
}
