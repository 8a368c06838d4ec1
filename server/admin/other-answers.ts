import type { ServerResponse } from 'node:http';

/** An answer that is no JSON: a page, a file, figures as text. */
export class TextAnswer {
  readonly body: string | Buffer;
  readonly contentType: string;
  /** In place of, or beside, those that every answer has. */
  readonly headers: Readonly<Record<string, string>>;

  /** @param contentType - with its charset: `text/plain; charset=utf-8` */
  constructor(body: string | Buffer, contentType: string, headers: Readonly<Record<string, string>> = {}) {
    this.body = body;
    this.contentType = contentType;
    this.headers = headers;
  }
}

/** What becomes JSON otherwise, too, with headers of its own. It ends with a line feed for whoever reads it in a terminal. */
export function jsonAnswer(answer: object, headers: Readonly<Record<string, string>> = {}): TextAnswer {
  return new TextAnswer(`${JSON.stringify(answer, null, 2)}\n`, 'application/json; charset=utf-8', headers);
}

/** Whoever reads an event stream. */
export interface StreamClient {
  /**
   * Sends an event, with data that becomes JSON.
   *
   * @returns false, and sends nothing, where the client does not read what it was sent before
   */
  send(event: string, data: unknown): boolean;
  /** Ends the stream. */
  end(): void;
}

/** An answer that goes on: Server-Sent Events. */
export class EventStream {
  readonly #open: (client: StreamClient) => () => void;

  /** @param open - is called once the client has the headers. What it returns is called once, when the stream has ended, whoever ended it */
  constructor(open: (client: StreamClient) => () => void) {
    this.#open = open;
  }

  /** @param nowMs - a clock that is never set back */
  start(response: ServerResponse, nowMs: () => number): StreamClient {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      // nginx would hold events back.
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    const client = new ResponseStream(response, nowMs);
    const close = this.#open(client);
    response.once('close', close);
    return client;
  }
}

/** What may wait for a client that is slow. */
const MAX_WAITING_BYTES = 1_048_576;
/** How long a client may read nothing, in milliseconds. */
const STALLED_MS = 30_000;

class ResponseStream implements StreamClient {
  readonly #response: ServerResponse;
  readonly #nowMs: () => number;
  /** Since when nothing more is sent. */
  #slowSinceMs: number | undefined;

  constructor(response: ServerResponse, nowMs: () => number) {
    this.#response = response;
    this.#nowMs = nowMs;
  }

  send(event: string, data: unknown): boolean {
    const response = this.#response;
    if (response.writableEnded || response.destroyed) return false;
    if (response.writableLength > MAX_WAITING_BYTES) {
      this.#slowSinceMs ??= this.#nowMs();
      if (this.#nowMs() - this.#slowSinceMs > STALLED_MS) response.destroy();
      return false;
    }
    this.#slowSinceMs = undefined;
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    return true;
  }

  end(): void {
    this.#response.end();
  }
}
