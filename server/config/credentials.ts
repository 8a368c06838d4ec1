import { randomBytes, randomInt } from 'node:crypto';

/** For an app that is created for the run. */
export interface Credentials {
  readonly id: string;
  readonly key: string;
  readonly secret: string;
}

export function randomCredentials(): Credentials {
  return { id: randomAppId(), key: randomKey(), secret: randomSecret() };
}

/** Digits, as ids at the hosted service are. */
export function randomAppId(): string {
  return String(randomInt(100_000, 1_000_000));
}

/** Public half of a pair. */
export function randomKey(): string {
  return randomBytes(10).toString('hex');
}

/** Secret half, of 128 bits. */
export function randomSecret(): string {
  return randomBytes(16).toString('hex');
}
