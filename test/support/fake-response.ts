import type { HttpResponse } from '../../server/uws.ts';

/** A response of uWebSockets.js that takes as much as the test says. */
export class FakeResponse {
  /** How many writes the system takes; what is written beyond stays with uWebSockets.js. */
  room = Number.POSITIVE_INFINITY;
  readonly written: string[] = [];
  aborted = (): void => {};
  writable = (): void => {};

  readonly response = {
    cork: (work: () => void) => work(),
    writeStatus: () => {},
    writeHeader: () => {},
    write: (text: string | Uint8Array) => {
      this.written.push(Buffer.from(text).toString());
      this.room -= 1;
      return this.room >= 0;
    },
    end: (text: string) => void this.written.push(`${text}END`),
    close: () => this.aborted(),
    onAborted: (run: () => void) => {
      this.aborted = run;
    },
    onWritable: (run: () => void) => {
      this.writable = run;
    },
  } as unknown as HttpResponse;
}
