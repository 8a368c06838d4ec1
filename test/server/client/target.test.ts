import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { credentialsOf, findTarget, type Target, type TargetFlags } from '../../../server/client/target.ts';
import { loadConfig } from '../../../server/config/index.ts';
import { temporaryFolder } from '../../support/process.ts';

const PUSHER = { PUSHER_APP_ID: '1', PUSHER_APP_KEY: 'pusher-key', PUSHER_APP_SECRET: 'pusher-secret' };
const REVERB = { REVERB_APP_ID: '2', REVERB_APP_KEY: 'reverb-key', REVERB_APP_SECRET: 'reverb-secret' };
const PUSHER_APP = { id: '1', key: 'pusher-key', secret: 'pusher-secret' };

interface Place {
  readonly flags?: TargetFlags;
  readonly env?: Readonly<Record<string, string>>;
  /** Files by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What a command finds in a folder that has these files. */
function find({ flags = {}, env = {}, files = {} }: Place): Target {
  const cwd = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  return findTarget(flags, env, cwd, () => loadConfig({ flags: { config: flags.config }, env, cwd }));
}

describe('the server', () => {
  test.each([
    ['https://ws.example.com', 'https://ws.example.com', 'wss://ws.example.com'],
    ['wss://ws.example.com:8443/ws/', 'https://ws.example.com:8443/ws', 'wss://ws.example.com:8443/ws'],
    ['http://[::1]:6001', 'http://[::1]:6001', 'ws://[::1]:6001'],
    ['ws.example.com', 'https://ws.example.com', 'wss://ws.example.com'],
  ])('is the one of --url %s', (url, apiUrl, socketUrl) => {
    expect(find({ flags: { url, key: 'k' } })).toMatchObject({ apiUrl, socketUrl, app: { key: 'k' } });
  });

  test('is the hosted one of a cluster, by flag or as Laravel takes it', () => {
    const hosted = { apiUrl: 'https://api-eu.pusher.com', socketUrl: 'wss://ws-eu.pusher.com' };
    expect(find({ flags: { cluster: 'eu', key: 'k' } })).toMatchObject(hosted);
    expect(find({ env: { ...PUSHER, PUSHER_APP_CLUSTER: 'eu' } })).toMatchObject({ ...hosted, app: PUSHER_APP });
  });

  test('is the one of PUSHER_HOST before a cluster, with https and port 443 by default', () => {
    const env = { ...PUSHER, PUSHER_APP_CLUSTER: 'eu', PUSHER_HOST: 'ws.example.com' };
    expect(find({ env }).apiUrl).toBe('https://ws.example.com');
    expect(find({ env: { ...env, PUSHER_SCHEME: 'http', PUSHER_PORT: '6001' } }).socketUrl).toBe(
      'ws://ws.example.com:6001',
    );
  });

  test('is the broker that would be started here, where variables name none', () => {
    expect(find({ env: { ...PUSHER, KULKUL_PORT: '7001' } }).apiUrl).toBe('http://127.0.0.1:7001');
  });

  test('is the one of the configuration, with its prefix', () => {
    const text = JSON.stringify({ host: '::', port: 7001, pathPrefix: '/ws', 'appManager.array.apps': [PUSHER_APP] });
    const { apiUrl, app, source } = find({ flags: { config: 'kulkul.json' }, files: { 'kulkul.json': text } });
    expect({ apiUrl, app }).toMatchObject({ apiUrl: 'http://[::1]:7001/ws', app: PUSHER_APP });
    expect(source).toMatch(/kulkul\.json$/);
  });
});

describe('the app', () => {
  test('is read from .env, and BROADCAST_CONNECTION chooses between two', () => {
    const lines = Object.entries({ ...PUSHER, ...REVERB, REVERB_HOST: 'r.example.com' }).map(
      ([name, text]) => `${name}=${text}`,
    );
    const files = { '.env': `${lines.join('\n')}\n` };
    expect(find({ files })).toMatchObject({ app: PUSHER_APP, source: 'PUSHER_APP_KEY in .env' });
    const reverb = { id: '2', key: 'reverb-key', secret: 'reverb-secret' };
    expect(find({ files, env: { BROADCAST_CONNECTION: 'reverb' } })).toMatchObject({
      app: reverb,
      apiUrl: 'https://r.example.com',
    });
  });

  test('is read from the URL that SDKs take', () => {
    const url = 'http://key:se%2Fcret@api.example.com:8080/apps/7';
    expect(find({ env: { PUSHER_URL: url } })).toMatchObject({
      apiUrl: 'http://api.example.com:8080',
      app: { id: '7', key: 'key', secret: 'se/cret' },
    });
  });

  test('is never made of halves of two', () => {
    expect(find({ flags: { key: 'other' }, env: PUSHER }).app).toEqual({ key: 'other' });
    expect(find({ flags: { key: 'pusher-key' }, env: PUSHER }).app).toMatchObject(PUSHER_APP);
  });

  test.each<[string, Place, string]>([
    ['none is known', {}, 'no app is configured here'],
    [
      'its secret is missing',
      { flags: { url: 'https://a.example', app: '1', key: 'k' } },
      'add its secret (PUSHER_APP_SECRET, or --secret)',
    ],
    [
      'the address is none',
      { flags: { url: 'ftp://me:hidden@a.example' } },
      '--url: ftp://•••@a.example is no address',
    ],
    ['two servers are named', { flags: { url: 'https://a.example', cluster: 'eu' } }, 'leave one out'],
    [
      'the configuration has several',
      {
        flags: { config: 'k.json' },
        files: {
          'k.json': JSON.stringify({ 'appManager.array.apps': [PUSHER_APP, { ...PUSHER_APP, id: '3', key: 'k3' }] }),
        },
      },
      'which app is meant? Add --app with an id: 1, 3',
    ],
  ])('is asked for where %s', (_, place, message) => {
    expect(() => credentialsOf(find(place))).toThrow(message);
  });
});
