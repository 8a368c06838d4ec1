import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { grantRefusal } from '../../../auth/channel-rules.ts';
import type { Grant } from '../../../auth/grant.ts';
import { readToken, tokenKeysFor, verifyToken } from '../../../auth/json-web-token.ts';
import { blockOf, blocksOf } from '../../support/page-blocks.ts';
import { NOW_SECONDS, rsaKey, rsaPair, type Signing, sign } from '../../support/tokens.ts';
import { createFolder, onlyApp } from './load.ts';

const PAGE = 'docs/authorization.md';
const DASHBOARD = 'private-admin-dashboard';
const issuer = rsaPair();
type LoadedApp = ReturnType<typeof onlyApp>;

/** An app with the options of a block, or the only one of a block that is a whole file. */
async function appOf(text: string): Promise<LoadedApp> {
  const options = JSON.parse(text) as Record<string, unknown>;
  const folder = createFolder();
  await mkdir(join(folder, 'storage'));
  const publicKey = issuer.publicKey.export({ type: 'spki', format: 'pem' });
  writeFileSync(join(folder, 'storage/oauth-public.key'), publicKey);
  const apps = [{ id: '1', key: 'k', secret: 's', ...options }];
  return onlyApp({ file: 'appManager.array.apps' in options ? options : { 'appManager.array.apps': apps } }, folder);
}

/** What an app makes of a token; keys of its issuer need not be fetched. */
function grantOf({ tokens }: LoadedApp, token: string): Grant {
  if (tokens === undefined) throw new Error('the app takes no tokens');
  const read = readToken(tokens, token);
  const published = tokens.jwksUrl === undefined ? [] : [rsaKey(issuer, { algorithms: tokens.jwksAlgorithms })];
  return verifyToken(tokens, read, tokenKeysFor([...tokens.keys, ...published], read.header), NOW_SECONDS);
}

function opens(app: LoadedApp, channel: string, grant: Grant): boolean {
  return grantRefusal(app.channelRules, 'subscribe', channel, grant) === undefined;
}

test('every configuration on the page is accepted', async () => {
  const blocks = blocksOf(PAGE).filter(({ language }) => language === 'json');
  expect(blocks.map(({ heading }) => heading)).toEqual([
    'Start',
    'Names',
    'Laravel Sanctum',
    'Laravel Passport',
    'Keycloak',
    'Auth0',
    'Node',
  ]);
  for (const { text } of blocks) expect((await appOf(text)).tokens).toBeDefined();
});

interface Recipe {
  /** Claims as such an issuer writes them for somebody who may. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Those that make it a token of somebody who may not, or for somebody else. */
  readonly viewer: object;
  readonly stranger: object;
  readonly grant: Partial<Grant>;
}

const RS256: Signing = { key: issuer.privateKey, alg: 'RS256', header: { kid: 'current' } };

const RECIPES: Readonly<Record<string, Recipe>> = {
  'Laravel Passport': {
    claims: {
      aud: '9d3f2c1a-0000-4000-8000-000000000001',
      jti: 'a3f1',
      iat: NOW_SECONDS - 5.123456,
      nbf: NOW_SECONDS - 5.123456,
      exp: NOW_SECONDS + 894.876544,
      sub: '42',
      scopes: ['manage-machines', 'read'],
    },
    viewer: { scopes: ['read'] },
    stranger: { aud: 'another client' },
    grant: { userId: '42', roles: ['manage-machines', 'read'], expiresAtSeconds: NOW_SECONDS + 894.876544 },
  },
  Keycloak: {
    claims: {
      exp: NOW_SECONDS + 300,
      iat: NOW_SECONDS,
      iss: 'https://keycloak.example/realms/rvm',
      aud: ['kulkul', 'account'],
      sub: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      typ: 'Bearer',
      azp: 'dashboard',
      realm_access: { roles: ['default-roles-rvm', 'operator'] },
      resource_access: { account: { roles: ['view-profile'] } },
      scope: 'openid profile email',
      preferred_username: 'ann',
      user_info: { name: 'Ann' },
    },
    viewer: { realm_access: { roles: ['default-roles-rvm'] } },
    stranger: { aud: 'account' },
    grant: {
      userId: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      roles: ['default-roles-rvm', 'operator'],
      userInfoJson: '{"name":"Ann"}',
    },
  },
  Auth0: {
    claims: {
      'https://rvm.example/roles': ['operator'],
      'https://rvm.example/user_info': { name: 'Ann' },
      iss: 'https://rvm.eu.auth0.com/',
      sub: 'auth0|5f7c8ec7',
      aud: ['https://api.rvm.example', 'https://rvm.eu.auth0.com/userinfo'],
      iat: NOW_SECONDS,
      exp: NOW_SECONDS + 86_400,
      scope: 'openid profile',
      azp: 'client',
    },
    viewer: { 'https://rvm.example/roles': [] },
    stranger: { iss: 'https://other.eu.auth0.com/' },
    grant: { userId: 'auth0|5f7c8ec7', roles: ['operator'], userInfoJson: '{"name":"Ann"}' },
  },
};

