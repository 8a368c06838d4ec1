import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher as Undici } from 'undici';
import connectorOf from 'undici/lib/core/connect.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import type { Clock } from '../../channels/clock.ts';
import { type Lookup, publicConnector, systemLookup } from './connector.ts';

/** A request to a webhook. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether it may go to an address inside a private network. */
  readonly mayBePrivate: boolean;
  /** Of the events in it that are part of a trace, `traceparent`. */
  readonly traces: readonly string[];
}

export interface WebhookAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The first kilobyte at most. */
  readonly body: string;
}

/** Sends requests to webhooks. */
export interface Sender {
  /** Rejects with an `Error` for people: there was no answer. */
  send(request: WebhookRequest): Promise<WebhookAnswer>;
  close(): Promise<void>;
}

export interface SenderOptions {
  /** From the beginning of a request to the head of its answer. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** For what may not be private. Default: of the system. */
  readonly lookup?: Lookup;
}

/** What is read of an answer, so that its connection can be used again. Beyond it is cut off. */
const MAX_ANSWER_BYTES = 16_384;
const SHOWN_BYTES = 1024;
/** For the rest of an answer, once it is known what it says. */
const REST_MS = 1000;

/** Sends over HTTP/1.1 with keep-alive. Follows no redirects: what is at another address is not what the app named. */
export class HttpSender implements Sender {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** For apps that may call private addresses, and for those that may not. */
  readonly #anywhere: Agent;
  readonly #outside: Agent;

  constructor({ timeoutMs, clock, lookup = systemLookup }: SenderOptions) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    // The time for an answer is measured here, from its first byte to its last: theirs begins anew with each.
    const times = { headersTimeout: 0, bodyTimeout: 0 };
    this.#anywhere = new Agent({ ...times, connect: connectorOf({ timeout: timeoutMs }) });
    this.#outside = new Agent({ ...times, connect: publicConnector(timeoutMs, lookup) });
  }

  send({ url, headers, body, mayBePrivate }: WebhookRequest): Promise<WebhookAnswer> {
    const agent = mayBePrivate ? this.#anywhere : this.#outside;
    return new Promise((resolve, reject) => {
      const { origin, pathname, search } = new URL(url);
      const exchange = new Exchange(this.#clock, this.#timeoutMs, { resolve, reject });
      agent.dispatch({ origin, path: `${pathname}${search}`, method: 'POST', headers, body }, exchange);
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#anywhere.destroy(), this.#outside.destroy()]);
  }
}

interface Outcome {
  resolve(answer: WebhookAnswer): void;
  reject(error: Error): void;
}

/** One request and what comes back: at most so much, and only for so long. */
class Exchange implements Undici.DispatchHandler {
  readonly #clock: Clock;
  readonly #outcome: Outcome;
  #controller: Undici.DispatchController | undefined;
  #cancelTimer: () => void;
  #isSettled = false;
  #head: Omit<WebhookAnswer, 'body'> | undefined;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(clock: Clock, timeoutMs: number, outcome: Outcome) {
    this.#clock = clock;
    this.#outcome = outcome;
    this.#cancelTimer = clock.schedule(() => {
      this.#settle(new Error(`no answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
  }

  onRequestStart(controller: Undici.DispatchController): void {
    this.#controller = controller;
    // It waited for a connection until it was too late.
    if (this.#isSettled) this.#abort();
  }

  onResponseStart(_controller: Undici.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // 100 to 199 announce an answer.
    if (status < 200 || this.#isSettled) return;
    this.#head = { status, headers: textsOf(headers) };
    this.#cancelTimer();
    this.#cancelTimer = this.#clock.schedule(() => this.#cutOff(), REST_MS);
  }

  onResponseData(_controller: Undici.DispatchController, chunk: Buffer): void {
    if (this.#bytes < SHOWN_BYTES) this.#chunks.push(chunk.subarray(0, SHOWN_BYTES - this.#bytes));
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_ANSWER_BYTES) this.#cutOff();
  }

  onResponseEnd(): void {
    this.#settle(undefined);
  }

  onResponseError(_controller: Undici.DispatchController, error: Error): void {
    this.#settle(new Error(explain(error), { cause: error }));
  }

  #cutOff(): void {
    this.#settle(undefined);
    this.#abort();
  }

  /** What an answer says is known from its head, whatever becomes of its rest. */
  #settle(error: Error | undefined): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#cancelTimer();
    if (this.#head) this.#outcome.resolve({ ...this.#head, body: Buffer.concat(this.#chunks).toString() });
    else this.#outcome.reject(error ?? new Error('the answer ended before its head'));
    if (error && !this.#head) this.#abort();
  }

  #abort(): void {
    if (this.#controller?.aborted === false) this.#controller.abort(new Error('not waited for'));
  }
}

function textsOf(headers: IncomingHttpHeaders): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) texts[name] = String(value);
  return texts;
}

/** Why there is no answer, for people. */
function explain(error: Error): string {
  // Of several addresses of a name, the first.
  const [first] = error instanceof AggregateError ? error.errors : [];
  const { message } = first instanceof Error ? first : error;
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'UND_ERR_SOCKET') return `the connection was closed without an answer (${message})`;
  return message === '' ? code : message;
}
