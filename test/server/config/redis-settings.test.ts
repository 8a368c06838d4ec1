import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../../server/config/index.ts';
import { createFolder, failure, fileName, load, oneApp } from './load.ts';

const redis = { ...oneApp, 'adapter.driver': 'redis' };

describe('settings of Redis', () => {
  it("are those of Soketi, out of Soketi's variables or a file", () => {
    const expected = {
      adapter: {
        driver: 'redis',
        nodeTimeoutSeconds: 10,
        onGap: 'disconnect',
        redis: { prefix: 'p', clusterMode: false },
      },
      database: {
        redis: { host: 'r', port: 6380, db: 3, username: 'u', password: '0123', keyPrefix: 'k:', name: 'm' },
      },
    };
    const env = {
      SOKETI_ADAPTER_DRIVER: 'redis',
      SOKETI_ADAPTER_REDIS_PREFIX: 'p',
      SOKETI_DB_REDIS_HOST: 'r',
      SOKETI_DB_REDIS_PORT: '6380',
      SOKETI_DB_REDIS_DB: '3',
      SOKETI_DB_REDIS_USERNAME: 'u',
      SOKETI_DB_REDIS_PASSWORD: '0123',
      SOKETI_DB_REDIS_KEY_PREFIX: 'k:',
      SOKETI_DB_REDIS_INSTANCE_NAME: 'm',
    };
    expect(load({ file: oneApp, env }).settings).toMatchObject(expected);
    expect(load({ file: { ...oneApp, ...expected } }).settings).toMatchObject(expected);
  });

  it('are one local server by default', () => {
    expect(load({ file: redis }).settings.database.redis).toEqual({
      host: '127.0.0.1',
      port: 6379,
      db: 0,
      keyPrefix: '',
      tls: false,
      sentinels: [],
      name: 'mymaster',
      clusterNodes: [],
    });
  });

  it('that are null, as in the defaults of Soketi, are not set', () => {
    const nothing = { host: null, password: null, sentinels: null, tls: null, keyPrefix: null };
    expect(load({ file: { ...redis, database: { redis: nothing } } }).settings.database.redis).toMatchObject({
      host: '127.0.0.1',
      sentinels: [],
      tls: false,
      keyPrefix: '',
    });
    const env = { SOKETI_DB_REDIS_PASSWORD: 'null', SOKETI_DB_REDIS_SENTINELS: 'null' };
    const overridden = load({ file: { ...redis, 'database.redis.password': 'p' }, env }).settings.database.redis;
    expect(overridden.password).toBeUndefined();
    expect(overridden.sentinels).toEqual([]);
  });

  it.each([
    ['[{"host":"a","port":1},{"host":"b","port":"2","password":"x"}]'],
    ['["a:1", "redis://:x@b:2"]'],
    ['a:1,redis://:x@b:2'],
  ])('take the addresses %s', (text) => {
    const expected = [
      { host: 'a', port: 1 },
      { host: 'b', port: 2, password: 'x' },
    ];
    const env = { SOKETI_DB_REDIS_CLUSTER_NODES: text };
    expect(load({ file: redis, env }).settings.database.redis.clusterNodes).toEqual(expected);
    const value: unknown = text.startsWith('[') ? JSON.parse(text) : text;
    const file = { ...redis, 'database.redis.sentinels': value };
    expect(load({ file }).settings.database.redis.sentinels).toEqual(expected);
  });

  it('take addresses without a port, and of version 6', () => {
    const env = { SOKETI_DB_REDIS_SENTINELS: 'a,[::1]:7' };
    expect(load({ file: redis, env }).settings.database.redis.sentinels).toEqual([
      { host: 'a' },
      { host: '::1', port: 7 },
    ]);
  });

  it('take TLS as true or as options, with certificates beside the file', () => {
    const cwd = createFolder();
    const tls = { ca: 'ca.pem', cert: '/c.pem', key: '-----BEGIN KEY', servername: 'ca.pem' };
    const read = (sources: Parameters<typeof load>[0]) => load(sources, cwd).settings.database.redis.tls;
    const expected = { ...tls, ca: path.join(cwd, 'ca.pem') };
    expect(read({ file: { ...redis, database: { redis: { tls } } } })).toEqual(expected);
    expect(read({ file: redis, env: { KULKUL_DATABASE_REDIS_TLS: JSON.stringify(tls) } })).toEqual(expected);
    expect(read({ file: { ...redis, 'database.redis.tls.servername': 'x', 'database.redis.tls.ca': 'y' } })).toEqual({
      servername: 'x',
      ca: path.join(cwd, 'y'),
    });
    for (const on of [true, 'true', '1']) expect(read({ file: { ...redis, 'database.redis.tls': on } })).toBe(true);
    expect(read({ file: redis, env: { KULKUL_DATABASE_REDIS_TLS: 'on' } })).toBe(true);
  });

  it('take options of the Redis client, and pass over what it does not know', () => {
    const file = {
      ...redis,
      database: { redis: { family: 6, natMap: { 'a:1': { host: 'b', port: 2 } }, hots: 'x', zzzzzz: 1 } },
    };
    const { settings, warnings } = load({ file });
    expect(settings.database.redis).toMatchObject({ family: 6, natMap: { 'a:1': { host: 'b', port: 2 } } });
    expect(settings.database.redis).not.toHaveProperty('hots');
    expect(warnings).toEqual([
      expect.stringMatching(/^database\.redis\.hots \(.*\) is no option .* passed over\. Did you mean host\?$/),
      expect.stringMatching(/^database\.redis\.zzzzzz \(.*\) is no option .* passed over\.$/),
    ]);
    const options = {
      'adapter.redis.redisPubOptions': { commandTimeout: 5 },
      'adapter.redis.redisSubOptions.family': 4,
    };
    expect(load({ file: { ...redis, ...options } }).settings.adapter.redis).toMatchObject({
      redisPubOptions: { commandTimeout: 5 },
      redisSubOptions: { family: 4 },
    });
  });

  it.each([
    [{ 'database.redis.port': 70000 }, 'database.redis.port: expected a whole number from 1 to 65535, got 70000.'],
    [{ 'database.redis.tls': 'maybe' }, 'database.redis.tls: expected true, false or an object ({ … }), got "maybe".'],
    [
      { 'database.redis.sentinels': ['a:b'] },
      'database.redis.sentinels: expected a list of "host:port" or { "host", "port" }, got a list.',
    ],
    [{ 'adapter.redis.redisPubOptions': 'x' }, 'adapter.redis.redisPubOptions: expected an object ({ … }), got "x".'],
    [{ 'adapter.redis.prefix': 'a{b}' }, 'adapter.redis.prefix: must not contain braces'],
    [{ 'adapter.nodeTimeoutSeconds': 0 }, 'adapter.nodeTimeoutSeconds: expected a whole number from 1 to'],
    [
      { 'adapter.onGap': 'ignroe' },
      'adapter.onGap: expected one of disconnect, ignore, got "ignroe". Did you mean ignore?',
    ],
    [
      { 'database.redis.sentinels': 'a:1', 'database.redis.clusterNodes': 'b:1' },
      'database.redis.sentinels: a Redis Cluster has no Sentinels.',
    ],
    [
      { 'adapter.redis.clusterMode': true, 'database.redis.db': 1 },
      'database.redis.db: a Redis Cluster has database 0 only.',
    ],
  ])('are refused when they are %j', (settings, message) => {
    expect(failure({ file: { ...redis, ...settings } })).toContain(message);
  });

  it('are named and harm nobody, right or wrong, where Redis is not used', () => {
    const file = { ...oneApp, database: { redis: { host: 'r', port: 'x', family: 6 } } };
    expect(load({ file, env: { SOKETI_ADAPTER_REDIS_PREFIX: 'p' } }).warnings).toEqual([
      'Without effect while adapter.driver is local: database.redis.host, database.redis.family, adapter.redis.prefix (SOKETI_ADAPTER_REDIS_PREFIX).',
    ]);
  });

  it('are described with what is secret masked', () => {
    const file = `{
      "adapter.driver": "redis",
      "adapter.redis.redisPubOptions": { "password": "hidden" },
      "database.redis": {
        "password": "hidden", "sentinelPassword": "hidden", "tls": { "passphrase": "hidden" }, "sentinelTLS": { "key": "hidden" },
        "sentinels": ["redis://user:hidden@a:1", { "host": "b", "password": "hidden" }]
      }
    }`;
    const text = describeConfig(load({ file })).replace(/ +/g, ' ');
    expect(text).not.toContain('hidden');
    expect(text).toContain(`database.redis.password = ••• (file ${fileName}:5)\n`);
    expect(text).toContain('database.redis.sentinels = a:1, b (file');
    expect(text).toContain('database.redis.sentinelTLS = set (file');
    expect(text).toContain('database.redis.username = unset (default)\n');
    expect(describeConfig(load({}))).not.toContain('database.redis');
  });

  it('keep passwords out of what is said about mistakes', () => {
    const env = {
      SOKETI_DB_REDIS_PORT: 'redis://user:hidden@a',
      SOKETI_DB_REDIS_SENTINELS: 'redis://u:hidden@a:99999999',
    };
    const message = failure({ file: redis, env });
    expect(message.split('\n')).toHaveLength(2);
    expect(message).not.toContain('hidden');
  });
});

