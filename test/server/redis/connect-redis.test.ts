import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connectRedis } from '../../../server/redis/connect-redis.ts';
import { RedisStartError } from '../../../server/redis/redis-options.ts';
import { freePort } from '../../support/free-port.ts';
import { RedisCluster } from '../../support/redis-cluster.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { redisSettings } from '../../support/redis-settings.ts';
import { Authority } from '../../support/tls.ts';

const log = pino({ level: 'silent' });
/** What no message may contain. */
const PASSWORD = 'pass-never-shown';

type Given = Parameters<typeof redisSettings>[0];

/** A server for one test. */
async function startServer(...args: string[]): Promise<RedisServer> {
  const server = await RedisServer.start(...args);
  onTestFinished(() => server.dispose());
  return server;
}

/** The start with these settings must work. */
async function connect(given: Given): Promise<void> {
  const link = await connectRedis(redisSettings(given), log, 2000);
  try {
    expect(link.isUp).toBe(true);
    expect(await link.commands.do((client) => client.echo('hello'))).toBe('hello');
  } finally {
    link.close();
  }
}

/** The start with these settings must fail; `part: message`. */
async function failure(given: Given, waitMs = 0): Promise<string> {
  try {
    (await connectRedis(redisSettings(given), log, waitMs)).close();
  } catch (error) {
    if (!(error instanceof RedisStartError)) throw error;
    expect(error.message).not.toContain(PASSWORD);
    return `${error.part}: ${error.message}`;
  }
  throw new Error('the connection was made');
}

