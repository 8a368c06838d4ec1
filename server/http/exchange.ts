import type { HttpResponse } from '../uws.ts';
import { type Answer, statusLine } from './answer.ts';
import type { Headers } from './cors.ts';
import type { Health } from './health.ts';

/** One request and its answer: ends once, and never after the client went away. */
export class Exchange {
  readonly res: HttpResponse;
  headers: Headers = [];
  isHead = false;
  stopReading: (() => void) | undefined;
  /**
   * Set for the API: while the node stops, each answer is its connection's last, so that the next request goes elsewhere
   * and is not cut off.
   */
  health: Pick<Health, 'isStopping'> | undefined;
  #isOver = false;

  constructor(res: HttpResponse) {
    this.res = res;
    res.onAborted(() => {
      this.#isOver = true;
      this.stopReading?.();
    });
  }

  /**
   * Answers while uWebSockets.js hands over the request or its body: it has corked the socket already.
   *
   * @param closeConnection - when a part of the request may still be on its way and shall not be read
   */
  end(answer: Answer, closeConnection = false): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (answer.status !== 200) this.res.writeStatus(statusLine(answer.status));
    for (const [name, value] of this.headers) this.res.writeHeader(name, value);
    for (const name in answer.headers) this.res.writeHeader(name, answer.headers[name] ?? '');
    this.res.writeHeader('Content-Type', answer.contentType);
    if (this.isHead) {
      // Given to `endWithoutBody`, the length is waited for, and the connection's next request is lost.
      this.res.writeHeader('Content-Length', String(Buffer.byteLength(answer.body)));
      this.res.endWithoutBody();
    } else {
      this.res.end(answer.body, closeConnection || this.health?.isStopping === true);
    }
  }

  /** Answers at any other time: after a promise or a timer. */
  endLater(answer: Answer, closeConnection = false): void {
    if (!this.#isOver) this.res.cork(() => this.end(answer, closeConnection));
  }

  preflight(headers: Headers): void {
    this.#isOver = true;
    this.res.cork(() => {
      this.res.writeStatus(statusLine(204));
      for (const [name, value] of headers) this.res.writeHeader(name, value);
      this.res.endWithoutBody();
    });
  }
}
