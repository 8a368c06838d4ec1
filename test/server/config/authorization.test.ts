import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeConfig } from '../../../server/config/index.ts';
import { createFolder, failure, load, onlyApp } from './load.ts';

const LONG = 'a secret of 32 characters, or more';
const at = 'appManager.array.apps[0]';
const pem = (key: KeyObject): string =>
  String(key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }));
const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits });
const ec = (namedCurve: string): string => pem(generateKeyPairSync('ec', { namedCurve }).publicKey);

let keys: ReturnType<typeof rsa>;
beforeAll(() => {
  keys = rsa(2048);
});

/** A file with one app, whose options begin on its second line. */
function fileWith(options: string): string {
  return `{ "appManager.array.apps": [{ "id": "1", "key": "k", "secret": "s",\n${options}\n}] }`;
}

const withAuth = (auth: string): string => fileWith(`"auth": ${auth}`);
const withJwt = (jwt: string): string => withAuth(`{ "jwt": ${jwt} }`);
const withKey = (key: object): string => withJwt(JSON.stringify({ keys: [key] }));
const withRules = (rules: string): string => fileWith(`"channels": ${rules}`);

/** The message of a file's problems, without its name and that of the app. */
function problems(file: string, cwd?: string): string {
  return failure({ file }, cwd).replaceAll('soketi.config.json:', '').replaceAll(`${at}.`, '');
}

