import type { MaybePromise } from '../../channels/maybe-promise.ts';
import { quote } from '../../protocol/json.ts';
import type { AddressGate } from '../address-limits.ts';
import { type Logger, withoutTokens } from '../log.ts';
import type { HttpRequest, HttpResponse } from '../uws.ts';
import { type Answer, KEEP_ALIVE, NO_CONTENT, NOTICE, statusLine } from './answer.ts';
import type { Headers } from './cors.ts';
import type { RefusalBudget } from './refusal-budget.ts';

/** Requests that have come and are not answered yet, their bodies included. */
export class OpenRequests {
  /**
   * Each answer is its connection's last: the node is going, so the next request had better go elsewhere than be cut off.
   */
  closesConnections = false;
  #count = 0;
  #waiting: (() => void)[] = [];

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when none is open: what they do has happened then, and their clients know. */
  async settled(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** Who counts requests. */
export interface RequestWatch {
  /** @returns when it began, if it is to be timed */
  began(): number | undefined;
  /** @param answer - about to be sent */
  answered(exchange: Exchange, answer: Pick<Answer, 'status' | 'headers' | 'body'>): void;
}

export interface ExchangeParts {
  /** Left out: nobody counts. */
  readonly watch?: RequestWatch | undefined;
  readonly requests: OpenRequests;
  readonly refusals: RefusalBudget;
  readonly addresses: AddressGate;
}

/** What is counted of a route. */
export interface CountedRoute {
  readonly path: string;
  readonly publishes?: true;
}

const PREFLIGHT = { status: 204, body: '' } as const;

/** One request and its answer: ends once, and never after the client went away. */
export class Exchange {
  readonly res: HttpResponse;
  headers: Headers = [];
  isHead = false;
  /** The answer takes no right to ask: anybody gets it. */
  isForAnybody = false;
  /** The route that it is for. */
  route: CountedRoute | undefined;
  /** The app that it is for, once that is known. */
  appId = '';
  /** Bytes of its body. */
  bodyLength = 0;
  /** When it came, by the clock of whoever counts; undefined: it is not timed. */
  readonly startedMs: number | undefined;
  stopReading: (() => void) | undefined;
  /** Told of the answer, or that the client left before. */
  onOver: ((answer: Pick<Answer, 'status' | 'headers' | 'body'> | undefined) => void) | undefined;
  readonly #parts: ExchangeParts;
  /** That the connection is counted by. */
  readonly #address: string | undefined;
  #isOver = false;

  constructor(res: HttpResponse, parts: ExchangeParts) {
    this.res = res;
    this.#parts = parts;
    this.#address = parts.addresses.holder(res);
    this.startedMs = parts.watch?.began();
    parts.requests.begin();
    res.onAborted(() => {
      if (!this.#isOver) {
        this.#finish();
        this.onOver?.(undefined);
      }
      this.stopReading?.();
    });
  }

  /**
   * Answers with what comes of some work, now or later.
   *
   * @param failed - the answer for whatever the work throws, or rejects with
   */
  answer(work: () => MaybePromise<Answer>, failed: (error: unknown) => Answer): void {
    try {
      const answer = work();
      if (answer instanceof Promise) {
        answer.then(
          (late) => this.endLater(late),
          (error: unknown) => this.endLater(failed(error)),
        );
      } else {
        this.end(answer);
      }
    } catch (error) {
      this.end(failed(error));
    }
  }

  /**
   * Answers while uWebSockets.js hands over the request or its body: it has corked the socket already.
   *
   * @param closeConnection - when a part of the request may still be on its way and shall not be read
   */
  end(answer: Answer, closeConnection = false): void {
    if (this.#isOver) return;
    this.#finish();
    this.onOver?.(answer);
    this.#parts.watch?.answered(this, answer);
    if ((this.isForAnybody || isRefusal(answer.status)) && this.#parts.refusals.isSpent(this.res)) {
      this.res.close();
      return;
    }
    const isLast = closeConnection || this.#isLast();
    if (answer.status !== 200) this.res.writeStatus(statusLine(answer.status));
    for (const [name, value] of this.headers) this.res.writeHeader(name, value);
    for (const name in answer.headers) this.res.writeHeader(name, answer.headers[name] ?? '');
    if (answer.status !== NO_CONTENT.status) this.res.writeHeader('Content-Type', answer.contentType);
    if (!isLast) this.res.writeHeader('Keep-Alive', KEEP_ALIVE);
    if (answer.status === NO_CONTENT.status) {
      // It has no length, without which uWebSockets.js can't be told to close.
      if (isLast) this.res.endWithoutBody(0, true);
      else this.res.endWithoutBody();
    } else if (this.isHead) {
      this.res.endWithoutBody(Buffer.byteLength(answer.body), isLast);
    } else {
      this.res.end(answer.body, isLast);
    }
  }

  /** Answers at any other time: after a promise or a timer. */
  endLater(answer: Answer, closeConnection = false): void {
    if (!this.#isOver) this.res.cork(() => this.end(answer, closeConnection));
  }

  preflight(headers: Headers): void {
    this.#finish();
    this.onOver?.(PREFLIGHT);
    if (this.#parts.refusals.isSpent(this.res)) {
      this.res.close();
      return;
    }
    this.res.cork(() => {
      // Closing needs a length, which is not allowed with 204.
      this.res.writeStatus(statusLine(this.#address === undefined ? 204 : 200));
      for (const [name, value] of headers) this.res.writeHeader(name, value);
      // A length, which closing would need here, is not allowed in this answer.
      if (this.#parts.requests.closesConnections) this.res.writeHeader('Connection', 'close');
      else if (this.#address === undefined) this.res.writeHeader('Keep-Alive', KEEP_ALIVE);
      if (this.#address === undefined) this.res.endWithoutBody();
      else this.res.end('', true);
    });
  }

  #finish(): void {
    this.#isOver = true;
    this.#parts.requests.end();
    this.#parts.addresses.release(this.#address);
  }

  #isLast(): boolean {
    return this.#parts.requests.closesConnections || this.#address !== undefined;
  }
}

/** 429 takes a right to ask, and 5xx is no fault of the client. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 429;
}

/** Said whole to the client; the log need not repeat all of it. */
const MAX_REASON_LENGTH = 500;

/**
 * A line for each request and what became of it.
 *
 * @returns to be called with the answer, or with undefined when the client left before. The query, which holds signatures and may hold tokens, is left
 *   out, and so are bodies.
 */
export function logAnswer(
  log: Logger,
  res: HttpResponse,
  req: HttpRequest,
): (answer: Pick<Answer, 'status' | 'headers' | 'body'> | undefined) => void {
  const facts = {
    method: req.getCaseSensitiveMethod(),
    path: req.getUrl(),
    ip: Buffer.from(res.getRemoteAddressAsText()).toString(),
    forwardedFor: req.getHeader('x-forwarded-for') || undefined,
    userAgent: req.getHeader('user-agent') || undefined,
  };
  return (answer) => {
    if (!answer) {
      log.debug(facts, 'request aborted by its client');
      return;
    }
    const { status, headers, body } = answer;
    const why =
      status < 400
        ? { notice: headers?.[NOTICE] }
        : { cause: headers?.['X-Kulkul-Error'], reason: quote(withoutTokens(body), MAX_REASON_LENGTH) };
    log.debug({ ...facts, status, ...why }, 'request answered');
  };
}
