import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import type { App } from '../../../channels/app.ts';
import { ListedApps } from '../../../server/apps/listed-apps.ts';
import { load } from '../config/load.ts';

type Options = Record<string, unknown>;

function apps(...options: Options[]): readonly App[] {
  const complete = options.map(({ id, ...others }) => ({ id, key: `key-${id}`, secret: 's', ...others }));
  return load({ file: { 'appManager.array.apps': complete } }).apps;
}

/** What a second list changes, as it is answered and as it is told. */
function change(before: Options[], after: Options[]) {
  const directory = new ListedApps(apps(...before));
  const told: [string, boolean][] = [];
  directory.onChange((id, app) => told.push([id, app !== undefined && directory.byId(id) === app]));
  return { ...directory.replace(apps(...after)), told };
}

const publicKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' });

test('a new list tells what it added, changed and removed, and which app it is now', () => {
  const before = [{ id: 'same' }, { id: 'other' }, { id: 'old' }];
  const after = [{ id: 'new' }, { id: 'same' }, { id: 'other', enabled: false }];
  expect(change(before, after)).toEqual({
    added: ['new'],
    changed: ['other'],
    removed: ['old'],
    told: [
      ['new', true],
      ['other', true],
      ['old', false],
    ],
  });
});

test('an app that says the same stays the same one, with keys for tokens and rules of channels, too', () => {
  const jwt = { keys: [{ secret: 'x'.repeat(32) }, { publicKey: publicKey() }], issuer: 'https://issuer.example' };
  const app = {
    id: '1',
    auth: { jwt },
    channels: [{ name: 'private-user.{sub}' }],
    keys: [{ key: 'k2', secret: 's' }],
  };
  const directory = new ListedApps(apps(app));
  const before = directory.byId('1');
  // What has been used remembers what it was asked for.
  expect(before?.tokens?.keys[1]?.key.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  expect(directory.replace(apps(app))).toEqual({ added: [], changed: [], removed: [] });
  expect(directory.byId('1')).toBe(before);
  expect(directory.byKey('k2')).toBe(before);
});

test.each<[string, (app: { jwt: Options; channels: Options[] }) => void]>([
  ['another secret', ({ jwt }) => (jwt.keys = [{ secret: 'y'.repeat(32) }])],
  ['a public key in its place', ({ jwt }) => (jwt.keys = [{ publicKey: publicKey() }])],
  ['another issuer', ({ jwt }) => (jwt.issuer = 'https://other.example')],
  ['another role', ({ channels }) => (channels[0] = { name: 'private-*', subscribe: { roles: ['b'] } })],
  ['another pattern', ({ channels }) => (channels[0] = { name: 'private-x*', subscribe: { roles: ['a'] } })],
])('%s is a change', (_, edit) => {
  const create = () => ({
    jwt: { keys: [{ secret: 'x'.repeat(32) }] } as Options,
    channels: [{ name: 'private-*', subscribe: { roles: ['a'] } }] as Options[],
  });
  const edited = create();
  edit(edited);
  const app = ({ jwt, channels }: ReturnType<typeof create>) => ({ id: '1', auth: { jwt }, channels });
  expect(change([app(create())], [app(edited)]).changed).toEqual(['1']);
});