describe('auth', () => {
  it('becomes what checks tokens', () => {
    const jwt = {
      keys: [
        { kid: 'old', secret: LONG, algorithms: ['HS512'] },
        { publicKey: pem(keys.publicKey) },
        { publicKey: ec('P-384') },
      ],
      jwksUrl: 'https://id.example.com/jwks',
      issuer: 'https://id.example.com',
      audience: ['a', 'b'],
      clockToleranceSeconds: 5,
      requireExpiry: false,
      claims: { roles: 'realm_access.roles' },
      cookie: 'token',
    };
    const encryptionMasterKey = Buffer.alloc(32, 7).toString('base64');
    const app = onlyApp({ file: withAuth(JSON.stringify({ jwt, encryptionMasterKey })) });
    expect(app.encryptionMasterKey).toEqual(Buffer.alloc(32, 7));
    const publicAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];
    expect({ ...app.tokens, keys: [] }).toEqual({
      keys: [],
      jwksUrl: 'https://id.example.com/jwks',
      jwksAlgorithms: publicAlgorithms,
      issuers: ['https://id.example.com'],
      audiences: ['a', 'b'],
      clockToleranceSeconds: 5,
      requireExpiry: false,
      claims: { userId: 'sub', roles: ['realm_access.roles'], userInfo: 'user_info', watchlist: 'watchlist' },
      cookie: 'token',
    });
    expect(app.tokens?.keys.map(({ kid, algorithms, key }) => [kid, key.type, algorithms])).toEqual([
      ['old', 'secret', ['HS512']],
      [undefined, 'public', publicAlgorithms.slice(0, 6)],
      [undefined, 'public', ['ES384']],
    ]);
  });

  it.each<[string, string]>([
    ['5', '2:9  auth: expected an object, got 5.'],
    ['{ "jtw": {} }', '2:11  auth.jtw: unknown setting. Did you mean jwt?'],
    ['{ "jwt": "a secret" }', '2:18  auth.jwt: expected an object, got a text.'],
    [
      '{ "jwt": { "keys": [{ "secret": "-----BEGIN PUBLIC KEY-----" }] } }',
      '2:41  auth.jwt.keys[0].secret: is a key in PEM, of which no secret can be made: a public key goes into publicKey.',
    ],
    ['{ "jwt": {} }', '2:18  auth.jwt: needs keys, or a jwksUrl: without one no token can be checked.'],
    ['{ "jwt": { "keys": { "secret": "hush hush" } } }', '2:28  auth.jwt.keys: expected a list, got an object.'],
    ['{ "jwt": { "keys": ["hush hush"] } }', '2:29  auth.jwt.keys[0]: expected an object, got a text.'],
    [
      '{ "jwt": { "keys": [{ "secrett": "hush hush" }] } }',
      '2:31  auth.jwt.keys[0].secrett: unknown setting. Did you mean secret?',
    ],
    ['{ "jwt": { "keys": [{ "secret": 55555 }] } }', '2:41  auth.jwt.keys[0].secret: expected a text, got •••.'],
    ['{ "jwt": { "keys": [{ "secret": "" }] } }', '2:41  auth.jwt.keys[0].secret: must not be empty.'],
    [
      '{ "jwt": { "keys": [{ "kid": "a" }] } }',
      '2:29  auth.jwt.keys[0]: needs one of secret, publicKey and publicKeyFile.',
    ],
    [
      '{ "jwt": { "jwksUrl": "ftp://x" } }',
      '2:31  auth.jwt.jwksUrl: must be a URL that begins with https:// or http://, got "ftp://x".',
    ],
    [
      '{ "jwt": { "jwksUrl": "ftp://ann:hush@x" } }',
      '2:31  auth.jwt.jwksUrl: must be a URL that begins with https:// or http://, got "ftp://•••@x".',
    ],
    [
      '{ "jwt": { "jwksUrl": "https://x", "issuer": 5 } }',
      '2:54  auth.jwt.issuer: expected a text or a list of texts, got 5.',
    ],
    ['{ "jwt": { "jwksUrl": "https://x", "issuer": ["a", 5] } }', '2:60  auth.jwt.issuer[1]: expected a text, got 5.'],
    [
      '{ "jwt": { "jwksUrl": "https://x", "algorithms": ["RS265"] } }',
      '2:59  auth.jwt.algorithms[0]: expected one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, got "RS265". Did you mean RS256?',
    ],
    [
      '{ "jwt": { "jwksUrl": "https://x", "algorithms": ["none"] } }',
      '2:59  auth.jwt.algorithms[0]: expected one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, got "none".',
    ],
    ['{ "jwt": { "jwksUrl": "https://x", "algorithms": [] } }', '2:58  auth.jwt.algorithms: must name one at least.'],
    [
      '{ "jwt": { "jwksUrl": "https://x", "algorithms": ["HS256"] } }',
      '2:31  auth.jwt.jwksUrl: would never be used: auth.jwt.algorithms has none of public keys.',
    ],
    [
      '{ "jwt": { "jwksUrl": "https://x", "clockToleranceSeconds": -1 } }',
      '2:69  auth.jwt.clockToleranceSeconds: must be at least 0, got -1.',
    ],
    [
      '{ "jwt": { "jwksUrl": "https://x", "clockToleranceSeconds": 3601 } }',
      '2:69  auth.jwt.clockToleranceSeconds: must be at most 3600, got 3601.',
    ],
    [
      '{ "jwt": { "jwksUrl": "https://x", "requireExpiry": "no" } }',
      '2:61  auth.jwt.requireExpiry: expected true or false, got "no".',
    ],
    [
      '{ "jwt": { "jwksUrl": "https://x", "claims": { "user_id": "sub" } } }',
      '2:56  auth.jwt.claims.user_id: unknown setting. Did you mean userId?',
    ],
    [
      '{ "jwt": { "jwksUrl": "https://x", "cookie": "a b" } }',
      '2:54  auth.jwt.cookie: must be the name of a cookie, got "a b".',
    ],
    [
      '{ "encryptionMasterKey": "hush hush" }',
      '2:34  auth.encryptionMasterKey: must be 32 bytes in Base64 (openssl rand -base64 32).',
    ],
  ])('%s is refused with what is wrong and where', (auth, expected) => {
    expect(problems(withAuth(auth))).toBe(expected);
  });

  it('tells every problem of a structure, each at its place, and those of other settings, too', () => {
    const file = `{ "prot": 1, "appManager.array.apps": [{ "id": "1", "key": "k", "secret": "s",
      "auth": {
        "jwt": {
          "keys": [{ "kid": 1, "secret": "x" },
            { "sekret": "x" }],
          "issuer": {}
        }
      },
      "channels": [{ "name": "a", "subscribe": "everyone" }, { "subscribe": "anyone" }] }] }`;
    expect(problems(file).split('\n')).toEqual([
      '1:3  prot: unknown setting. Did you mean port?',
      '4:29  auth.jwt.keys[0].kid: expected a text, got 1.',
      '5:15  auth.jwt.keys[1].sekret: unknown setting. Did you mean secret?',
      '6:21  auth.jwt.issuer: expected a text or a list of texts, got an object.',
      '9:48  channels[0].subscribe: expected anyone, application, token, own, { "roles": [...] } or a list of those, got "everyone".',
      '9:62  channels[1].name: missing.',
    ]);
  });

  it('takes the last of a name that is there twice, as JSON does', () => {
    expect(problems(withJwt('{ "keys": [], "jwksUrl": "https://x", "cookie": "ok", "cookie": ""}'))).toMatch(
      /^2:82 {2}auth.jwt.cookie/,
    );
  });

  it('may be spelled otherwise itself, but not inside', () => {
    const auth = JSON.stringify({ jwt: { keys: [{ secret: LONG }], clock_tolerance_seconds: 5 } });
    expect(problems(fileWith(`"Auth": ${auth}`))).toContain(
      'auth.jwt.clock_tolerance_seconds: unknown setting. Did you mean clockToleranceSeconds?',
    );
  });
});

