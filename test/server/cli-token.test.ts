import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Grant } from '../../auth/grant.ts';
import { readToken, tokenKeysFor, verifyToken } from '../../auth/json-web-token.ts';
import { createAppStore } from '../../server/apps/create-app-directory.ts';
import { appOptionsSchema } from '../../server/config/app-options.ts';
import { loadConfig } from '../../server/config/index.ts';
import { type Answer, run, temporaryFolder } from '../support/process.ts';
import { rsaPair } from '../support/tokens.ts';

const SECRET = 'the first secret of the app, long enough';
const NEXT_SECRET = 'the next secret of the app, long enough';
const PUBLIC_KEY = rsaPair().publicKey.export({ type: 'spki', format: 'pem' }).toString();

const app = (id: string, jwt?: object): object => ({
  id,
  key: `${id}-key`,
  secret: `${id}-secret`,
  ...(jwt && { auth: { jwt } }),
});
const APPS = [
  app('plain', { keys: [{ secret: SECRET }] }),
  app('keycloak', {
    keys: [
      { publicKey: PUBLIC_KEY },
      { kid: 'dev', secret: NEXT_SECRET, algorithms: ['HS512'] },
      { kid: 'old', secret: SECRET },
    ],
    issuer: ['https://id.example', 'https://old.example'],
    audience: 'kulkul',
    claims: { userId: 'user.id', roles: ['realm_access.roles', 'role'], userInfo: 'user.info' },
  }),
  app('auth0', { keys: [{ secret: SECRET }], claims: { roles: 'https://x.y/roles' } }),
  app('public', { keys: [{ publicKey: PUBLIC_KEY }] }),
  app('none'),
];

let file: string;
beforeAll(() => {
  file = configFile(APPS);
});

function configFile(apps: readonly object[]): string {
  const path = join(temporaryFolder(), 'kulkul.json');
  writeFileSync(path, JSON.stringify({ 'appManager.array.apps': apps }));
  return path;
}

const token = (...args: string[]): Promise<Answer> => run(['token', '--config', file, ...args]);

/** Runs the command, and takes what it prints as the app does. */
async function granted(id: string, ...args: string[]): Promise<Grant> {
  const { code, stdout, stderr } = await token('--app', id, ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const { apps } = loadConfig({ flags: { config: file }, env: {}, cwd: '/' });
  const policy = apps.find((each) => each.id === id)?.tokens;
  if (policy === undefined) throw new Error(`app ${id} takes no tokens`);
  const read = readToken(policy, stdout.trim());
  return verifyToken(policy, read, tokenKeysFor(policy.keys, read.header), Date.now() / 1000);
}

describe('kulkul token prints one', () => {
  test('that the app takes, with user, roles and an hour to go', async () => {
    const grant = await granted('plain', '--sub', '42', '--role', 'admin', '--role', 'super operator');
    expect(grant).toMatchObject({ userId: '42', roles: ['admin', 'super operator'], claims: { sub: '42' } });
    expect((grant.expiresAtSeconds ?? 0) - (grant.issuedAtSeconds ?? 0)).toBe(3600);
  });

  test('for nobody, when no user is given', async () => {
    const { userId, roles, userInfoJson, claims } = await granted('plain');
    expect({ userId, roles, userInfoJson }).toEqual({ userId: undefined, roles: [], userInfoJson: undefined });
    expect(Object.keys(claims)).toEqual(['iat', 'exp']);
  });

  test('with issuer and audience of the app, a secret among public keys, and claims where the app looks for them', async () => {
    const grant = await granted('keycloak', '--sub', '42', '--role', 'admin', '--info', '{"name":"Ann"}');
    expect(grant).toMatchObject({ userId: '42', roles: ['admin'], userInfoJson: '{"name":"Ann"}' });
    expect(grant.claims).toMatchObject({
      iss: 'https://id.example',
      aud: 'kulkul',
      user: { id: '42', info: { name: 'Ann' } },
      realm_access: { roles: ['admin'] },
    });
    const [header = ''] = (await token('--app', 'keycloak-key')).stdout.split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ alg: 'HS512', kid: 'dev' });
  });

  test('with roles in a claim whose name is a URL', async () => {
    const { roles, claims } = await granted('auth0', '--role', 'admin');
    expect(roles).toEqual(['admin']);
    expect(claims).toHaveProperty(['https://x.y/roles']);
  });

  test('with further claims, which are JSON or text and win over others', async () => {
    const { claims } = await granted(
      'keycloak',
      ...['--claim', 'org.id=7', '--claim', 'org.name=Acme = Co', '--claim', 'tags=["a"]', '--claim', 'iat=1'],
      ...['--claim', 'none=null', '--claim', 'id="7"', '--claim', 'empty=', '--claim', '__proto__.admin=true'],
    );
    expect(claims).toMatchObject({
      org: { id: 7, name: 'Acme = Co' },
      tags: ['a'],
      iat: 1,
      none: null,
      id: '7',
      empty: '',
    });
    expect(Object.hasOwn(claims, '__proto__')).toBe(true);
  });

  test.for([
    ['30s', 30],
    ['15m', 900],
    ['2h', 7200],
    ['7d', 604_800],
  ] as const)('that is good for %s', async ([ttl, seconds]) => {
    const { issuedAtSeconds = 0, expiresAtSeconds } = await granted('plain', '--ttl', ttl);
    expect(expiresAtSeconds).toBe(issuedAtSeconds + seconds);
  });

  test('for the only app', async () => {
    const { code, stdout } = await run(['token', '-c', configFile(APPS.slice(0, 1)), '--sub', '42']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^eyJ/) });
  });
});

