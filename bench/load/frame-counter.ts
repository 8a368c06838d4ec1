const TEXT_AND_FINAL = 0x81;

/** Counts the text frames of a stream without looking at what is in them. Control frames don't count. */
export class FrameCounter {
  readonly #header = new Uint8Array(10);
  #headerBytes = 0;
  #payloadLeft = 0;
  #isText = false;

  /**
   * @param bytes - what came next, up to `length`
   * @returns text frames that ended in it
   */
  count(bytes: Uint8Array, length: number): number {
    let ended = 0;
    let at = 0;
    while (at < length) {
      if (this.#payloadLeft > 0) {
        const step = Math.min(this.#payloadLeft, length - at);
        at += step;
        this.#payloadLeft -= step;
        if (this.#payloadLeft === 0 && this.#isText) ended += 1;
        continue;
      }
      this.#header[this.#headerBytes] = bytes[at] ?? 0;
      this.#headerBytes += 1;
      at += 1;
      if (this.#startsPayload() && this.#payloadLeft === 0 && this.#isText) ended += 1;
    }
    return ended;
  }

  /** Whether the header is whole now; then it is taken apart. Servers don't mask. */
  #startsPayload(): boolean {
    const [first = 0, second = 0, third = 0, fourth = 0] = this.#header;
    const short = second & 0x7f;
    const size = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (this.#headerBytes < 2 || this.#headerBytes < size) return false;
    this.#headerBytes = 0;
    this.#isText = first === TEXT_AND_FINAL;
    if (size === 2) this.#payloadLeft = short;
    else if (size === 4) this.#payloadLeft = third * 256 + fourth;
    else this.#payloadLeft = new DataView(this.#header.buffer).getUint32(6);
    return true;
  }
}