describe('keys of tokens', () => {
  it.each<[string, () => object, RegExp]>([
    [
      'what is no PEM',
      () => ({ publicKey: 'nothing' }),
      /publicKey: is not a public key in PEM \(-----BEGIN PUBLIC KEY-----\)\.$/,
    ],
    [
      'a private key',
      () => ({ publicKey: pem(keys.privateKey) }),
      /publicKey: holds a private key, which has no place here: make the public one of it with openssl pkey -pubout\.$/,
    ],
    [
      'RSA below 2048 bits',
      () => ({ publicKey: pem(rsa(1024).publicKey) }),
      /publicKey: is an RSA key of 1024 bits: it must have 2048 at least\.$/,
    ],
    [
      'another curve',
      () => ({ publicKey: ec('secp256k1') }),
      /publicKey: is an EC key on the curve secp256k1: it must be RSA, or EC on P-256, P-384 or P-521\.$/,
    ],
    [
      'Ed25519',
      () => ({ publicKey: pem(generateKeyPairSync('ed25519').publicKey) }),
      /publicKey: is a key of the type ed25519: it must be/,
    ],
    [
      'a secret with algorithms of public keys',
      () => ({ secret: LONG, algorithms: ['HS256', 'RS256'] }),
      /algorithms\[1\]: RS256 goes with a public key, not with a secret \(possible here: HS256, HS384, HS512\)\.$/,
    ],
    [
      'a public key with algorithms of secrets',
      () => ({ publicKey: ec('P-256'), algorithms: ['HS256'] }),
      /algorithms\[0\]: HS256 goes with another kind of key \(possible here: ES256\)\.$/,
    ],
    [
      'two of them in one',
      () => ({ publicKey: ec('P-256'), secret: LONG }),
      /keys\[0\]: needs one of secret, publicKey and publicKeyFile\.$/,
    ],
  ])('%s is refused', (_, key, expected) => {
    const message = problems(withKey(key()));
    expect(message).toMatch(expected);
    expect(message).toMatch(/^2:\d+ {2}auth\.jwt\.keys\[0\]/);
    expect(message).not.toContain('BEGIN PRIVATE');
  });

  it('of which no algorithm is allowed is refused', () => {
    const file = withJwt(
      JSON.stringify({ keys: [{ secret: LONG }, { publicKey: ec('P-256') }], algorithms: ['HS256'] }),
    );
    expect(problems(file)).toMatch(
      /^2:\d+ {2}auth.jwt.keys\[1\]: would never be used: its ES256 is not among auth.jwt.algorithms\.$/,
    );
  });

  it('may come from a file, from the folder of the configuration or of the variable', () => {
    const cwd = createFolder();
    mkdirSync(path.join(cwd, 'keys'));
    writeFileSync(path.join(cwd, 'keys/issuer.pem'), pem(keys.publicKey));
    const auth = { jwt: { keys: [{ kid: 'a', publicKeyFile: 'keys/issuer.pem' }] } };
    writeFileSync(path.join(cwd, 'keys/soketi.config.json'), withKey({ kid: 'a', publicKeyFile: 'issuer.pem' }));
    const flags = { config: 'keys/soketi.config.json' };
    const env = { SOKETI_DEFAULT_APP_ID: '1', SOKETI_DEFAULT_APP_KEY: 'k', SOKETI_DEFAULT_APP_SECRET: 's' };
    for (const sources of [{ flags }, { env: { ...env, KULKUL_DEFAULT_APP_AUTH: JSON.stringify(auth) } }]) {
      const { apps, settings, files } = load(sources, cwd);
      expect(apps[0]?.tokens?.keys.map(({ kid, key }) => [kid, key.equals(keys.publicKey)])).toEqual([['a', true]]);
      // What other processes are told has to say all of it.
      expect(settings.appManager.array.apps[0]?.auth?.jwt?.keys).toEqual([
        { kid: 'a', publicKey: pem(keys.publicKey) },
      ]);
      expect([...files.keys()]).toContain(path.join(cwd, 'keys/issuer.pem'));
    }
  });

  it.each<[string, string | undefined, RegExp]>([
    [
      'is missing',
      undefined,
      /there is no such file\. A relative path starts at the folder of the configuration file\.$/,
    ],
    ['is empty', ' \n', /issuer\.pem is empty\.$/],
    ['holds something else', 'hush hush', /publicKeyFile: is not a public key in PEM/],
    ['holds a private key', 'PRIVATE', /publicKeyFile: holds a private key, which has no place here/],
  ])('are refused when their file %s', (_, content, expected) => {
    const cwd = createFolder();
    const text = content === 'PRIVATE' ? pem(keys.privateKey) : content;
    if (text !== undefined) writeFileSync(path.join(cwd, 'issuer.pem'), text);
    const message = problems(withKey({ publicKeyFile: 'issuer.pem' }), cwd);
    expect(message).toMatch(expected);
    expect(message).toMatch(/^2:44 {2}auth\.jwt\.keys\[0\]\.publicKeyFile: /);
    expect(message).not.toContain('hush');
  });

  it('that stand where the name of a file should are not shown', () => {
    const message = problems(withKey({ publicKeyFile: pem(keys.privateKey) }));
    expect(message).toBe(
      '2:44  auth.jwt.keys[0].publicKeyFile: expected the name of a file, got a key. A public key that is written out goes into publicKey.',
    );
  });
});

