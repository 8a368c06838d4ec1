import { describe, expect, test } from 'vitest';
import { type Grant, TokenError } from '../../auth/grant.ts';
import { grantFrom, type TokenClaims, type TokenPolicy } from '../../auth/token-claims.ts';
import { NOW_SECONDS as NOW, tokenPolicy } from '../support/tokens.ts';

const EXP = NOW + 60;

/** As a token's payload arrives: parsed JSON. */
function grant(claims: object, policy: Partial<TokenPolicy> = {}, nowSeconds = NOW): Grant {
  const text = JSON.stringify({ exp: EXP, ...claims });
  return grantFrom(tokenPolicy(policy), JSON.parse(text), nowSeconds, text);
}

function refusal(claims: object | string, policy: Partial<TokenPolicy> = {}, nowSeconds = NOW): TokenError {
  try {
    const text = typeof claims === 'string' ? claims : JSON.stringify({ exp: EXP, ...claims });
    grantFrom(tokenPolicy(policy), JSON.parse(text), nowSeconds, text);
  } catch (error) {
    if (error instanceof TokenError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

const claims = (names: Partial<TokenClaims>): Partial<TokenPolicy> => ({
  claims: { ...tokenPolicy().claims, ...names },
});

describe('the time of a token', () => {
  test('ends it at exp, to the second', () => {
    expect(grant({}, {}, EXP - 0.001).expiresAtSeconds).toBe(EXP);
    const { id, status, message } = refusal({}, {}, EXP);
    expect({ id, status }).toEqual({ id: 'token-expired', status: 401 });
    expect(message).toContain('expired 0 s ago');
    expect(refusal({}, {}, EXP + 12.3).message).toContain('expired 13 s ago: get a fresh one');
    expect(refusal({}, {}, EXP + 12).message).toContain('auth.jwt.clockToleranceSeconds, now 0');
  });

  test('ends it later when only the tolerance for clocks lets it in', () => {
    const policy = { clockToleranceSeconds: 10 };
    expect(grant({}, policy, EXP - 1).expiresAtSeconds).toBe(EXP);
    expect(grant({}, policy, EXP).expiresAtSeconds).toBe(EXP + 10);
    expect(grant({}, policy, EXP + 9.9).expiresAtSeconds).toBe(EXP + 10);
    expect(refusal({}, policy, EXP + 10).id).toBe('token-expired');
  });

  test.for(['nbf', 'iat'])('begins at %s, give or take five seconds or the tolerance', (name) => {
    expect(grant({ [name]: NOW + 5 }).expiresAtSeconds).toBe(EXP);
    const { id, message } = refusal({ [name]: NOW + 6 });
    expect({ id, message }).toEqual({
      id: 'token-not-yet-valid',
      message: expect.stringMatching(
        new RegExp(`\\(${name}\\) a time that is 6 s from now: .*clockToleranceSeconds, now 0`),
      ),
    });
    expect(grant({ [name]: NOW + 9 }, { clockToleranceSeconds: 9 }).expiresAtSeconds).toBe(EXP);
    expect(refusal({ [name]: NOW + 10 }, { clockToleranceSeconds: 9 }).id).toBe('token-not-yet-valid');
  });

  test('must have an end, unless the app does without', () => {
    expect(refusal('{"sub":"42"}').id).toBe('token-no-expiry');
    expect(
      grantFrom(tokenPolicy({ requireExpiry: false }), { sub: '42' }, NOW, '{"sub":"42"}').expiresAtSeconds,
    ).toBeUndefined();
    expect(refusal({}, { requireExpiry: false }, EXP).id).toBe('token-expired');
    // What is inherited is not said by the token.
    const inherited = Object.create({ exp: EXP }) as Record<string, unknown>;
    expect(() => grantFrom(tokenPolicy(), inherited, NOW, '{}')).toThrow('it has no exp');
  });

  test.for(['exp', 'nbf', 'iat'])('is not %s that is no finite number', (name) => {
    for (const value of ['null', '"1800000060"', 'true', '[1800000060]', '{}', '1e999', '-1e999']) {
      expect(refusal(`{"exp":${EXP},"${name}":${value}}`)).toMatchObject({
        id: 'token-malformed',
        message: expect.stringContaining(`${name} must be a number`),
      });
    }
  });

  test('is not taken in milliseconds, in which a token would never end', () => {
    expect(refusal({ exp: EXP * 1000 })).toMatchObject({
      id: 'token-malformed',
      message: expect.stringContaining('milliseconds'),
    });
  });

  test('is handed on: when it was issued', () => {
    expect(grant({ iat: NOW - 5 }).issuedAtSeconds).toBe(NOW - 5);
    expect(grant({}).issuedAtSeconds).toBeUndefined();
    // The issuer's clock is ahead: it was issued by now.
    expect(grant({ iat: NOW + 4 }).issuedAtSeconds).toBe(NOW);
  });
});

describe('issuer and audience', () => {
  test('are looked at only where the app names some', () => {
    expect(grant({ iss: 'x', aud: 'y' }).userId).toBeUndefined();
    expect(grant({ iss: 7, aud: {} }).userId).toBeUndefined();
  });

  test('must be one of those that the app names', () => {
    const policy = { issuers: ['https://id.example', 'https://old.example'], audiences: ['kulkul', 'chat'] };
    for (const aud of ['kulkul', 'chat', ['other', 'chat']]) grant({ iss: 'https://old.example', aud }, policy);
    for (const iss of ['https://id.example/', 'HTTPS://id.example', '', 7, null, ['https://id.example'], undefined]) {
      expect(refusal({ iss, aud: 'chat' }, policy).id).toBe('token-issuer');
    }
    for (const aud of ['Kulkul', 'kulkul chat', '', [], ['other'], [['chat']], { 0: 'chat' }, null, 7, undefined]) {
      expect(refusal({ iss: 'https://id.example', aud }, policy).id).toBe('token-audience');
    }
  });

  test('are quoted to whoever is refused', () => {
    const policy = { issuers: ['https://id.example'], audiences: ['kulkul', 'chat'] };
    expect(refusal({ iss: 'https://evil.example' }, policy).message).toContain(
      'issuer (iss) is https://evil.example, but the app takes tokens of https://id.example (auth.jwt.issuer)',
    );
    expect(refusal({}, policy).message).toContain('issuer (iss) is not given');
    expect(refusal({ iss: 'https://id.example', aud: ['a', 'b'] }, policy).message).toContain(
      'is for (aud) ["a","b"], but the app takes tokens for kulkul or chat (auth.jwt.audience)',
    );
    expect(refusal({ iss: 'i'.repeat(5000) }, policy).message.length).toBeLessThan(300);
  });
});

describe('the user of a token', () => {
  test.for([
    ['42', '42'],
    [42, '42'],
    [-1, '-1'],
    [0, '0'],
    ['auth0|5f7c', 'auth0|5f7c'],
    ['Ann Ö', 'Ann Ö'],
    [2 ** 53 - 1, '9007199254740991'],
    [undefined, undefined],
    [null, undefined],
  ] as const)('whose sub is %j is %j', ([sub, userId]) => {
    expect(grant({ sub }).userId).toBe(userId);
  });

  test.for<unknown>([
    '',
    'a\nb',
    'a\0',
    '\ud800',
    'x'.repeat(129),
    1.5,
    2 ** 53,
    true,
    false,
    {},
    { id: '42' },
    ['42'],
    [],
  ])('can not be %j', (sub) => {
    expect(refusal({ sub })).toMatchObject({
      id: 'token-user',
      status: 401,
      message: expect.stringContaining("The token's sub"),
    });
  });

  test('may stand elsewhere', () => {
    expect(grant({ user: { id: 7 } }, claims({ userId: 'user.id' })).userId).toBe('7');
    expect(grant({ sub: '42' }, claims({ userId: 'user.id' })).userId).toBeUndefined();
    expect(refusal({ user: { id: [] } }, claims({ userId: 'user.id' })).message).toContain("The token's user.id");
  });
});

describe('the roles of a token', () => {
  test.for<readonly [object, readonly string[]]>([
    [{ roles: ['admin', 'operator'] }, ['admin', 'operator']],
    [{ roles: 'admin' }, ['admin']],
    [{ roles: 'super admin' }, ['super admin']],
    [{ role: 'admin' }, ['admin']],
    [{ roles: ['admin'], role: 'viewer' }, ['admin']],
    [{ roles: [], role: 'viewer' }, []],
    [{ roles: null, role: 'viewer' }, ['viewer']],
    [{ roles: '', role: 'viewer' }, []],
    [{ roles: [1, 'admin', null, { name: 'root' }, ['root'], '', true] }, ['1', 'admin']],
    [{ roles: { admin: true } }, []],
    [{ roles: true }, []],
    [{ roles: '' }, []],
    [{ scope: 'admin' }, []],
    [{}, []],
  ])('of %j are %j', ([given, roles]) => {
    expect(grant(given).roles).toEqual(roles);
  });

  test('stand where Keycloak, Auth0 and Azure put them', () => {
    const roles = claims({ roles: ['realm_access.roles', 'https://x.y/roles', 'resource_access.account.roles'] });
    expect(grant({ realm_access: { roles: ['admin'] } }, roles).roles).toEqual(['admin']);
    expect(grant({ 'https://x.y/roles': ['admin'] }, roles).roles).toEqual(['admin']);
    expect(grant({ resource_access: { account: { roles: ['admin'] } } }, roles).roles).toEqual(['admin']);
    expect(grant({ realm_access: 'roles' }, roles).roles).toEqual([]);
    expect(grant({ realm_access: ['admin'] }, roles).roles).toEqual([]);
  });

  test('are the words of a scope', () => {
    const roles = claims({ roles: ['scope', 'scp', 'token.scope', 'x.microscope'] });
    expect(grant({ scope: 'read  write admin ' }, roles).roles).toEqual(['read', 'write', 'admin']);
    expect(grant({ scp: 'read write' }, roles).roles).toEqual(['read', 'write']);
    expect(grant({ scp: ['read all'] }, roles).roles).toEqual(['read all']);
    expect(grant({ token: { scope: 'read write' } }, roles).roles).toEqual(['read', 'write']);
    expect(grant({ x: { microscope: 'read write' } }, roles).roles).toEqual(['read write']);
  });

  test('are never what every object has', () => {
    for (const path of ['__proto__', 'constructor.name', 'toString', '__proto__.admin', 'sub.length', 'roles.length']) {
      expect(grant({ sub: '42' }, claims({ roles: [path] })).roles).toEqual([]);
    }
    const text = `{"exp":${EXP},"__proto__":{"roles":["admin"],"sub":"1","exp":1}}`;
    const { userId, roles, expiresAtSeconds } = grantFrom(tokenPolicy(), JSON.parse(text), NOW, text);
    expect({ userId, roles, expiresAtSeconds }).toEqual({ userId: undefined, roles: [], expiresAtSeconds: EXP });
    expect('roles' in {}).toBe(false);
  });
});

describe('what else a token says', () => {
  test('is handed on as user info, whatever it is', () => {
    for (const info of [{ name: 'Ann' }, ['Ann'], 'Ann', 7, true])
      expect(grant({ user_info: info }).userInfoJson).toBe(JSON.stringify(info));
    for (const info of [null, undefined]) expect(grant({ user_info: info }).userInfoJson).toBeUndefined();
    expect(grant({ profile: { name: 'Ann' } }, claims({ userInfo: 'profile' })).userInfoJson).toBe('{"name":"Ann"}');
  });

  test.for([
    ['user_info', (info: string) => `{"user_info":{},"user_info":${info}}`],
    ['a.b', (info: string) => `{"a":{"b":${info}}}`],
    ['a.b', (info: string) => `{"a":{"b":{}},"a.b":${info}}`],
    ['a.1.b', (info: string) => `{"a":[0, {"b": ${info} }]}`],
  ] as const)('is user info as it is written in the token, at %s', ([userInfo, payload]) => {
    const info = '{ "id": 1234567890123456789, "p": 10.0, "p": 1e400 }';
    const text = ` ${payload(info)}`;
    const policy = tokenPolicy({ ...claims({ userInfo }), requireExpiry: false });
    expect(grantFrom(policy, JSON.parse(text), NOW, text).userInfoJson).toBe(info);
  });

  test('is handed on as a watchlist of possible users', () => {
    expect(grant({ watchlist: ['1', 2, '', 'a\nb', null, ['3'], 'x'.repeat(129), '4'] }).watchlist).toEqual([
      '1',
      '2',
      '4',
    ]);
    expect(grant({ watchlist: { 0: '1' } }).watchlist).toEqual([]);
    expect(grant({}).watchlist).toEqual([]);
  });

  test('is handed on as it is, for rules', () => {
    expect(grant({ tenant: 'a' }).claims).toEqual({ exp: EXP, tenant: 'a' });
  });
});
