import WebSocket from 'ws';
import { isJsonObject, memberText, parseJson } from '../../protocol/json.ts';
import { packageVersion } from '../package-root.ts';

/** A frame from a server. */
export interface PusherFrame {
  readonly event: string;
  readonly channel?: string;
  /** The text of the event; JSON where the frame has no text there. */
  readonly data: string;
  /** Of the user who sent a client event on a presence channel. */
  readonly userId?: string;
}

/** How a connection ended, or why there was none. */
export type SocketEnd =
  /** The network or TLS fails, or what answers speaks no HTTP. */
  | { readonly kind: 'network'; readonly error: Error }
  /** An answer of HTTP in place of the WebSocket. */
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly text: string;
    }
  /** A WebSocket on which nothing arrives. */
  | { readonly kind: 'silent' }
  /** `code` and `text` of `pusher:error`, or else of the close frame. */
  | { readonly kind: 'closed'; readonly code: number; readonly text: string };

export interface SocketOptions {
  /** `wss://ws.example.com/prefix`, without a slash at the end. */
  readonly url: string;
  readonly key: string;
  /** Called for each frame, pings excepted. */
  readonly onFrame: (frame: PusherFrame, socket: PusherSocket) => void;
  /** For the way up to `pusher:connection_established`. */
  readonly timeoutMs?: number;
  readonly trustsAll?: boolean;
}

const CONNECT_MS = 10_000;
const PONG_MS = 30_000;
const CLOSE_MS = 1000;
const DEFAULT_ACTIVITY_SECONDS = 120;
const MAX_ANSWER_BYTES = 65_536;
const NO_CLOSE_FRAME = 1006;

/** A connection to any server that speaks the Pusher protocol. */
export class PusherSocket {
  /** Resolves once, whatever ends it, or keeps it from being established. */
  readonly ended: Promise<SocketEnd>;
  /** Resolves with the id when it is established; never where it can't be. */
  readonly established: Promise<string>;
  socketId = '';
  readonly #webSocket: WebSocket;
  readonly #options: SocketOptions;
  #establish: (socketId: string) => void = () => {};
  #end: (end: SocketEnd) => void = () => {};
  #refusal: { readonly code: number; readonly text: string } | undefined;
  #activitySeconds = DEFAULT_ACTIVITY_SECONDS;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: SocketOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.established = new Promise((resolve) => {
      this.#establish = resolve;
    });
    const query = `protocol=7&client=kulkul&version=${packageVersion()}&flash=false`;
    const address = `${options.url}/app/${encodeURIComponent(options.key)}?${query}`;
    this.#webSocket = new WebSocket(address, {
      perMessageDeflate: false,
      followRedirects: false,
      ...(options.trustsAll && { rejectUnauthorized: false }),
    });
    this.#wait(options.timeoutMs ?? CONNECT_MS, () => this.#finish({ kind: 'silent' }));
    this.#listen(this.#webSocket);
  }

  subscribe(data: { readonly channel: string; readonly auth?: string; readonly channel_data?: string }): void {
    this.#send('pusher:subscribe', data);
  }

  close(): void {
    this.#webSocket.close();
    // Where the server is gone, nobody waits for its close frame.
    setTimeout(() => this.#webSocket.terminate(), CLOSE_MS).unref();
    this.#finish({ kind: 'closed', code: 1000, text: '' });
  }

  #listen(webSocket: WebSocket): void {
    webSocket.on('unexpected-response', (request, response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        if (bytes < MAX_ANSWER_BYTES) chunks.push(chunk);
        bytes += chunk.length;
      });
      response.on('close', () => {
        const texts = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
        const headers: Record<string, string> = Object.fromEntries(texts);
        const text = Buffer.concat(chunks).toString();
        this.#finish({ kind: 'answered', status: response.statusCode ?? 0, headers, text });
        request.destroy();
      });
    });
    webSocket.on('error', (error) => this.#finish({ kind: 'network', error }));
    webSocket.on('close', (code, reason) => {
      this.#finish({ kind: 'closed', ...(this.#refusal ?? { code, text: reason.toString() }) });
    });
    webSocket.on('message', (message) => this.#receive(String(message)));
    // A sign of life, too.
    webSocket.on('ping', () => this.#heard());
  }

  #receive(text: string): void {
    if (this.socketId !== '') this.#heard();
    const frame = readFrame(text);
    if (frame === undefined) return;
    switch (frame.event) {
      case 'pusher:ping':
        this.#send('pusher:pong', {});
        return;
      case 'pusher:pong':
        return;
      case 'pusher:connection_established': {
        const data = parseJson(frame.data);
        if (!isJsonObject(data) || typeof data.socket_id !== 'string') return;
        this.socketId = data.socket_id;
        if (typeof data.activity_timeout === 'number') this.#activitySeconds = data.activity_timeout;
        this.#heard();
        this.#establish(this.socketId);
        break;
      }
      case 'pusher:error': {
        const data = parseJson(frame.data);
        if (!isJsonObject(data) || typeof data.code !== 'number' || data.code >= 4300) break;
        this.#refusal = { code: data.code, text: String(data.message ?? '') };
      }
    }
    this.#options.onFrame(frame, this);
  }

  /** After a while of silence the server is asked whether it is there. */
  #heard(): void {
    this.#wait(this.#activitySeconds * 1000, () => {
      this.#send('pusher:ping', {});
      this.#wait(PONG_MS, () => this.#finish({ kind: 'closed', code: NO_CLOSE_FRAME, text: 'the server is silent' }));
    });
  }

  #send(event: string, data: object): void {
    if (this.#webSocket.readyState === WebSocket.OPEN) this.#webSocket.send(JSON.stringify({ event, data }));
  }

  #wait(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    if (!this.#isOver) this.#timer = setTimeout(then, ms);
  }

  #finish(end: SocketEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#end(end);
    if (end.kind === 'silent' || (end.kind === 'closed' && end.code === NO_CLOSE_FRAME)) this.#webSocket.terminate();
  }
}

function readFrame(text: string): PusherFrame | undefined {
  const frame = parseJson(text);
  if (!isJsonObject(frame) || typeof frame.event !== 'string') return undefined;
  const { event, channel, data, user_id: userId } = frame;
  return {
    event,
    data: typeof data === 'string' ? data : (memberText(text, 'data') ?? ''),
    ...(typeof channel === 'string' && { channel }),
    ...(typeof userId === 'string' && { userId }),
  };
}