describe('rules of channels', () => {
  it('become those that are looked at', () => {
    const rules = [
      { name: 'rvm-status', subscribe: 'anyone' },
      { name: 'private-admin-*', subscribe: [{ roles: ['admin', 'operator'] }, 'application'], publish: 'token' },
      { name: 'private-user.{sub}', clientEvents: { roles: 'admin', own: true } },
      { name: '*', publish: 'token' },
    ];
    const auth = { jwt: { keys: [{ secret: LONG }] } };
    const { channelRules } = onlyApp({
      file: fileWith(`"auth": ${JSON.stringify(auth)}, "channels": ${JSON.stringify(rules)}`),
    });
    expect(channelRules.map(({ pattern, ...who }) => [pattern.text, who])).toEqual([
      [
        'rvm-status',
        { subscribe: [{ kind: 'anyone' }], clientEvents: [{ kind: 'anyone' }], publish: [{ kind: 'application' }] },
      ],
      [
        'private-admin-*',
        {
          subscribe: [{ kind: 'holder', roles: ['admin', 'operator'], isOwn: false }, { kind: 'application' }],
          clientEvents: [{ kind: 'anyone' }],
          publish: [{ kind: 'token' }],
        },
      ],
      [
        'private-user.{sub}',
        {
          subscribe: [{ kind: 'holder', roles: undefined, isOwn: true }],
          clientEvents: [{ kind: 'holder', roles: ['admin'], isOwn: true }],
          publish: [{ kind: 'application' }],
        },
      ],
      ['*', { subscribe: [{ kind: 'public' }], clientEvents: [{ kind: 'anyone' }], publish: [{ kind: 'token' }] }],
    ]);
  });

  const AUDIENCES = 'expected anyone, application, token, own, { "roles": [...] } or a list of those';
  const AUDIENCE = 'expected anyone, application, token, own or { "roles": [...] }';
  const NOTHING = 'asks for nothing, and so would let every token in: add roles, or write "token"';
  it.each<[string, string]>([
    ['{}', '2:13  channels: expected a list, got an object.'],
    ['["a"]', '2:14  channels[0]: expected an object, got a text.'],
    [
      '[{ "name": "a", "subscribe": "tokn" }]',
      `2:42  channels[0].subscribe: ${AUDIENCES}, got "tokn". Did you mean token?`,
    ],
    ['[{ "name": "a", "subscribe": 5 }]', `2:42  channels[0].subscribe: ${AUDIENCES}, got 5.`],
    [
      '[{ "name": "a", "publish": ["token", "applicaton"] }]',
      `2:50  channels[0].publish[1]: ${AUDIENCE}, got "applicaton". Did you mean application?`,
    ],
    ['[{ "name": "a", "publish": [["token"]] }]', `2:41  channels[0].publish[0]: ${AUDIENCE}, got a list.`],
    [
      '[{ "name": "a", "subscribe": { "role": ["x"] } }]',
      '2:44  channels[0].subscribe.role: unknown setting. Did you mean roles?',
    ],
    [
      '[{ "name": "a", "subscribe": [{ "roles": 5 }] }]',
      '2:54  channels[0].subscribe[0].roles: expected a role or a list of roles, got 5.',
    ],
    [
      '[{ "name": "a", "subscribe": { "roles": ["x", 5] } }]',
      '2:59  channels[0].subscribe.roles[1]: expected a text, got 5.',
    ],
    ['[{ "name": "a", "subscribe": {} }]', `2:42  channels[0].subscribe: ${NOTHING}.`],
    ['[{ "name": "a", "publish": [{ "own": false }] }]', `2:41  channels[0].publish[0]: ${NOTHING}.`],
    ['[{ "name": "a", "subscribe": { "roles": [] } }]', '2:53  channels[0].subscribe.roles: must name one at least.'],
    [
      '[{ "name": "a", "client_events": "token" }]',
      '2:29  channels[0].client_events: unknown setting. Did you mean clientEvents?',
    ],
    [
      '[{ "name": "user.{sub", "subscribe": "own" }]',
      '2:24  channels[0].name: has a { without its }, or nothing between them.',
    ],
    [
      '[{ "name": "user", "clientEvents": "own" }]',
      '2:48  channels[0].clientEvents: "own" needs a claim in the name, as in private-user.{sub}.',
    ],
    [
      '[{ "name": "user.{sub}", "subscribe": "token" }]',
      '2:51  channels[0].subscribe: nothing in this rule asks for "own", so that {sub} would let everyone in: add own, or write *.',
    ],
  ])('%s is refused with what is wrong and where', (rules, expected) => {
    expect(problems(withRules(rules))).toBe(expected);
  });
});

