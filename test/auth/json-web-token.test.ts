import { createHmac, createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Grant, TokenError } from '../../auth/grant.ts';
import {
  isToken,
  MAX_TOKEN_BYTES,
  readToken,
  tokenKeysFor,
  verifyToken,
  withoutBearer,
} from '../../auth/json-web-token.ts';
import { TOKEN_ALGORITHMS, type TokenPolicy } from '../../auth/token-claims.ts';
import {
  assemble,
  ecPair,
  encodePart,
  NOW_SECONDS,
  rsaKey,
  rsaPair,
  SECRET,
  secretKey,
  sign,
  signBytes,
  tokenPolicy,
} from '../support/tokens.ts';

const RSA = rsaPair();
const FOREIGN_RSA = rsaPair();
const PEM = RSA.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const CLAIMS = { sub: '42', exp: NOW_SECONDS + 60 };
const PAYLOAD = Buffer.from(JSON.stringify(CLAIMS));

function verify(token: string, policy: TokenPolicy = tokenPolicy()): Grant {
  const read = readToken(policy, token);
  return verifyToken(policy, read, tokenKeysFor(policy.keys, read.header), NOW_SECONDS);
}

/** Why it is refused, as the error's id. */
function refusal(token: string, policy?: TokenPolicy): TokenError {
  try {
    verify(token, policy);
  } catch (error) {
    if (error instanceof TokenError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('a token', () => {
  test.for([
    ['HS256', secretKey(), createSecretKey(Buffer.from(SECRET))],
    ['HS384', secretKey(), createSecretKey(Buffer.from(SECRET))],
    ['HS512', secretKey(), createSecretKey(Buffer.from(SECRET))],
    ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const).map(
      (alg) => [alg, rsaKey(RSA), RSA.privateKey] as const,
    ),
    ...(
      [
        ['ES256', ecPair('P-256')],
        ['ES384', ecPair('P-384')],
        ['ES512', ecPair('P-521')],
      ] as const
    ).map(([alg, pair]) => [alg, { ...rsaKey(pair), algorithms: [alg] }, pair.privateKey] as const),
  ] as const)('signed with %s is taken', ([alg, key, signer]) => {
    const policy = tokenPolicy({ keys: [key] });
    expect(verify(sign({ sub: '42' }, { key: signer, alg }), policy).userId).toBe('42');
    const [header, payload, signature = ''] = sign({ sub: '42' }, { key: signer, alg }).split('.');
    const other = encodePart({ ...CLAIMS, sub: '43' });
    expect(refusal(`${header}.${other}.${signature}`, policy).id).toBe('token-signature');
    expect(refusal(`${header}.${payload}.${signature.slice(0, 10)}`, policy).id).toBe('token-signature');
  });

  test('is judged by the time that is given, not by the clock of the machine', () => {
    const policy = tokenPolicy();
    for (const nowSeconds of [1000, 100_000_000_000]) {
      const read = readToken(policy, sign({ nbf: nowSeconds - 1, exp: nowSeconds + 1 }));
      expect(verifyToken(policy, read, policy.keys, nowSeconds).expiresAtSeconds).toBe(nowSeconds + 1);
    }
  });

  test('may follow the word Bearer', () => {
    const token = sign({ sub: '42' });
    for (const auth of [`Bearer ${token}`, `bearer ${token}`, `Bearer   ${token}`]) {
      expect(withoutBearer(auth)).toBe(token);
      expect(verify(auth).userId).toBe('42');
    }
  });

  test('is told from the signature of an application', () => {
    const token = sign();
    for (const auth of [token, `Bearer ${token}`, 'a.b.', 'a.b.c', 'eyJhbGciOi', 'eyJ.a', 'Bearer x']) {
      expect([auth, isToken(auth)]).toEqual([auth, true]);
    }
    const signature = 'a'.repeat(64);
    for (const auth of [
      '',
      'none',
      `key:${signature}`,
      `a.b.c:${signature}`,
      `eyJ:${signature}`,
      'a.b',
      'a.b.c.d',
      'Bearer a:b',
    ]) {
      expect([auth, isToken(auth)]).toEqual([auth, false]);
    }
  });
});

describe('the key of a token', () => {
  const [old, next] = [
    secretKey({ secret: 'the old one', kid: 'old' }),
    secretKey({ secret: 'the next one', kid: 'next' }),
  ];
  const policy = tokenPolicy({ keys: [old, next] });

  test('is the one that its kid names', () => {
    expect(verify(sign(CLAIMS, { key: next.key, header: { kid: 'next' } }), policy).userId).toBe('42');
    expect(refusal(sign(CLAIMS, { key: next.key, header: { kid: 'old' } }), policy).id).toBe('token-signature');
    expect(refusal(sign(CLAIMS, { key: next.key, header: { kid: 'newest' } }), policy)).toMatchObject({
      id: 'token-unknown-key',
      status: 401,
      message: expect.stringContaining('HS256, kid newest'),
    });
  });

  test('is any that fits when the token names none, or the key has no name', () => {
    expect(verify(sign(CLAIMS, { key: next.key }), policy).userId).toBe('42');
    const nameless = tokenPolicy({ keys: [old, secretKey()] });
    expect(verify(sign(CLAIMS, { header: { kid: 'whatever' } }), nameless).userId).toBe('42');
    expect(refusal(sign(CLAIMS, { key: next.key, header: { kid: 'whatever' } }), nameless).id).toBe('token-signature');
  });

  test.for(['../../dev/null', "' OR 1=1 --", '/etc/passwd', '__proto__', 'constructor', '', 'k'.repeat(5000)])(
    'is not found with the kid %s, which is only ever compared',
    (kid) => {
      expect(refusal(sign(CLAIMS, { key: next.key, header: { kid } }), policy).id).toBe('token-unknown-key');
      expect(refusal(sign(CLAIMS, { key: next.key, header: { kid } }), policy).message.length).toBeLessThan(300);
    },
  );

  test.for<unknown>([1, null, true, {}, ['next'], { toString: 'next' }])('has no name that is %j', (kid) => {
    expect(refusal(signBytes({ alg: 'HS256', kid }, PAYLOAD, 'the next one'), policy).id).toBe('token-malformed');
  });

  test('is never one that the token brings along', () => {
    const jwk = FOREIGN_RSA.publicKey.export({ format: 'jwk' });
    const header = { jwk, jku: 'https://evil.example/jwks.json', x5u: 'https://evil.example/x', x5c: ['MIIB'] };
    const forged = sign(CLAIMS, { key: FOREIGN_RSA.privateKey, alg: 'RS256', header });
    expect(refusal(forged, tokenPolicy({ keys: [rsaKey(RSA)] })).id).toBe('token-signature');
    expect(refusal(forged, tokenPolicy({ keys: [rsaKey(RSA, { kid: 'a' })] })).id).toBe('token-signature');
  });
});

describe('an algorithm', () => {
  const MIXED = tokenPolicy({ keys: [secretKey(), rsaKey(RSA)] });

  test.for(['none', 'None', 'NONE', 'nOnE', 'none ', ''])(
    'is refused that is %j, with or without a signature',
    (alg) => {
      const unsigned = assemble({ alg, typ: 'JWT' }, CLAIMS);
      const [, payload, signature] = sign(CLAIMS).split('.');
      for (const token of [
        unsigned,
        `${encodePart({ alg })}.${payload}.${signature}`,
        assemble({ alg }, CLAIMS, 'AAAA'),
      ]) {
        const { id, message } = refusal(token, MIXED);
        expect(id).toBe('token-algorithm');
        expect(message).toContain(`alg ${alg} are not accepted: the app allows HS256, HS384, HS512, RS256`);
      }
    },
  );

  test.for([
    'hs256',
    'HS1',
    'RS1',
    'HS256 ',
    'EdDSA',
    'ES256K',
    'constructor',
    '__proto__',
    256,
    null,
    ['HS256'],
    { a: 1 },
  ])('is refused that is %j', (alg) => {
    expect(refusal(signBytes({ alg }, PAYLOAD), MIXED).id).toBe('token-algorithm');
  });

  test('is refused that the header leaves out', () => {
    const error = refusal(signBytes({ typ: 'JWT' }, PAYLOAD));
    expect(error).toMatchObject({ id: 'token-algorithm', message: expect.stringContaining('without an alg') });
  });

  test('is refused that the app does not allow, by its name', () => {
    const policy = tokenPolicy({ keys: [secretKey({ algorithms: ['HS512'] })] });
    expect(refusal(sign(CLAIMS), policy).message).toContain('alg HS256 are not accepted: the app allows HS512');
    expect(verify(sign(CLAIMS, { alg: 'HS512' }), policy).userId).toBe('42');
  });

  test('is refused for a key that is meant for another, though the app allows it for some', () => {
    const keys = [
      secretKey({ secret: 'the old one', algorithms: ['HS512'] }),
      secretKey({ algorithms: ['HS256'] }),
      rsaKey(RSA, { algorithms: ['RS256'] }),
      rsaKey(FOREIGN_RSA, { algorithms: ['PS256'] }),
    ];
    const policy = tokenPolicy({ keys });
    const old = createSecretKey(Buffer.from('the old one'));
    expect(verify(sign(CLAIMS, { key: old, alg: 'HS512' }), policy).userId).toBe('42');
    expect(refusal(sign(CLAIMS, { key: old, alg: 'HS256' }), policy).id).toBe('token-signature');
    expect(verify(sign(CLAIMS, { key: RSA.privateKey, alg: 'RS256' }), policy).userId).toBe('42');
    expect(refusal(sign(CLAIMS, { key: RSA.privateKey, alg: 'PS256' }), policy).id).toBe('token-signature');
  });

  test('of secrets never goes with a public key, whatever the key is said to be for', () => {
    const policy = tokenPolicy({ keys: [rsaKey(RSA, { kid: 'a', algorithms: TOKEN_ALGORITHMS })] });
    const der = RSA.publicKey.export({ type: 'spki', format: 'der' });
    for (const secret of [PEM, PEM.trim(), der, Buffer.from('')]) {
      const forged = signBytes({ alg: 'HS256', kid: 'a' }, PAYLOAD, secret);
      expect(refusal(forged, policy).id).toBe('token-unknown-key');
      expect(refusal(forged, tokenPolicy({ keys: [rsaKey(RSA)] })).id).toBe('token-algorithm');
      expect(refusal(forged, MIXED).id).toBe('token-signature');
    }
    const read = readToken(policy, signBytes({ alg: 'HS256' }, PAYLOAD, PEM));
    expect(() => verifyToken(policy, read, policy.keys, NOW_SECONDS)).toThrow('signature');
  });

  test('of public keys never goes with a secret', () => {
    const policy = tokenPolicy({ keys: [secretKey({ algorithms: TOKEN_ALGORITHMS })] });
    expect(refusal(sign(CLAIMS, { key: RSA.privateKey, alg: 'RS256' }), policy).id).toBe('token-unknown-key');
  });

  test('of published keys is allowed only where a URL is', () => {
    const token = sign(CLAIMS, { key: RSA.privateKey, alg: 'RS256' });
    expect(refusal(token).id).toBe('token-algorithm');
    const published = tokenPolicy({ jwksUrl: 'https://id.example/jwks', jwksAlgorithms: ['RS256', 'HS384'] });
    expect(refusal(token, published).id).toBe('token-unknown-key');
    expect(refusal(sign(CLAIMS), { ...published, keys: [], jwksAlgorithms: ['HS256'] }).id).toBe('token-algorithm');
    expect(refusal(sign(CLAIMS, { key: RSA.privateKey, alg: 'PS256' }), published).message).toContain(
      'allows HS256, HS384, HS512, RS256 (',
    );
  });
});

describe('what can not be read', () => {
  const token = sign(CLAIMS);
  const [header = '', payload = '', signature = ''] = token.split('.');

  test.for([
    ['nothing', ''],
    ['a word', 'token'],
    ['two parts', `${header}.${payload}`],
    ['a dot too many', `${token}.`],
    ['five parts, as encrypted tokens have', `${token}.a.b`],
    ['two dots in a row', `${header}..${payload}.${signature}`],
    ['an empty header', `.${payload}.${signature}`],
    ['an empty payload', `${header}..${signature}`],
    ['a space', `${header}.${payload} .${signature}`],
    ['a line break at its end', `${token}\n`],
    ['padding', `${header}=.${payload}.${signature}`],
    ['Base64 of the other alphabet', `${header}.${payload}+/.${signature}`],
    ['a null character', `${header}.${payload}\0.${signature}`],
    ['a header that was cut off', `${header.slice(0, 9)}.${payload}.${signature}`],
    ['a payload that was cut off', `${header}.${payload.slice(0, -3)}.${signature}`],
    ['a header that is a list', assemble(['HS256'], CLAIMS, 'AAAA')],
    ['a header that is null', assemble(null, CLAIMS, 'AAAA')],
    ['Bearer twice', `Bearer Bearer ${token}`],
  ] as const)('is %s', ([, text]) => {
    expect(refusal(text).id).toBe('token-malformed');
  });

  test.for(['[1,2]', '"text"', '42', 'null', 'true', '', '{', '{"sub":"42"', '{"sub":"42"}{}', `{"sub":'42'}`])(
    'is the payload %s, though it be signed, and be called a JWT or not',
    (text) => {
      for (const typ of [undefined, 'JWT', 'at+jwt']) {
        expect(refusal(signBytes({ alg: 'HS256', typ }, Buffer.from(text))).id).toBe('token-malformed');
      }
    },
  );

  test('is a payload that is not UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from('{"sub":"'),
      Buffer.from([0xff, 0xc0]),
      Buffer.from(`","exp":${CLAIMS.exp}}`),
    ]);
    expect(refusal(signBytes({ alg: 'HS256' }, bytes))).toMatchObject({
      id: 'token-malformed',
      message: expect.stringContaining('payload is not UTF-8'),
    });
  });

  test.for([[['b64']], [[]], [['exp']], [null], ['b64']] as const)('is a token with the extensions %j', ([crit]) => {
    const signed = signBytes({ alg: 'HS256', b64: false, crit }, PAYLOAD);
    expect(refusal(signed)).toMatchObject({ id: 'token-malformed', message: expect.stringContaining('crit') });
  });

  test('is a token of more than 16 KiB, before anything of it is read', () => {
    const filled = (length: number): string => {
      const rest = signBytes({ alg: 'HS256' }, Buffer.from(JSON.stringify({ ...CLAIMS, x: '' }))).length;
      return sign({ ...CLAIMS, x: 'x'.repeat(Math.floor(((length - rest) * 3) / 4) - 1) });
    };
    const largest = filled(MAX_TOKEN_BYTES);
    expect(largest.length).toBeGreaterThan(MAX_TOKEN_BYTES - 10);
    expect(verify(largest).userId).toBe('42');
    expect(refusal(filled(MAX_TOKEN_BYTES + 20)).id).toBe('token-too-large');
    for (const text of ['.'.repeat(5_000_000), 'a'.repeat(5_000_000), 'é'.repeat(10_000)]) {
      expect(isToken(text)).toBe(false);
      const { id, message } = refusal(text);
      expect({ id, length: message.length < 200 }).toEqual({ id: 'token-too-large', length: true });
    }
  });

  test('is told without a word of the token or a key', () => {
    const tokens = [
      assemble({ alg: 'none' }, { sub: 'somebody-secret' }),
      sign({ sub: 'somebody-secret' }, { key: createSecretKey(Buffer.from('x')) }),
      `${header}.${encodePart({ sub: 'somebody-secret' })}`,
      sign({ sub: 'somebody-secret', exp: 1 }),
    ];
    for (const text of tokens) {
      const { message } = refusal(text);
      for (const part of ['somebody-secret', SECRET, ...text.split('.').filter((each) => each !== '')]) {
        expect(message).not.toContain(part);
      }
    }
  });
});

