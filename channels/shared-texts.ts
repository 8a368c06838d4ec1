/** More different ones come from somebody who makes them up. */
const MAX_TEXTS = 1000;
/** Longer ones are cut off. */
const MAX_LENGTH = 300;

/** Keeps each of many equal texts once: whoever sends a text with each connection would have it kept as often. */
export class SharedTexts {
  readonly #texts = new Map<string, string>();

  sharedText(text: string): string {
    if (text === '') return '';
    const short = text.slice(0, MAX_LENGTH);
    const known = this.#texts.get(short);
    if (known !== undefined) return known;
    if (this.#texts.size >= MAX_TEXTS) this.#texts.clear();
    this.#texts.set(short, short);
    return short;
  }
}