describe('variables of authorization', () => {
  const env = { SOKETI_DEFAULT_APP_ID: '1', SOKETI_DEFAULT_APP_KEY: 'k', SOKETI_DEFAULT_APP_SECRET: 's' };

  it('hold JSON', () => {
    const KULKUL_DEFAULT_APP_AUTH = JSON.stringify({ jwt: { keys: [{ secret: LONG }] } });
    const KULKUL_DEFAULT_APP_CHANNELS = '[{ "name": "private-*", "subscribe": "token" }]';
    const app = onlyApp({ env: { ...env, KULKUL_DEFAULT_APP_AUTH, KULKUL_DEFAULT_APP_CHANNELS } });
    expect(app.tokens?.keys).toHaveLength(1);
    expect(app.channelRules).toHaveLength(1);
  });

  it('tell what is wrong in them', () => {
    const of = (auth: string, channels = '[]') =>
      failure({ env: { ...env, KULKUL_DEFAULT_APP_AUTH: auth, KULKUL_DEFAULT_APP_CHANNELS: channels } });
    expect(of('{"jwt":{"keys":[{"secret":"hush hush","kid":1}]}}', '[{"name":""}]')).toBe(
      `KULKUL_DEFAULT_APP_AUTH  ${at}.auth.jwt.keys[0].kid: expected a text, got 1.\nKULKUL_DEFAULT_APP_CHANNELS  ${at}.channels[0].name: must not be empty.`,
    );
    expect(of('{"jwt":')).toContain(`KULKUL_DEFAULT_APP_AUTH  ${at}.auth: syntax error`);
    expect(of('yes')).toContain(`KULKUL_DEFAULT_APP_AUTH  ${at}.auth: syntax error`);
    const apps = '[{"id":"1","key":"k","secret":"s","auth":{"jwt":{}}}]';
    expect(failure({ env: { KULKUL_APP_MANAGER_ARRAY_APPS: apps } })).toContain(
      `${at}.auth.jwt: needs keys, or a jwksUrl`,
    );
  });
});

