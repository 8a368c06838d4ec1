import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { SignedIn } from '../admin/access.ts';
import type { Operator } from '../admin/operator.ts';

export const SESSION_COOKIE = 'kulkul_console';
/** A working day. */
const SESSION_MS = 8 * 3_600_000;
/** Of one token: the oldest ends for another. */
const MAX_PER_OPERATOR = 50;

export interface ConsoleSession {
  readonly id: string;
  readonly operator: Operator;
  /** By the clock of the machine. */
  readonly expiresMs: number;
}

/** Who is signed in to the console, kept in memory: a restart ends all sessions. */
export class Sessions implements SignedIn {
  readonly #now: () => number;
  /** By id, oldest first. */
  readonly #sessions = new Map<string, ConsoleSession>();

  /** @param now - milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
  }

  open(operator: Operator): ConsoleSession {
    this.#forgetExpired();
    const own = [...this.#sessions.values()].filter((session) => session.operator === operator);
    const oldest = own[0];
    if (oldest && own.length >= MAX_PER_OPERATOR) this.#sessions.delete(oldest.id);
    const session = { id: randomBytes(32).toString('base64url'), operator, expiresMs: this.#now() + SESSION_MS };
    this.#sessions.set(session.id, session);
    return session;
  }

  /** The session that the cookie of a request names. */
  in({ cookie }: IncomingHttpHeaders): ConsoleSession | undefined {
    const session = this.#sessions.get(idIn(cookie ?? '') ?? '');
    return session && session.expiresMs > this.#now() ? session : undefined;
  }

  operatorIn(headers: IncomingHttpHeaders): Operator | undefined {
    return this.in(headers)?.operator;
  }

  /** Whether it has neither been ended nor expired. */
  isOpen({ id, expiresMs }: ConsoleSession): boolean {
    return this.#sessions.has(id) && expiresMs > this.#now();
  }

  end({ id }: ConsoleSession): void {
    this.#sessions.delete(id);
  }

  #forgetExpired(): void {
    for (const [id, { expiresMs }] of this.#sessions) if (expiresMs <= this.#now()) this.#sessions.delete(id);
  }
}

/**
 * The `Set-Cookie` header of a session.
 *
 * @param isTls - the browser speaks TLS, to a proxy
 */
export function sessionCookie(id: string, isTls: boolean, maxAgeSeconds = SESSION_MS / 1000): string {
  return `${SESSION_COOKIE}=${id}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${isTls ? '; Secure' : ''}`;
}

function idIn(cookie: string): string | undefined {
  for (const pair of cookie.split(';')) {
    const [name, value] = pair.trim().split('=');
    if (name === SESSION_COOKIE) return value;
  }
  return undefined;
}

/** Wrong tokens in a row that an address may send. */
const MAX_ATTEMPTS = 10;
/** For one more. */
const RECOVERY_MS = 6000;
/** Addresses that are remembered: the one that failed first is forgotten for another. */
const MAX_ADDRESSES = 1000;

/** Bounds how often an address may guess a token. Tokens that are right are not counted. */
export class SignInAttempts {
  readonly #nowMs: () => number;
  /** By address: when all its attempts are available again. */
  readonly #recoveredMs = new Map<string, number>();

  /** @param nowMs - a clock that is never set back */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Seconds until the address may try again; 0: now. */
  waitSeconds(address: string): number {
    const aheadMs = (this.#recoveredMs.get(address) ?? 0) - this.#nowMs();
    return Math.max(0, Math.ceil((aheadMs - (MAX_ATTEMPTS - 1) * RECOVERY_MS) / 1000));
  }

  failed(address: string): void {
    const recoveredMs = Math.max(this.#recoveredMs.get(address) ?? 0, this.#nowMs()) + RECOVERY_MS;
    this.#recoveredMs.delete(address);
    this.#recoveredMs.set(address, recoveredMs);
    if (this.#recoveredMs.size <= MAX_ADDRESSES) return;
    for (const oldest of this.#recoveredMs.keys()) {
      this.#recoveredMs.delete(oldest);
      break;
    }
  }
}
