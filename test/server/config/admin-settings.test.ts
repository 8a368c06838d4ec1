import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../../server/config/index.ts';
import { failure, load, oneApp } from './load.ts';

const TOKEN = '0123456789abcdef';

describe('settings of the admin API', () => {
  it('are port 9601 of loopback without a token by default', () => {
    const { admin } = load({ file: oneApp }).settings;
    expect(admin).toEqual({ enabled: true, host: '127.0.0.1', port: 9601, token: '' });
  });

  it.for(['0.0.0.0', '::', '10.0.0.5', 'broker.internal', '127.0.0.1.example.com'])(
    'ask for a token on %s, which others can reach',
    (host) => {
      expect(failure({ file: oneApp, env: { KULKUL_ADMIN_HOST: host } })).toBe(
        `KULKUL_ADMIN_HOST  admin.host: on ${host} others can reach the admin API, so it needs admin.token. Create one with: openssl rand -hex 32. Or leave it on 127.0.0.1.`,
      );
      expect(load({ file: { ...oneApp, admin: { host, token: TOKEN } } }).settings.admin.host).toBe(host);
      expect(load({ file: { ...oneApp, admin: { host, enabled: false } } }).settings.admin.host).toBe(host);
    },
  );

  it.for(['127.0.0.1', '127.0.0.2', '::1', 'localhost'])('need none on %s', (host) => {
    expect(load({ file: { ...oneApp, admin: { host } } }).settings.admin.host).toBe(host);
  });

  it('refuse a token that can be guessed or sent in no header, without showing it', () => {
    for (const token of ['secret', `${TOKEN} ${TOKEN}`, `${TOKEN}ü`]) {
      const message = failure({ file: { ...oneApp, admin: { host: '0.0.0.0', token } } });
      expect(message).toMatch(
        /:1:\d+ {2}admin.token: must have at least 16 characters, all of them letters, digits or signs \(openssl rand -hex 32\), got •••\.$/,
      );
      expect(message.split('\n')).toHaveLength(1);
    }
  });

  it('are described with the token masked', () => {
    const text = describeConfig(load({ file: { ...oneApp, 'admin.token': TOKEN } }));
    expect(text).not.toContain(TOKEN);
    expect(text).toMatch(/admin\.token += •••/);
    expect(describeConfig(load({ file: oneApp }))).toMatch(/admin\.token += "" /);
  });
});