describe('one server', () => {
  let server: RedisServer;
  let at: string;
  beforeAll(async () => {
    server = await RedisServer.start('--requirepass', PASSWORD);
    at = `Redis at 127.0.0.1:${server.port}`;
    const link = await connectRedis(redisSettings(withPassword()), log);
    const users = [
      ['full', '~*', '&*', '+@all'],
      ['prefixed', '~mine:kulkul:*', '&mine:kulkul:*', '+@all', '-info'],
      ['readonly', '~*', '&*', '+@read', '+@connection'],
      ['scriptless', '~*', '&*', '+@all', '-@scripting'],
      ['timeless', '~*', '&*', '+@all', '-time'],
      ['topicless', '~*', 'resetchannels', '+@all'],
      ['unsubscribed', '~*', '&*', '+@all', '-subscribe'],
    ];
    for (const [name = '', ...rules] of users) {
      await link.commands.do((client) => client.call('ACL', 'SETUSER', name, 'on', `>${PASSWORD}`, ...rules));
    }
    link.close();
  });
  afterAll(() => server.dispose());

  const withPassword = (more: Given = {}): Given => ({
    'database.redis.port': server.port,
    'database.redis.password': PASSWORD,
    ...more,
  });
  const asUser = (username: string, more: Given = {}): Given =>
    withPassword({ 'database.redis.username': username, ...more });

  test('is connected to by password, by user, with a database and options for either connection', async () => {
    await connect(withPassword());
    await connect(asUser('full', { 'database.redis.db': 3 }));
    await connect(
      withPassword({ 'adapter.redis.redisPubOptions': { db: 2 }, 'adapter.redis.redisSubOptions': { keepAlive: 1 } }),
    );
  });

  test('is enough when its user may do no more than Kulkul does, under the prefix', async () => {
    await connect(asUser('prefixed', { 'database.redis.keyPrefix': 'mi', 'adapter.redis.prefix': 'ne:' }));
    expect(await failure(asUser('prefixed'))).toMatch(/^writing: .*NOPERM.*~kulkul:\*\.$/);
  });

  test('that is not there is named with its address, once waiting for it is over', async () => {
    const port = await freePort();
    expect(await failure({ 'database.redis.port': port }, 300)).toBe(
      `address: Redis at 127.0.0.1:${port}: can't be reached (nothing listens there). ` +
        'Start Redis, or set database.redis.host and database.redis.port (SOKETI_DB_REDIS_HOST, SOKETI_DB_REDIS_PORT).',
    );
    expect(await failure({ 'database.redis.host': 'no-such-host.invalid' })).toContain('the host name is not known');
  });

  test('that comes up a moment later is waited for', async () => {
    const late = await startServer();
    await late.kill();
    const connecting = connectRedis(redisSettings({ 'database.redis.port': late.port }), log, 10_000);
    await late.run();
    (await connecting).close();
  });

  test('that wants a password, or another one, says so', async () => {
    expect(await failure({ 'database.redis.port': server.port })).toBe(
      `password: ${at}: wants a password. Set database.redis.password.`,
    );
    const wrong = `${PASSWORD}-wrong`;
    expect(await failure(withPassword({ 'database.redis.password': wrong }))).toMatch(
      /^password: .*refuses the password \(WRONGPASS.*Check database\.redis\.username and database\.redis\.password\.$/,
    );
    expect(await failure(asUser('nobody'))).toContain('refuses user "nobody" with this password');
  });

  test('that needs no password takes one', async () => {
    const open = await startServer();
    await connect({ 'database.redis.port': open.port, 'database.redis.password': PASSWORD });
  });

  test('without the database says so', async () => {
    expect(await failure(withPassword({ 'database.redis.db': 16 }))).toBe(
      `database: ${at}: has no database 16 for this user (ERR DB index is out of range). Check database.redis.db.`,
    );
  });

  test.each([
    ['readonly', 'writing', 'writing a key fails (NOPERM', '+@write'],
    ['scriptless', 'scripts', 'running a script fails (NOPERM', '+@scripting'],
    ['timeless', 'scripts', 'running a script fails (ERR', '+time'],
    ['topicless', 'pub/sub', 'subscribing to a topic fails (NOPERM', '+@pubsub &kulkul:*'],
    ['unsubscribed', 'pub/sub', 'subscribing to a topic fails (NOPERM', '+@pubsub &kulkul:*'],
  ])('whose user is %s fails at the part that is not allowed, and says which rule is missing', async (...given) => {
    const [user, part, message, rule] = given;
    const text = await failure(asUser(user));
    expect(text).toContain(`${part}: ${at}: ${message}`);
    expect(text).toContain(rule);
  });

  test('that is a replica can not be written to', async () => {
    const replica = await startServer('--replicaof', `127.0.0.1 ${server.port}`, '--masterauth', PASSWORD);
    const text = await failure({ 'database.redis.port': replica.port }, 5000);
    expect(text).toMatch(/^writing: .*READONLY.* This is a replica: connect to the master/);
  });
});

describe('TLS', () => {
  let server: RedisServer;
  let port: number;
  let folder: string;
  let ca: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kulkul-test-'));
    const authority = await Authority.create();
    const { cert, key } = await authority.issue();
    ca = join(folder, 'ca.pem');
    for (const [name, text] of Object.entries({ 'ca.pem': authority.cert, 'cert.pem': cert, 'key.pem': key })) {
      writeFileSync(join(folder, name), text);
    }
    port = await freePort();
    const files = ['ca-cert-file', 'cert-file', 'key-file'].flatMap((name) => [
      `--tls-${name}`,
      join(folder, `${name.replace(/-.*/, '')}.pem`),
    ]);
    server = await RedisServer.start('--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no', ...files);
  });
  afterAll(async () => {
    await server.dispose();
    rmSync(folder, { recursive: true });
  });

  test('is used with the authority in a file, or in the settings themselves', async () => {
    await connect({ 'database.redis.port': port, 'database.redis.tls': { ca } });
    await connect({ 'database.redis.port': port, 'database.redis.tls': { rejectUnauthorized: false } });
  });

  test('with a certificate that is not trusted says so', async () => {
    expect(await failure({ 'database.redis.port': port, 'database.redis.tls': true })).toMatch(
      /^TLS: .*TLS fails \(.*\)\. The certificate is not trusted: set database\.redis\.tls\.ca/,
    );
  });

  test('that is missing on our side, or on theirs, says so', async () => {
    expect(await failure({ 'database.redis.port': port })).toMatch(
      /^TLS: .*ends the connection without an answer .* If this port speaks TLS, set database\.redis\.tls/,
    );
    const plain = await startServer();
    expect(await failure({ 'database.redis.port': plain.port, 'database.redis.tls': true })).toMatch(
      /^TLS: .*TLS fails \(.*\)\. Check that this port speaks TLS/,
    );
  });

  test('with a file that is not there says which', async () => {
    expect(await failure({ 'database.redis.tls': { ca: join(folder, 'none.pem') } })).toContain(
      `TLS: database.redis.tls.ca: the file ${join(folder, 'none.pem')} can't be read (ENOENT).`,
    );
  });
});

describe('a cluster', () => {
  let cluster: RedisCluster;
  let nodes: string;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
    nodes = `127.0.0.1:${await freePort()},127.0.0.1:${cluster.masters[1]?.port}`;
  });
  afterAll(() => cluster.dispose());

  test('is connected to while one of the nodes named is down', async () => {
    await connect({ 'database.redis.clusterNodes': nodes });
  });

  test('is known by clusterMode and the address of one node, too', async () => {
    await connect({ 'adapter.redis.clusterMode': true, 'database.redis.port': cluster.masters[0]?.port ?? 0 });
  });

  test('that is taken for one server says so', async () => {
    expect(await failure({ 'database.redis.port': cluster.masters[0]?.port ?? 0 })).toMatch(
      /^cluster: .*is a node of a Redis Cluster\. Set adapter\.redis\.clusterMode\.$/,
    );
  });

  test('that is one server, or not there, says so', async () => {
    const plain = await startServer();
    const single = { 'adapter.redis.clusterMode': true, 'database.redis.port': plain.port };
    expect(await failure(single)).toMatch(/^cluster: .*is no Redis Cluster \(ERR .*cluster support disabled\)/);
    await plain.dispose();
    const gone = { 'adapter.redis.clusterMode': true, 'database.redis.port': plain.port };
    expect(await failure(gone)).toMatch(/^cluster: Redis Cluster at 127\.0\.0\.1:\d+: can't be reached/);
  });
});