describe('workers and drain', () => {
  it('are one process, and a plain restart, unless said', () => {
    expect(load({}).settings).toMatchObject({
      workers: 1,
      drain: { mode: 'restart', readyDelaySeconds: 0, jitter: 0.5 },
    });
    expect(load({}).settings.drain.seconds).toBeUndefined();
  });

  it('are set by file, variable and flag', () => {
    expect(load({ file: { ...oneApp, workers: 3 } }).settings.workers).toBe(3);
    expect(load({ file: { ...oneApp, workers: 'auto' } }).settings.workers).toBe('auto');
    expect(load({ env: { KULKUL_WORKERS: '"auto"' } }).settings.workers).toBe('auto');
    expect(load({ env: { KULKUL_WORKERS: 'auto' }, flags: { workers: 2 } }).settings.workers).toBe(2);
    expect(
      load({ file: { ...oneApp, drain: { seconds: 0.5, jitter: 0, readyDelaySeconds: 5 } } }).settings.drain,
    ).toEqual({ mode: 'move', seconds: 0.5, jitter: 0, readyDelaySeconds: 5 });
  });

  it('move clients with Redis, or when anything is said about it; else they wait for the next process', () => {
    const mode = (file: object): string => load({ file: { ...oneApp, ...file } }).settings.drain.mode;
    expect(mode({ drain: { mode: 'auto' } })).toBe('restart');
    expect(mode({ shutdownGracePeriod: 5000 })).toBe('restart');
    expect(mode({ drain: { seconds: 0 } })).toBe('move');
    expect(mode({ drain: { mode: 'auto', jitter: 1 } })).toBe('move');
    expect(mode({ drain: { readyDelaySeconds: 1 } })).toBe('move');
    expect(mode({ 'adapter.driver': 'redis' })).toBe('move');
    expect(mode({ drain: { mode: 'move' } })).toBe('move');
    expect(mode({ 'adapter.driver': 'redis', drain: { mode: 'restart', seconds: 5 } })).toBe('restart');
    expect(load({ file: oneApp, env: { SOKETI_ADAPTER_DRIVER: 'redis' } }).origins.get('drain.mode')).toMatchObject({
      kind: 'variable',
      name: 'SOKETI_ADAPTER_DRIVER',
    });
  });

  it('are named where they are of no use', () => {
    const file = { ...oneApp, drain: { mode: 'restart', seconds: 5, readyDelaySeconds: 1 } };
    expect(load({ file, env: { SOKETI_SHUTDOWN_GRACE_PERIOD: '5000' } }).warnings).toEqual([
      'Without effect while drain.mode is restart: drain.seconds, shutdownGracePeriod (SOKETI_SHUTDOWN_GRACE_PERIOD).',
    ]);
    expect(load({ file: { ...file, drain: { mode: 'move', seconds: 5 } } }).warnings).toEqual([]);
  });

  it.each(['0', '1.5', 'all', 'null'])('refuse %s workers', (workers) => {
    expect(failure({ flags: { workers } })).toBe(
      `--workers  workers: expected a whole number of at least 1, or auto, got "${workers}".`,
    );
  });
});
