import { describe, expect, onTestFinished, test } from 'vitest';
import type { Settings } from '../../../server/config/index.ts';
import { startBroker } from '../../support/broker.ts';
import { load } from './load.ts';

const TOKEN = 'a-token-of-more-than-16-characters';

/** Cause: an IPv6 address was taken as it stood. Symptom: with the brackets that URLs want, nothing could listen or connect: "[::1] is not the name of this machine". */
describe('an IPv6 address may stand in brackets', () => {
  const hosts: readonly (readonly [string, (settings: Settings) => unknown])[] = [
    ['host', ({ host }) => host],
    ['admin.host', ({ admin }) => admin.host],
    ['database.redis.host', ({ database }) => database.redis.host],
    ['database.mysql.host', ({ database }) => database.mysql.host],
    ['database.postgres.host', ({ database }) => database.postgres.host],
  ];

  test.each(hosts)('in %s of a file', (name, of) => {
    const hostIn = (value: string): unknown => of(load({ file: { 'admin.token': TOKEN, [name]: value } }).settings);
    expect(hostIn('[::1]')).toBe('::1');
    expect(hostIn('::1')).toBe('::1');
    expect(hostIn('[fe80::1%eth0]')).toBe('fe80::1%eth0');
    expect(hostIn('db.internal')).toBe('db.internal');
    expect(hostIn('[not-an-address]')).toBe('[not-an-address]');
  });

  test.each([
    ['SOKETI_HOST', 'host'],
    ['KULKUL_HOST', 'host'],
    ['REVERB_SERVER_HOST', 'host'],
    ['KULKUL_ADMIN_HOST', 'admin.host'],
    ['SOKETI_DB_REDIS_HOST', 'database.redis.host'],
    ['SOKETI_DB_MYSQL_HOST', 'database.mysql.host'],
    ['SOKETI_DB_POSTGRES_HOST', 'database.postgres.host'],
  ])('in the variable %s', (variable, name) => {
    const { settings } = load({ env: { [variable]: '[::1]', KULKUL_ADMIN_TOKEN: TOKEN } });
    expect(hosts.find(([known]) => known === name)?.[1](settings)).toBe('::1');
  });

  test('in the flag --host', () => {
    expect(load({ flags: { host: '[::1]' } }).settings.host).toBe('::1');
  });

  test('in the lists of Sentinels and nodes', () => {
    const file = {
      'database.redis.sentinels': ['[::1]:26379', { host: '[::1]', port: 26380 }],
      'database.redis.clusterNodes': [{ host: '[2001:db8::7]' }],
    };
    const { redis } = load({ file }).settings.database;
    expect(redis.sentinels).toEqual([
      { host: '::1', port: 26379 },
      { host: '::1', port: 26380 },
    ]);
    expect(redis.clusterNodes).toEqual([{ host: '2001:db8::7' }]);
  });

  test('and is listened on', async () => {
    const broker = await startBroker({ host: '[::1]' });
    onTestFinished(() => broker.kill());
    expect(await (await fetch(`http://[::1]:${broker.port}/ready`)).text()).toBe('OK');
  });

  test('and the admin API on loopback needs no token', () => {
    expect(load({ file: { 'admin.host': '[::1]' } }).settings.admin).toMatchObject({ host: '::1', token: '' });
  });
});
