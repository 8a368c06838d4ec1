import { createHash, timingSafeEqual } from 'node:crypto';

/** A token that whoever is trusted sends as `Authorization: Bearer …`. */
export class SharedToken {
  readonly #digest: Buffer | undefined;

  /** @param token - '' for none, which nobody has */
  constructor(token: string) {
    this.#digest = token === '' ? undefined : digest(token);
  }

  get isSet(): boolean {
    return this.#digest !== undefined;
  }

  /** Whether a header holds the token. */
  isIn(authorization: string | undefined): boolean {
    const given = bearerIn(authorization);
    return given !== undefined && this.is(given);
  }

  /** Whether a text is the token. */
  is(given: string): boolean {
    // Digests are of one length, and comparing them tells nothing of the token.
    return this.#digest !== undefined && timingSafeEqual(digest(given), this.#digest);
  }
}

/** The token in a header of this form. */
export function bearerIn(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
