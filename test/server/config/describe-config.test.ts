import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../../server/config/index.ts';
import { load } from './load.ts';

const file = `{
  "host": "127.0.0.1",
  "ssl": { "certPath": "/c.pem", "keyPath": "/k.pem", "passphrase": "hidden" },
  "appManager.array.apps": [
    { "id": "1", "key": "public", "secret": "hidden", "keys": [{ "key": "second", "secret": "hidden" }], "webhooks": [{ "url": "https://user:hidden@example.com/?token=hidden", "event_types": ["cache_miss", "subscription_count"], "filter": { "channel_name_starts_with": "cache-" }, "headers": { "X-Token": "hidden" } }] }
  ]
}`;

/** Without the alignment. */
const compact = (text: string): string => text.replace(/ +/g, ' ');

describe('described configuration', () => {
  it('tells every effective value and where it comes from', () => {
    const text = compact(
      describeConfig(load({ file, dotenv: 'SOKETI_PORT=1', env: { KULKUL_DEBUG: '1' }, flags: { port: 2 } })),
    );
    expect(text).toContain('host = "127.0.0.1" (file soketi.config.json:2)\n');
    expect(text).toContain('port = 2 (flag --port)\n');
    expect(text).toContain('debug = true (variable KULKUL_DEBUG)\n');
    expect(text).toContain('log.level = "debug" (variable KULKUL_DEBUG)\n');
    expect(text).toContain('pathPrefix = "" (default)\n');
    expect(text).toContain('# App "1"\napps.0.id = "1" (file soketi.config.json:5)\n');
    expect(text).toContain('apps.0.key = "public" (file');
    expect(compact(describeConfig(load({ dotenv: 'SOKETI_PORT=1' })))).toContain(
      'port = 1 (variable SOKETI_PORT in .env)\n',
    );
  });

  it('masks every secret', () => {
    const text = compact(describeConfig(load({ file })));
    expect(text).not.toContain('hidden');
    expect(text).toContain('ssl.passphrase = ••• (file');
    expect(text).toContain('apps.0.secret = ••• (file');
    expect(text).toContain('apps.0.keys = "second" with ••• (file');
    expect(text).toContain(
      'apps.0.webhooks.0 = https://•••@example.com/?token=•••, cache_miss subscription_count, channel_name_starts_with "cache-", headers X-Token (file',
    );
  });

  it('aligns the values, and ends with the warnings', () => {
    const text = describeConfig(load({ file }));
    const columns = text.split('\n').flatMap((line) => (line.includes(' = ') ? [line.indexOf(' = ')] : []));
    expect(new Set(columns).size).toBe(1);
    expect(text).toMatch(/# Warnings\n- appManager\.array\.apps\[0\]\.webhooks\[0\]\.event_types\[1\] .+\.\n$/);
  });

  it('is brief about what is off, and says that an app is made up', () => {
    const text = compact(describeConfig(load({})));
    expect(text).toContain('ssl = off (default)\n');
    expect(text).not.toContain('ssl.certPath');
    expect(text).not.toContain('# Warnings');
    expect(text).toMatch(/# App "\d+", with random credentials for this run\n/);
    expect(text).toMatch(/apps\.0\.key = "\w+" \(generated for this run\)/);
  });
});
