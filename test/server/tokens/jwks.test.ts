import { createSign, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Grant } from '../../../auth/grant.ts';
import type { TokenPolicy } from '../../../auth/token-claims.ts';
import { createApp } from '../../../server/config/app-from-config.ts';
import { appOptionsSchema } from '../../../server/config/app-options.ts';
import { loadConfig } from '../../../server/config/index.ts';
import {
  COOLDOWN_MS,
  FIRST_RETRY_MS,
  LONGEST_RETRY_MS,
  MAX_AGE_MS,
  MAX_KEYS_BYTES,
} from '../../../server/tokens/jwks.ts';
import { KeyedTokenVerifier } from '../../../server/tokens/token-verifier.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { answers, Issuer, jwk, publishes, type Reply, writesWithoutEnd } from '../../support/issuer.ts';
import {
  ecPair,
  type KeyPair,
  NOW_SECONDS,
  rsaKey,
  rsaPair,
  secretKey,
  sign,
  tokenPolicy,
} from '../../support/tokens.ts';

const [A, B, C] = [rsaPair(), rsaPair(), ecPair()];
/** As nobody should use any more. */
const SHORT = generateKeyPairSync('rsa', { modulusLength: 1024 });
const SETTINGS = loadConfig({ flags: {}, env: {}, cwd: '/nowhere' }).settings;

let issuer: Issuer;
let clock: FakeClock;
let verifier: KeyedTokenVerifier;
let warnings: unknown[];

beforeEach(async () => {
  issuer = new Issuer();
  issuer.reply = publishes(jwk('a', A));
  await issuer.start();
  clock = new FakeClock(NOW_SECONDS * 1000);
  verifier = createVerifier();
});
afterEach(() => issuer.stop());

function createVerifier(timeoutMs?: number): KeyedTokenVerifier {
  const own: unknown[] = [];
  warnings = own;
  const log = { warn: (fields: unknown) => own.push(fields), info: () => {} };
  return new KeyedTokenVerifier({ clock, log, ...(timeoutMs !== undefined && { timeoutMs }) });
}

/** Good for a day, so that time can pass. */
function token(kid: string | undefined, { privateKey: key }: KeyPair, alg = 'RS256'): string {
  const header = kid === undefined ? {} : { kid };
  return sign({ sub: '42', exp: NOW_SECONDS + 86_400 }, { key, alg, header });
}

async function verify(auth: string, policy: Partial<TokenPolicy> = {}): Promise<Grant> {
  const app = createApp(appOptionsSchema.parse({ id: '1', key: 'k', secret: 's' }), SETTINGS);
  return verifier.verify({ ...app, tokens: tokenPolicy({ keys: [], jwksUrl: issuer.url, ...policy }) }, auth);
}

/** `42` or the id of the error. */
async function outcome(auth: string, policy?: Partial<TokenPolicy>): Promise<unknown> {
  return verify(auth, policy).then(
    ({ userId }) => userId,
    ({ id, status }: { id: string; status: number }) => `${id} ${status}`,
  );
}

const UNKNOWN = 'token-unknown-key 401';
const UNAVAILABLE = 'token-keys-unavailable 503';