describe.each(Object.entries(RECIPES))('tokens as %s issues them', (heading, { claims, viewer, stranger, grant }) => {
  test('say who holds them, and open the dashboard to those who may', async () => {
    const app = await appOf(blockOf(PAGE, heading, 'json'));
    const granted = grantOf(app, sign(claims, RS256));
    expect(granted).toMatchObject(grant);
    expect(opens(app, DASHBOARD, granted)).toBe(true);
    expect(opens(app, DASHBOARD, grantOf(app, sign({ ...claims, ...viewer }, RS256)))).toBe(false);
  });

  test('are refused when they are for somebody else, or signed by somebody else', async () => {
    const app = await appOf(blockOf(PAGE, heading, 'json'));
    expect(() => grantOf(app, sign({ ...claims, ...stranger }, RS256))).toThrow(/issuer|for \(aud\)/);
    expect(() => grantOf(app, sign(claims, { ...RS256, key: rsaPair().privateKey }))).toThrow(/signature .* is wrong/);
  });
});

/** Recipes in which the backend signs with a secret. */
describe.each(['Laravel Sanctum', 'Node'])('tokens as the backend of %s makes them', (heading) => {
  test('say who holds them, and open the dashboard to those who may', async () => {
    const app = await appOf(blockOf(PAGE, heading, 'json'));
    const [key] = app.tokens?.keys ?? [];
    if (key === undefined) throw new Error('the app has no key');
    const claims = { iss: 'https://rvm.example', sub: '42', roles: ['operator'], user_info: { name: 'Ann' } };
    const signing = { key: key.key };
    const granted = grantOf(app, sign({ ...claims, iat: NOW_SECONDS, exp: NOW_SECONDS + 900 }, signing));
    expect(granted).toMatchObject({ userId: '42', roles: ['operator'], userInfoJson: '{"name":"Ann"}' });
    expect(opens(app, DASHBOARD, granted)).toBe(true);
    expect(opens(app, DASHBOARD, grantOf(app, sign({ ...claims, roles: ['viewer'] }, signing)))).toBe(false);
  });
});

describe('the rules under Names', () => {
  test.each([
    ['private-org.a.billing', { roles: ['manager'], org: 'a' }, true],
    ['private-org.a.billing', { roles: ['manager'], org: 'b' }, false],
    ['private-org.a.billing', { roles: ['clerk'], org: 'a' }, false],
    ['private-org.a.news', { org: 'a' }, true],
    ['private-org.b.news', { org: 'a' }, false],
    ['presence-control-room', { roles: ['operator'] }, true],
    ['presence-control-room', { roles: ['viewer'] }, false],
    ['private-sensor.7', {}, true],
    ['reports', {}, true],
    ['private-other', { roles: ['admin'] }, false],
  ])('%s for %j: %s', async (channel, claims, isOpen) => {
    const app = await appOf(blockOf(PAGE, 'Names', 'json'));
    const [key] = app.tokens?.keys ?? [];
    if (key === undefined) throw new Error('the app has no key');
    expect(opens(app, channel, grantOf(app, sign({ sub: '42', ...claims }, { key: key.key })))).toBe(isOpen);
  });
});
