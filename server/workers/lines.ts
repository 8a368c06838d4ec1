import { StringDecoder } from 'node:string_decoder';

/** Passes on whole lines of a stream, so that lines of several writers don't run into each other. */
export class Lines {
  readonly #write: (lines: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(write: (lines: string) => void) {
    this.#write = write;
  }

  take(chunk: Buffer): void {
    const text = this.#rest + this.#decoder.write(chunk);
    const end = text.lastIndexOf('\n') + 1;
    this.#rest = text.slice(end);
    if (end > 0) this.#write(text.slice(0, end));
  }

  /** There is nothing more: what is left is a line too. */
  end(): void {
    if (this.#rest !== '') this.#write(`${this.#rest}\n`);
    this.#rest = '';
  }
}