describe('published keys', () => {
  test('are fetched once, for all tokens and apps, also while the answer is not there', async () => {
    let answer = (): unknown => undefined;
    issuer.reply = (...exchange) => {
      answer = () => publishes(jwk('a', A))(...exchange);
    };
    const first = Array.from({ length: 50 }, () => outcome(token('a', A)));
    await once(issuer.server, 'request');
    answer();
    expect(new Set(await Promise.all(first))).toEqual(new Set(['42']));
    for (let count = 0; count < 20; count += 1) expect(await outcome(token('a', A))).toBe('42');
    expect(issuer.asked.length).toBe(1);
  });

  test('are fetched with the name and password of the URL, which no log has', async () => {
    // fetch refuses such a URL, and quotes it in its error: nothing worked, and the password was in the log.
    const authorizations: unknown[] = [];
    const reply = publishes(jwk('a', A));
    issuer.reply = (request, response) => {
      authorizations.push(request.headers.authorization);
      return authorizations.length === 1 ? answers('', 500)(request, response) : reply(request, response);
    };
    const jwksUrl = issuer.url.replace('//', '//ann:hush%3A%25@');
    await expect(verify(token('a', A), { jwksUrl })).rejects.toMatchObject({ id: 'token-keys-unavailable' });
    clock.advance(FIRST_RETRY_MS);
    await expect(verify(token('a', A), { jwksUrl })).resolves.toMatchObject({ userId: '42' });
    const expected = `Basic ${Buffer.from('ann:hush:%').toString('base64')}`;
    expect(authorizations).toEqual([expected, expected]);
    expect(JSON.stringify(warnings)).toContain('500');
    expect(JSON.stringify(warnings)).not.toMatch(/hush|ann/);
  });

  test('are fetched again when they are old', async () => {
    await verify(token('a', A));
    clock.advance(MAX_AGE_MS - 1);
    await verify(token('a', A));
    expect(issuer.asked.length).toBe(1);
    clock.advance(1);
    await verify(token('a', A));
    expect(issuer.asked.length).toBe(2);
  });

  test('are let go of once the issuer does not publish them any more', async () => {
    await verify(token('a', A));
    issuer.reply = publishes(jwk('b', B));
    expect(await outcome(token('a', A))).toBe('42');
    clock.advance(MAX_AGE_MS);
    expect(await outcome(token('a', A))).toBe(UNKNOWN);
  });

  test('are asked for when a new one is needed, after a rotation', async () => {
    await verify(token('a', A));
    issuer.reply = publishes(jwk('a', A), jwk('b', B));
    clock.advance(COOLDOWN_MS);
    expect(await outcome(token('b', B))).toBe('42');
    expect(await outcome(token('a', A))).toBe('42');
    expect(issuer.asked.length).toBe(2);
  });

  test('are not asked for by a flood of unknown names more than once per cooldown', async () => {
    const flood = async (): Promise<unknown> =>
      new Set(await Promise.all(Array.from({ length: 200 }, (_, index) => outcome(token(`no-${index}`, B)))));
    expect(await flood()).toEqual(new Set([UNKNOWN]));
    expect(issuer.asked.length).toBe(1);
    clock.advance(COOLDOWN_MS - 1);
    expect(await flood()).toEqual(new Set([UNKNOWN]));
    expect(issuer.asked.length).toBe(1);
    clock.advance(1);
    expect(await flood()).toEqual(new Set([UNKNOWN]));
    expect(issuer.asked.length).toBe(2);
  });

  test('are not fetched for what is refused anyway', async () => {
    const refused = [
      'x.y.z',
      sign({}, { header: { kid: 'a' } }),
      `${token('a', A)}.x`,
      token('a', A, 'RS512'),
      'x'.repeat(20_000),
    ];
    for (const auth of refused) await outcome(auth, { jwksAlgorithms: ['RS256'] });
    expect(issuer.asked.length).toBe(0);
  });

  test('are of no interest where a key of the app fits', async () => {
    const keys = [secretKey(), rsaKey(B, { kid: 'b' })];
    expect(await outcome(token('b', B), { keys })).toBe('42');
    expect(await outcome(sign({ sub: '42' }), { keys })).toBe('42');
    expect(await outcome(sign({ sub: '42' }, { key: secretKey({ secret: 'other' }).key }), { keys })).toBe(
      'token-signature 401',
    );
    expect(await outcome(sign({ sub: '42', exp: 1 }, { key: B.privateKey, alg: 'RS256' }), { keys })).toBe(
      'token-expired 401',
    );
    expect(issuer.asked.length).toBe(0);
  });

  test('fit where the keys of the app do not', async () => {
    expect(await outcome(token('a', A), { keys: [rsaKey(B)] })).toBe('42');
    expect(await outcome(token('a', A), { keys: [rsaKey(B, { kid: 'b' })] })).toBe('42');
  });

  test('are tried one after the other when the token names none', async () => {
    issuer.reply = publishes(jwk('a', A), jwk(undefined, B), jwk('c', C), { kty: 'RSA', n: '!', e: 'AQAB' });
    expect(await outcome(token(undefined, A))).toBe('42');
    expect(await outcome(token(undefined, B))).toBe('42');
    expect(await outcome(token(undefined, C, 'ES256'))).toBe('42');
    expect(await outcome(token(undefined, rsaPair()))).toBe('token-signature 401');
  });

  test('check the signature, and the rest of the token', async () => {
    expect(await outcome(token('a', B))).toBe('token-signature 401');
    expect(await outcome(token('a', A), { issuers: ['https://id.example'] })).toBe('token-issuer 401');
    clock.advance(86_400_000);
    expect(await outcome(token('a', A))).toBe('token-expired 401');
  });

  test('are kept apart by URL', async () => {
    await verify(token('a', A));
    await verify(token('a', A), { jwksUrl: `${issuer.url}?tenant=2` });
    await verify(token('a', A));
    expect(issuer.asked).toEqual(['/jwks.json', '/jwks.json?tenant=2']);
  });

  test.for([
    ['meant for encryption', jwk('a', A, { use: 'enc' })],
    ['for another algorithm', jwk('a', A, { alg: 'RS512' })],
    ['for another operation', jwk('a', A, { key_ops: ['encrypt'] })],
    ['a secret', { kty: 'oct', kid: 'a', k: Buffer.from('secret').toString('base64url') }],
    ['private', { ...A.privateKey.export({ format: 'jwk' }), kid: 'a' }],
    ['not a key', { kty: 'RSA', kid: 'a', n: '!', e: 'AQAB' }],
  ] as const)('are not used that are %s', async ([, key]) => {
    issuer.reply = publishes(key);
    expect(await outcome(token('a', A))).toBe(UNKNOWN);
  });

  test('are not used that are too short', async () => {
    issuer.reply = publishes(jwk('a', SHORT), jwk('b', B));
    const [header, payload] = token('a', A).split('.');
    const signed = `${header}.${payload}`;
    // By hand, as jsonwebtoken would not.
    const signature = createSign('sha256').update(signed).sign(SHORT.privateKey, 'base64url');
    expect(await outcome(`${signed}.${signature}`)).toBe(UNKNOWN);
  });

  test('never serve as secrets', async () => {
    const pem = A.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    await verify(token('a', A));
    const forged = sign({ sub: '42' }, { key: secretKey({ secret: pem }).key, header: { kid: 'a' } });
    expect(await outcome(forged)).toBe('token-algorithm 401');
    expect(await outcome(forged, { keys: [secretKey()] })).toBe('token-signature 401');
    expect(await outcome(forged, { keys: [secretKey({ kid: 'b' })] })).toBe(UNKNOWN);
  });
});