describe('a secret of tokens below the minimum', () => {
  // It was a warning in files, and nothing at all over the admin API.
  it.each(['x', 'hush hush', 'h'.repeat(31), '💡'.repeat(15)])(
    'is refused with its place, and not shown: %s',
    (secret) => {
      const jwt = JSON.stringify({ keys: [{ secret: LONG }, { secret }] });
      const message = failure({ file: withJwt(jwt) });
      expect(message).toMatch(
        /soketi\.config\.json:2:\d+ {2}.*auth\.jwt\.keys\[1\]\.secret: has fewer than 32 characters: .*openssl rand -base64 32 makes a good one\.$/,
      );
      expect(message).not.toContain(`"${secret}"`);
      const apps = JSON.stringify([{ id: '1', key: 'k', secret: 's', auth: { jwt: JSON.parse(jwt) } }]);
      expect(failure({ env: { KULKUL_APP_MANAGER_ARRAY_APPS: apps } })).toContain('has fewer than 32 characters');
    },
  );
});

describe('warnings of authorization', () => {
  const warningsOf = (file: string) => load({ file }).warnings.map((text) => text.replaceAll(`${at}.`, ''));

  it('name key sets that are fetched without TLS, with their place', () => {
    const jwt = { keys: [{ secret: LONG }], jwksUrl: 'http://id.example.com/jwks' };
    expect(warningsOf(withJwt(JSON.stringify(jwt)))).toEqual([
      expect.stringMatching(/^auth\.jwt\.jwksUrl \(soketi\.config\.json:2:\d+\) is fetched without TLS: /),
    ]);
  });

  it.each(['http://localhost:8080/jwks', 'http://127.0.0.1/jwks', 'http://[::1]/jwks', 'https://id.example.com'])(
    'say nothing of %s',
    (jwksUrl) => expect(warningsOf(withJwt(JSON.stringify({ jwksUrl })))).toEqual([]),
  );

  it('name rules that stand behind one that matches all that they match', () => {
    // The role was never asked for: the wide rule before it let every token in, and nothing told.
    const shown = (names: readonly string[]) =>
      warningsOf(withRules(JSON.stringify(names.map((name) => ({ name, subscribe: ['anyone', 'own'] }))))).filter(
        (text) => text.includes('never applies'),
      );
    const hidden = shown(['private-{a}.*', 'private-{sub}.x']);
    expect(hidden).toEqual([
      'channels[1] (soketi.config.json:2:13) never applies: channels[0] (private-{a}.*) stands before it and matches all that private-{sub}.x matches. Put the narrow rule first.',
    ]);
    expect(shown(['private-{sub}.x', 'private-{a}.*'])).toEqual([]);
  });

  it('name rules that nobody can meet, as the app takes no tokens', () => {
    expect(warningsOf(withRules('[{ "name": "a" }, { "name": "private-b", "subscribe": "token" }]'))).toEqual([
      'channels[1] (soketi.config.json:2:13) is for holders of tokens, but the app takes none: auth.jwt says how they are checked.',
    ]);
    expect(warningsOf(withRules('[{ "name": "private-user.{sub}" }]'))).toHaveLength(1);
    expect(warningsOf(withRules('[{ "name": "private-a", "publish": "anyone" }]'))).toEqual([]);
  });
});

