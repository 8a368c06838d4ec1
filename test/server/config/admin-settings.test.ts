import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../../server/config/index.ts';
import { failure, load, oneApp } from './load.ts';

const TOKEN = '0123456789abcdef';

describe('settings of the admin API', () => {
  it('are port 9601 of loopback without a token by default', () => {
    const { admin } = load({ file: oneApp }).settings;
    expect(admin).toEqual({ enabled: true, host: '127.0.0.1', port: 9601, token: '', tokens: [] });
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

  describe('admin.tokens', () => {
    const tokens = [
      { name: 'grafana', token: 'token-of-grafana-01' },
      { name: 'Ada', token: 'token-of-ada-0123456', access: 'all', apps: ['1'] },
    ];

    it('are read from a file or a variable, and read only by default', () => {
      const expected = [
        { name: 'grafana', token: 'token-of-grafana-01', access: 'read' },
        { name: 'Ada', token: 'token-of-ada-0123456', access: 'all', apps: ['1'] },
      ];
      expect(load({ file: { ...oneApp, admin: { tokens } } }).settings.admin.tokens).toEqual(expected);
      const env = { KULKUL_ADMIN_TOKENS: JSON.stringify(tokens) };
      expect(load({ file: oneApp, env }).settings.admin.tokens).toEqual(expected);
      expect(load({ file: { ...oneApp, admin: { tokens, host: '0.0.0.0' } } }).settings.admin.host).toBe('0.0.0.0');
    });

    it.for([
      [[{ name: 'a' }], 'admin.tokens[0].token: missing.'],
      [[{ name: 'a', token: 'short' }], 'admin.tokens[0].token: must have at least 16 characters'],
      [[{ name: 'a', token: '' }], 'admin.tokens[0].token: '],
      [[{ name: '', token: TOKEN }], 'admin.tokens[0].name: must not be empty'],
      [[{ name: 'a\nb', token: TOKEN }], 'admin.tokens[0].name: must be a name'],
      [
        [{ name: 'a', token: TOKEN, access: 'write' }],
        'admin.tokens[0].access: expected one of read, all, got "write".',
      ],
      [[{ name: 'a', token: TOKEN, apps: [] }], 'admin.tokens[0].apps: must name an app'],
      [[{ name: 'a', token: TOKEN, app: ['1'] }], 'admin.tokens[0].app: unknown setting. Did you mean apps?'],
      [[tokens[0], { name: 'grafana', token: TOKEN }], 'admin.tokens[1].name: is the name of another one, too.'],
      [[tokens[0], { name: 'b', token: tokens[0]?.token }], 'admin.tokens[1].token: is the token of another one, too.'],
      [{ name: 'a', token: TOKEN }, 'admin.tokens: expected a list of { "name", "token", "access", "apps" }'],
      ['all', 'admin.tokens: expected a list'],
    ] as const)('are refused when they are wrong: %j', ([wrong, message]) => {
      const text = failure({ file: { ...oneApp, admin: { tokens: wrong } } });
      expect(text).toContain(message);
      expect(text).not.toContain(TOKEN);
    });

    it('are not the token that may do everything, nor placeholders that others can guess', () => {
      const admin = { token: tokens[0]?.token, tokens };
      expect(failure({ file: { ...oneApp, admin } })).toContain('one of them is admin.token, too');
      const guessed = [{ name: 'a', token: 'put-the-output-of-openssl-rand-here' }];
      expect(failure({ file: { ...oneApp, admin: { host: '0.0.0.0', tokens: guessed } } })).toContain(
        'admin.tokens[0].token: is the placeholder',
      );
    });

    it('are described without the tokens', () => {
      const text = describeConfig(load({ file: { ...oneApp, admin: { tokens } } }));
      expect(text).toMatch(/admin\.tokens\.0 += "grafana", access read, all apps/);
      expect(text).toMatch(/admin\.tokens\.1 += "Ada", access all, apps 1/);
      for (const { token } of tokens) expect(text).not.toContain(token);
    });
  });
});
