import type { Socket } from 'node:net';
import { FEED_PATH } from '../servers/bench-app.ts';
import type { Address } from './address.ts';
import { FrameCounter } from './frame-counter.ts';
import { dropSocket, openSocket } from './open-socket.ts';
import { upgradeRequest } from './subscriber.ts';

const LINE_FEED = 10;
const HEAD_END = '\r\n\r\n';
/** What a stream begins with. */
const PREAMBLE = /retry: \d+\n\n/;

/** Reads a feed by WebSocket or as Server-Sent Events, and counts what comes. */
export class FeedReader {
  /** Messages so far. */
  received = 0;
  readonly #way: 'WebSocket' | 'stream';
  readonly #onReady: () => void;
  readonly #onFailure: (error: Error) => void;
  readonly #onMessages: (messages: number) => void;
  readonly #socket: Socket;
  readonly #counter = new FrameCounter();
  #isReady = false;
  #text = '';
  #last = 0;

  private constructor(
    address: Address,
    way: 'WebSocket' | 'stream',
    onReady: () => void,
    onFailure: (error: Error) => void,
    onMessages: (messages: number) => void,
  ) {
    this.#way = way;
    this.#onReady = onReady;
    this.#onFailure = onFailure;
    this.#onMessages = onMessages;
    this.#socket = openSocket(address, (bytes, length) => this.#take(bytes, length), onFailure);
    this.#socket.write(
      way === 'WebSocket'
        ? upgradeRequest(address, FEED_PATH)
        : `GET ${FEED_PATH} HTTP/1.1\r\nHost: ${address.host}:${address.port}\r\nAccept: text/event-stream\r\n\r\n`,
    );
  }

  static open(
    address: Address,
    way: 'WebSocket' | 'stream',
    onFailure: (error: Error) => void,
    onMessages: (messages: number) => void,
  ): Promise<FeedReader> {
    return new Promise((resolve) => {
      const reader: FeedReader = new FeedReader(address, way, () => resolve(reader), onFailure, onMessages);
    });
  }

  drop(): void {
    dropSocket(this.#socket);
  }

  #take(bytes: Buffer, length: number): void {
    if (!this.#isReady) {
      this.#begin(bytes.toString('latin1', 0, length));
      return;
    }
    const messages = this.#way === 'WebSocket' ? this.#counter.count(bytes, length) : this.#countRecords(bytes, length);
    if (messages === 0) return;
    this.received += messages;
    this.#onMessages(messages);
  }

  /** Nothing is published before it is ready. */
  #begin(text: string): void {
    this.#text += text;
    const status = this.#way === 'WebSocket' ? 'HTTP/1.1 101' : 'HTTP/1.1 200';
    if (!this.#text.startsWith(status)) {
      this.#onFailure(new Error(`the feed was refused:\n${this.#text}`));
      return;
    }
    this.#isReady = this.#text.includes(HEAD_END) && (this.#way === 'WebSocket' || PREAMBLE.test(this.#text));
    if (this.#isReady) this.#onReady();
  }

  /** Each ends with an empty line; chunks of the response end with CRLF, so that they make none. */
  #countRecords(bytes: Buffer, length: number): number {
    let records = 0;
    for (let at = 0; at < length; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte === LINE_FEED && this.#last === LINE_FEED) records += 1;
      this.#last = byte;
    }
    return records;
  }
}
