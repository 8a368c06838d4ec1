import { once } from 'node:events';
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

/** A piece of a stream: what stands between two empty lines. */
export interface StreamRecord {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly retry?: string;
  readonly comment?: string;
}

export interface StreamEnd {
  /** The server ended it, rather than cut it off. */
  readonly isComplete: boolean;
}

export type StreamItem = StreamRecord | StreamEnd;

/** Reads Server-Sent Events line by line, and keeps what comes in a queue: a test misses nothing and waits for what it asks for. */
export class StreamReader {
  readonly response: IncomingMessage;
  readonly #items: StreamItem[] = [];
  readonly #readers: ((item: StreamItem) => void)[] = [];
  #rest = '';

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#take(text));
    response.on('error', () => {});
    response.on('close', () => this.#put({ isComplete: response.complete }));
  }

  /** Resolves with what is answered, whatever it is. */
  static async ask(
    url: string,
    headers: Readonly<Record<string, string>> = {},
    method = 'GET',
    agent: Agent | false = false,
  ): Promise<StreamReader> {
    const asking = request(url, { method, headers: { Accept: 'text/event-stream', ...headers }, agent });
    asking.end();
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    return new StreamReader(response);
  }

  /** Connects, and takes what stands at the beginning. */
  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<StreamReader> {
    const reader = await StreamReader.ask(url, headers);
    const first = await reader.next();
    if (!('retry' in first)) throw new Error(`${reader.status}: ${JSON.stringify(first)}`);
    return reader;
  }

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  get headers(): IncomingHttpHeaders {
    return this.response.headers;
  }

  next(): Promise<StreamItem> {
    const item = this.#items.shift();
    if (item) return Promise.resolve(item);
    return new Promise((resolve) => {
      this.#readers.push(resolve);
    });
  }

  /** The data of the next event, past comments. */
  async nextData(): Promise<string> {
    return (await this.nextEvent()).data ?? '';
  }

  async nextEvent(): Promise<StreamRecord> {
    for (;;) {
      const item = await this.next();
      if ('isComplete' in item) throw new Error('the stream ended where an event was expected');
      if (item.comment === undefined) return item;
    }
  }

  /** How it ended, and what came before. */
  async ended(): Promise<StreamEnd & { readonly before: readonly StreamRecord[] }> {
    const before: StreamRecord[] = [];
    for (;;) {
      const item = await this.next();
      if ('isComplete' in item) return { ...item, before };
      before.push(item);
    }
  }

  /** All text of an answer that is no stream. */
  async text(): Promise<string> {
    await this.ended();
    return this.#rest;
  }

  pause(): void {
    this.response.pause();
  }

  resume(): void {
    this.response.resume();
  }

  /** Ends from this side. */
  close(): void {
    this.response.destroy();
  }

  #take(text: string): void {
    this.#rest += text;
    for (;;) {
      const end = this.#rest.indexOf('\n\n');
      if (end < 0) return;
      const lines = this.#rest.slice(0, end).split(/\r\n|\r|\n/);
      this.#rest = this.#rest.slice(end + 2);
      this.#put(parseRecord(lines));
    }
  }

  #put(item: StreamItem): void {
    const reader = this.#readers.shift();
    if (reader) reader(item);
    else this.#items.push(item);
  }
}

/** @see HTML Standard, "Interpreting an event stream" */
export function parseRecord(lines: readonly string[]): StreamRecord {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon) || 'comment';
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    const former = name === 'data' ? fields.get(name) : undefined;
    fields.set(name, former === undefined ? value : `${former}\n${value}`);
  }
  return Object.fromEntries(fields);
}