describe('whatever is sent as a token', () => {
  const policy = tokenPolicy({ keys: [secretKey(), rsaKey(RSA)], issuers: ['i'], audiences: ['a'] });
  const outcome = (text: string): unknown => {
    try {
      return verify(text, policy);
    } catch (error) {
      return error instanceof TokenError ? error.id : error;
    }
  };

  test('is never answered with anything but a TokenError', () => {
    const part = fc.oneof(
      fc.base64String(),
      fc.string(),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')),
      fc
        .tuple(fc.constantFrom('HS256', 'RS256', 'none'), part, part)
        .map(([alg, ...parts]) => [encodePart({ alg }), ...parts].join('.')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(outcome(text)).toMatch(/^token-/);
        expect(typeof isToken(text)).toBe('boolean');
      }),
    );
  });

  test('never gets in by a change of one character', () => {
    const token = sign({ ...CLAIMS, iss: 'i', aud: 'a' });
    expect(outcome(token)).toMatchObject({ userId: '42' });
    const bytes = (text: string): string =>
      text
        .split('.')
        .map((part) => Buffer.from(part, 'base64url').toString('hex'))
        .join('.');
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (index, character) => {
        const changed = `${token.slice(0, index)}${character}${token.slice(index + 1)}`;
        // The last character of a part has bits that stand for nothing.
        fc.pre(bytes(changed) !== bytes(token));
        expect(outcome(changed)).toMatch(/^token-(malformed|signature|algorithm|unknown-key)$/);
      }),
    );
  });

  test('is a grant or a TokenError with claims of any kind, properly signed', () => {
    const claims = fc.dictionary(
      fc.constantFrom('sub', 'exp', 'nbf', 'iat', 'iss', 'aud', 'roles', 'role', 'user_info', 'watchlist', '__proto__'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(claims, fc.boolean(), (values, isUsual) => {
        const usual = isUsual ? { iss: 'i', aud: ['a'], exp: NOW_SECONDS + 1 } : {};
        const text = JSON.stringify({ ...values, ...usual });
        const token = signBytes({ alg: 'HS256' }, Buffer.from(text));
        const result = outcome(token);
        if (typeof result === 'string') expect(result).toMatch(/^token-/);
        else expect(result).toMatchObject({ roles: expect.any(Array), watchlist: expect.any(Array) });
      }),
    );
  });

  test('may be nested as deeply as its size allows', () => {
    const depth = 2000;
    const nested = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    for (const name of ['user_info', 'roles', 'sub', 'aud', 'iss', 'exp']) {
      const text = `{"iss":"i","aud":"a","exp":${CLAIMS.exp},${JSON.stringify(name)}:${nested}}`;
      const result = outcome(signBytes({ alg: 'HS256' }, Buffer.from(text)));
      expect([name, result]).toEqual([
        name,
        /^(user_info|roles)$/.test(name) ? expect.any(Object) : expect.stringMatching(/^token-/),
      ]);
    }
  });

  test('is signed over the very bytes: a signature made otherwise does not count', () => {
    const [header, payload] = sign(CLAIMS).split('.');
    const wrong = createHmac('sha256', SECRET).update(`${header}${payload}`).digest('base64url');
    expect(refusal(`${header}.${payload}.${wrong}`).id).toBe('token-signature');
    expect(refusal(`${header}.${payload}.`).id).toBe('token-signature');
  });
});