describe('an issuer that is away', () => {
  test('is asked less and less often, once at a time', async () => {
    issuer.reply = answers('busy', 500);
    const asked: number[] = [];
    for (let second = 0; second < 300; second += 1) {
      const before = issuer.asked.length;
      expect(await outcome(token('a', A))).toBe(UNAVAILABLE);
      if (issuer.asked.length > before) asked.push(second);
      expect(issuer.asked.length - before).toBeLessThanOrEqual(1);
      clock.advance(1000);
    }
    expect(asked).toEqual([0, 2, 6, 14, 30, 62, 122, 182, 242]);
    expect([FIRST_RETRY_MS, LONGEST_RETRY_MS]).toEqual([2000, 60_000]);
    expect(warnings.length).toBe(asked.length);
    issuer.reply = publishes(jwk('a', A));
    clock.advance(LONGEST_RETRY_MS);
    expect(await outcome(token('a', A))).toBe('42');
  });

  test('has failed once for all who wait for it', async () => {
    issuer.reply = answers('busy', 500);
    const waiting = Array.from({ length: 20 }, () => outcome(token('a', A)));
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([UNAVAILABLE]));
    expect(issuer.asked.length).toBe(1);
    issuer.reply = publishes(jwk('a', A));
    clock.advance(FIRST_RETRY_MS);
    expect(await outcome(token('a', A))).toBe('42');
  });

  test('leaves the keys that are known, however old, and only those', async () => {
    await verify(token('a', A));
    await issuer.stop();
    clock.advance(COOLDOWN_MS);
    expect(await outcome(token('b', B))).toBe(UNAVAILABLE);
    for (let hour = 0; hour < 20; hour += 1) {
      clock.advance(3_600_000);
      expect(await outcome(token('a', A))).toBe('42');
      expect(await outcome(token('b', B))).toBe(UNAVAILABLE);
    }
    issuer.reply = publishes(jwk('b', B));
    await issuer.start();
    clock.advance(LONGEST_RETRY_MS);
    expect(await outcome(token('b', B))).toBe('42');
    expect(await outcome(token('a', A))).toBe(UNKNOWN);
  });

  test('keeps nobody waiting who has a key that is known', async () => {
    await verify(token('a', A));
    issuer.reply = answers('', 503);
    clock.advance(MAX_AGE_MS);
    await verify(token('a', A));
    clock.advance(FIRST_RETRY_MS);
    const asked = once(issuer.server, 'request');
    issuer.reply = () => {};
    expect(await outcome(token('a', A))).toBe('42');
    await asked;
  });

  test('is told apart from a token that is wrong, and named in the log only', async () => {
    await issuer.stop();
    const error = await verify(token('a', A)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ id: 'token-keys-unavailable', status: 503, cause: expect.any(Error) });
    expect((error as Error).message).not.toContain('127.0.0.1');
    expect(warnings).toEqual([
      { url: issuer.url, reason: expect.stringContaining('ECONNREFUSED'), retryMs: FIRST_RETRY_MS },
    ]);
  });

  test.for<readonly [string, Reply, RegExp]>([
    ['with a page', answers('<html>'), /JSON/],
    ['with nothing', answers(''), /JSON/],
    ['without keys', answers('{}'), /malformed/],
    ['with keys that are no list', answers('{"keys":{}}'), /malformed/],
    ['with keys that are no objects', answers('{"keys":[1,null]}'), /malformed/],
    ['with null', answers('null'), /malformed/],
    ['with 404', answers('{"keys":[]}', 404), /was 404/],
    ['with 204', (_, response) => response.writeHead(204).end(), /was 204/],
    ['with too much', answers(JSON.stringify({ keys: [], x: 'x'.repeat(MAX_KEYS_BYTES) })), /exceeds 262144 bytes/],
    ['without an end', writesWithoutEnd(), /exceeds 262144 bytes/],
    ['with something else than HTTP', ({ socket }) => socket.end('hello\r\n\r\n'), /fetch failed/],
    ['by hanging up', ({ socket }) => socket.destroy(), /fetch failed/],
  ])('is one that answers %s', async ([, bad, reason]) => {
    issuer.reply = bad;
    expect(await outcome(token('a', A))).toBe(UNAVAILABLE);
    expect(warnings).toEqual([{ url: issuer.url, reason: expect.stringMatching(reason), retryMs: FIRST_RETRY_MS }]);
    issuer.reply = publishes(jwk('a', A));
    clock.advance(FIRST_RETRY_MS);
    expect(await outcome(token('a', A))).toBe('42');
  });

  test('is one that sends elsewhere: keys come from where the app says', async () => {
    issuer.reply = (request, response) =>
      request.url === '/jwks.json'
        ? answers('', 302, { location: '/elsewhere' })(request, response)
        : publishes(jwk('a', A))(request, response);
    expect(await outcome(token('a', A))).toBe(UNAVAILABLE);
    expect(issuer.asked).toEqual(['/jwks.json']);
    expect(warnings).toEqual([
      expect.objectContaining({ reason: expect.stringContaining('/elsewhere, which is not followed') }),
    ]);
  });

  test.for<readonly [string, Reply]>([
    ['its answer', () => {}],
    ['the rest of its answer', (_, response) => response.writeHead(200).write('{"keys":[')],
  ])('is one that does not come out with %s', async ([, silent]) => {
    verifier = createVerifier(50);
    issuer.reply = silent;
    expect(await outcome(token('a', A))).toBe(UNAVAILABLE);
    expect(warnings.length).toBe(1);
  });
});

describe('an app', () => {
  test('without settings for tokens says which there are', () => {
    const app = createApp(appOptionsSchema.parse({ id: '1', key: 'k', secret: 's' }), SETTINGS);
    expect(() => verifier.verify(app, token('a', A))).toThrow(
      expect.objectContaining({
        id: 'tokens-not-configured',
        status: 401,
        message: expect.stringContaining('auth.jwt'),
      }),
    );
  });

  test('is answered at once when its own key fits', () => {
    const app = createApp(appOptionsSchema.parse({ id: '1', key: 'k', secret: 's' }), SETTINGS);
    const answer = verifier.verify(
      { ...app, tokens: tokenPolicy({ jwksUrl: issuer.url }) },
      `Bearer ${sign({ sub: '42' })}`,
    );
    expect(answer).toMatchObject({ userId: '42' });
  });
});