describe('described authorization', () => {
  it('masks the secrets and shows the rest, one line for each key and rule', () => {
    const auth = {
      jwt: {
        keys: [
          { kid: 'a', secret: `${LONG} hush` },
          { publicKey: pem(keys.publicKey), algorithms: ['RS256'] },
          { publicKey: ec('P-256') },
        ],
        jwksUrl: 'https://ann:hush@id.example.com/jwks',
        issuer: ['x', 'y'],
      },
      encryptionMasterKey: Buffer.alloc(32, 7).toString('base64'),
    };
    const rules = [
      { name: 'rvm-status' },
      { name: 'private-{sub}', subscribe: ['own', { roles: ['admin', 'operator'] }], publish: [] },
    ];
    const file = fileWith(`"auth": ${JSON.stringify(auth)},\n"channels": ${JSON.stringify(rules)}`);
    const lines = describeConfig(load({ file }))
      .split('\n')
      .map((line) => line.replace(/ +/g, ' '))
      .filter((line) => /^apps\.0\.(auth|channels)/.test(line));
    expect(lines).toEqual([
      'apps.0.auth.jwt.keys.0 = kid "a", secret ••• (file soketi.config.json:2)',
      'apps.0.auth.jwt.keys.1 = public key (RSA, 2048 bits), RS256 (file soketi.config.json:2)',
      'apps.0.auth.jwt.keys.2 = public key (EC, P-256) (file soketi.config.json:2)',
      'apps.0.auth.jwt.jwksUrl = "https://•••@id.example.com/jwks" (file soketi.config.json:2)',
      'apps.0.auth.jwt.issuer = x, y (file soketi.config.json:2)',
      'apps.0.auth.jwt.clockToleranceSeconds = 0 (file soketi.config.json:2)',
      'apps.0.auth.jwt.requireExpiry = true (file soketi.config.json:2)',
      'apps.0.auth.jwt.claims = {"userId":"sub","roles":["roles","role"],"userInfo":"user_info","watchlist":"watchlist"} (file soketi.config.json:2)',
      'apps.0.auth.encryptionMasterKey = ••• (file soketi.config.json:2)',
      'apps.0.channels.0 = "rvm-status" (file soketi.config.json:3)',
      'apps.0.channels.1 = "private-{sub}", subscribe own or role admin/operator, publish application (file soketi.config.json:3)',
    ]);
  });
});
