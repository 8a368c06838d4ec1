import { randomBytes, randomInt } from 'node:crypto';
import type { AppOptions } from './app-options.ts';

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

/** A placeholder in place of a key or secret. */
export interface Placeholder {
  /** `['auth', 'jwt', 'keys', 0, 'secret']` */
  readonly path: readonly (string | number)[];
  /** `is "app-secret", a placeholder that …`, without a full stop. */
  readonly problem: string;
}

/** What a way out looks like. */
const ADVICE = 'Make one with: openssl rand -hex 32. Or listen on this machine only: host 127.0.0.1 (--host 127.0.0.1)';

/** Of Soketi, Reverb, Pusher, their documentation, and what is written where a secret is to be put; in lower case, with dashes. */
const KNOWN: ReadonlySet<string> = new Set([
  'app-secret',
  'my-app-secret',
  'your-app-secret',
  'your-pusher-app-secret',
  'your-reverb-app-secret',
  'pusher-app-secret',
  'reverb-app-secret',
  'your-secret',
  'your-secret-key',
  'changeme',
  'change-me',
  'changethis',
  'change-this',
  'replace-me',
  'replaceme',
]);

/** Of this repository's files. */
const OURS = /do-not-deploy$|^put-the-output-of-openssl-rand-/;

/** `${NAME}`, `$(NAME)`, `{{ name }}`, `<name>`. Shorter signs than these stand in secrets that were made at random. */
const UNEXPANDED = /\$\{\w[^}]*\}|^\$\(\w+\)$|^\{\{.*\w.*\}\}$|^<[\w -]{3,}>$/;

/** The keys and secrets of an app that anybody could guess, because they are placeholders. */
export function placeholdersOf(app: Partial<AppOptions>): readonly Placeholder[] {
  const { key, secret, keys = [], auth } = app;
  const pairs = [{ path: [], key, secret }, ...keys.map((pair, index) => ({ path: ['keys', index], ...pair }))];
  const secrets = [
    ...pairs.map((pair) => ({ path: [...pair.path, 'secret'], value: pair.secret })),
    ...(auth?.jwt?.keys ?? []).map((own, index) => ({
      path: ['auth', 'jwt', 'keys', index, 'secret'],
      value: own.secret,
    })),
  ];
  return [
    ...pairs.flatMap((pair) => found([...pair.path, 'key'], unexpanded(pair.key))),
    ...secrets.flatMap(({ path, value }) => found(path, secretPlaceholder(value))),
  ];
}

/** Why a secret is none, as the end of a sentence; undefined for one that was put in. */
export function secretPlaceholder(secret: string | undefined): string | undefined {
  if (secret === undefined) return undefined;
  const spelling = secret
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-');
  if (!KNOWN.has(spelling) && !OURS.test(spelling)) return unexpanded(secret);
  return `is the placeholder ${JSON.stringify(secret)}, which everybody knows. ${ADVICE}`;
}

function unexpanded(value: string | undefined): string | undefined {
  if (value === undefined || !UNEXPANDED.test(value)) return undefined;
  return `is ${JSON.stringify(value)} as it stands, as nothing put a value in its place. Set it where it is read from. ${ADVICE}`;
}

function found(path: Placeholder['path'], problem: string | undefined): Placeholder[] {
  return problem === undefined ? [] : [{ path, problem }];
}
