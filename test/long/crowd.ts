import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { until } from '../support/until.ts';

/** One of very many clients: no library, so that thousands fit beside the broker. Connects again whenever it is closed. */
class Member {
  readonly #port: number;
  readonly #path: string;
  #socket: Socket | undefined;
  #head = '';
  isIn = false;
  hasLeft = false;
  /** When it was let in last. */
  sinceMs = 0;
  /** How often it was let in. */
  arrivals = 0;
  /** Attempts that ended before it was let in. */
  failures = 0;
  readonly closeCodes: number[] = [];

  constructor(port: number, path: string) {
    this.#port = port;
    this.#path = path;
    this.#open();
  }

  leave(): void {
    this.hasLeft = true;
    this.#socket?.destroy();
  }

  #open(): void {
    const socket = connect(this.#port, '127.0.0.1');
    this.#socket = socket;
    this.#head = '';
    const key = randomBytes(16).toString('base64');
    socket.write(
      `GET ${this.#path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    socket.on('error', () => {});
    socket.on('data', (part: Buffer) => this.#take(part));
    socket.on('close', () => {
      if (!this.isIn && !this.hasLeft) this.failures += 1;
      this.isIn = false;
      if (!this.hasLeft) this.#open();
    });
  }

  #take(part: Buffer): void {
    if (!this.isIn) {
      this.#head += part.toString('latin1');
      if (!this.#head.includes('pusher:connection_established')) return;
      this.isIn = true;
      this.arrivals += 1;
      this.sinceMs = performance.now();
      return;
    }
    // Nothing else is sent to these clients, so what comes is an error frame and the close frame after it.
    const at = part.lastIndexOf(0x88);
    if (at < 0) return;
    this.closeCodes.push(part.readUInt16BE(at + 2));
    this.#socket?.end();
  }
}

/** Thousands of clients in this process. */
export class Crowd {
  readonly members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.members = members;
  }

  /** Lets them in some at a time, as the broker's queue of connections is not endless. */
  static async gather(count: number, port: number, path: string): Promise<Crowd> {
    const members: Member[] = [];
    while (members.length < count) {
      const batch = Array.from({ length: Math.min(250, count - members.length) }, () => new Member(port, path));
      members.push(...batch);
      await until(() => batch.every(({ isIn }) => isIn));
    }
    return new Crowd(members);
  }

  async untilIn(arrivals: number): Promise<void> {
    await until(() => this.members.every((member) => member.isIn && member.arrivals >= arrivals));
  }

  leave(): void {
    for (const member of this.members) member.leave();
  }
}