describe('kulkul token for apps in a database', () => {
  const DATABASE = { 'appManager.driver': 'sqlite', 'appManager.sqlite.path': 'apps.sqlite' };

  async function folderWithApps(...apps: readonly object[]): Promise<string> {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'kulkul.json'), JSON.stringify(DATABASE));
    const { settings } = loadConfig({ flags: { config: 'kulkul.json' }, env: {}, cwd });
    const store = await createAppStore(settings, pino({ level: 'silent' }));
    for (const each of apps) await store?.insert(appOptionsSchema.parse(each));
    await store?.close();
    return cwd;
  }
  const tokenIn = (cwd: string, ...args: string[]): Promise<Answer> =>
    run(['token', '-c', 'kulkul.json', ...args], { cwd });

  test('prints one for an app by key or id, and for the only one', async () => {
    const cwd = await folderWithApps(APPS[0] ?? {});
    for (const args of [['--app', 'plain'], ['--app', 'plain-key'], []]) {
      const { code, stdout, stderr } = await tokenIn(cwd, ...args);
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: expect.stringMatching(/^eyJ\S+\n$/), stderr: '' });
    }
    expect(await tokenIn(cwd, '--app', 'other')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('no app with the key or id other'),
    });
  });

  test('ends with 1 when the database can not be used', async () => {
    const cwd = await folderWithApps();
    writeFileSync(join(cwd, 'apps.sqlite'), 'this is no database, however long one looks at it');
    const { code, stdout, stderr } = await tokenIn(cwd, '--app', 'plain');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^kulkul: .*apps\.sqlite/);
  });
});

describe('kulkul token ends with 2 and says what to mend', () => {
  test.for([
    [
      'an app that is not there',
      ['--app', 'plian'],
      'no app with the key or id plian; the ids of apps are: plain, keycloak',
    ],
    ['no app among several', [], 'which app is meant? Add --app with an id or a key; the ids of apps are: plain'],
    ['an app without tokens', ['--app', 'none'], 'app none takes no tokens: add "auth": { "jwt"'],
    ['an app with public keys only', ['--app', 'public'], 'app public has no secret to sign with'],
    [
      'a time without its unit',
      ['--app', 'plain', '--ttl', '60'],
      "'60' is invalid. It must be a number with s, m, h or d",
    ],
    ['no time', ['--app', 'plain', '--ttl', '0s'], "'0s' is invalid"],
    ['too long a time', ['--app', 'plain', '--ttl', '3651d'], 'at most 3650d'],
    ['an impossible user', ['--app', 'plain', '--sub', ''], 'A user id has 1 to 128 characters'],
    ['facts that are no object', ['--app', 'plain', '--info', '["Ann"]'], 'It must be a JSON object'],
    ['a claim without a value', ['--app', 'plain', '--claim', 'x'], 'x is not name=value'],
    ['a claim without a name', ['--app', 'plain', '--claim', '=x'], '=x is not name=value'],
    [
      'a claim without a place',
      ['--app', 'keycloak', '--claim', 'aud.x=1'],
      "the claim aud.x can't be set: aud is not an object",
    ],
    ['a surplus argument', ['--app', 'plain', 'now'], "too many arguments for 'token'"],
  ] as const)('with %s', async ([, args, message]) => {
    const { code, stdout, stderr } = await token(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^kulkul: /);
    expect(stderr.replaceAll('\n', ' ')).toContain(message);
    for (const secret of [SECRET, NEXT_SECRET, 'plain-secret', 'BEGIN']) expect(stderr).not.toContain(secret);
  });

  test('with no app that lasts', async () => {
    const { code, stdout, stderr } = await run(['token']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('takes no tokens');
  });

  test('with a configuration that is broken', async () => {
    const { code, stderr } = await run(['token', '-c', configFile([app('x', { keys: [] })])]);
    expect(code).toBe(2);
    expect(stderr).toContain('appManager.array.apps[0].auth');
  });
});
