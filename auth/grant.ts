import { Refusal } from '../protocol/errors.ts';
import type { Claims } from './channel-pattern.ts';

/** What a verified token says about the one who holds it. */
export interface Grant {
  /** A usable user id; undefined when the token names nobody. */
  readonly userId: string | undefined;
  readonly roles: readonly string[];
  /** Facts about the user for others to see, as JSON text of an object. */
  readonly userInfoJson: string | undefined;
  /** Users whose coming and going the user wants to hear of. */
  readonly watchlist: readonly string[];
  /** Everything that the token says, or of a grant that is kept only what channel rules asked for. */
  readonly claims: Claims;
  /** The earliest moment at which it can have been issued, in seconds since 1970; undefined when the token does not say. */
  readonly issuedAtSeconds: number | undefined;
  /** Seconds since 1970 at which what the token opened ends; undefined: never. */
  readonly expiresAtSeconds: number | undefined;
}

/** Whether what a grant opened has come to its end. */
export function hasEnded(
  grant: Grant | undefined,
  nowMs: number,
): grant is Grant & { readonly expiresAtSeconds: number } {
  return grant?.expiresAtSeconds !== undefined && grant.expiresAtSeconds * 1000 <= nowMs;
}

/** Why a token is not taken. The message is for people, and holds nothing of the token that could be used. */
export class TokenError extends Refusal {
  override readonly name = 'TokenError';
  /** Stable name of the fault, for logs, tests and docs/errors.md. */
  readonly id: string;
  /** 401, or 503 when it can't be told now. */
  readonly status: 401 | 503;

  constructor(id: string, message: string, status: 401 | 503 = 401, options?: ErrorOptions) {
    super(message, options);
    this.id = id;
    this.status = status;
  }
}
