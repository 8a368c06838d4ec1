import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAYOUT, RedisKeys } from '../../server/redis/keys.ts';
import { WORKER_LAYOUT } from '../../server/workers/messages.ts';
import { FULL_APP } from '../support/broker.ts';
import { commandOf, installThisRelease } from '../support/previous-release.ts';
import { run, startProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { RedisServer } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { WorkersBroker } from '../support/workers.ts';

/** Makes another version of a copy, in which a constant has another value. */
function raise(folder: string, constant: string): void {
  const files = ['server', 'chunks'].flatMap((part) =>
    readdirSync(join(folder, 'dist', part), { recursive: true, encoding: 'utf8' }).map((name) =>
      join(folder, 'dist', part, name),
    ),
  );
  const changed = files.filter((file) => {
    if (!file.endsWith('.js')) return false;
    const source = readFileSync(file, 'utf8');
    const raised = source.replace(
      new RegExp(`var ${constant} = (\\d+);`),
      (_, version: string) => `var ${constant} = ${Number(version) + 1};`,
    );
    if (raised !== source) writeFileSync(file, raised);
    return raised !== source;
  });
  expect(changed).toHaveLength(1);
}

describe('nodes of two versions that share things in different layouts', () => {
  let redis: RedisServer;
  let client: Redis;
  let other: string;
  beforeAll(async () => {
    redis = await RedisServer.start();
    client = new Redis({ port: redis.port });
    const folder = installThisRelease();
    raise(folder, 'LAYOUT');
    other = commandOf(folder);
  });
  afterAll(async () => {
    client.disconnect();
    await redis.dispose();
  });
  const settings = (): Record<string, unknown> => ({
    'adapter.driver': 'redis',
    'adapter.nodeTimeoutSeconds': 2,
    'database.redis.port': redis.port,
    'drain.seconds': 0,
  });

  test('never serve at the same time: who comes second does not start, and says why', async () => {
    const first = await startProcess({ settings: settings() });
    const page = await RawClient.connect(first.wsUrl);
    await page.subscribed('presence-room', '{"user_id":"ann"}');
    const file = first.configFile;
    const second = await run(['start', '--config', file, '--port', '0'], { command: other });
    expect(second).toMatchObject({ code: 1, stdout: expect.any(String) });
    expect(second.stderr).toBe(
      `kulkul: Redis: nodes of another version of Kulkul use this Redis (layout ${LAYOUT}, this version has ${LAYOUT + 1}): stop them first, or give one of the two another adapter.redis.prefix.\n`,
    );
    const elsewhere = await startProcess({
      settings: { ...settings(), 'adapter.redis.prefix': 'new-' },
      command: other,
    });
    await RawClient.connect(elsewhere.wsUrl);
    expect(await page.flush()).toEqual([]);
    for (const broker of [first, elsewhere]) {
      broker.signal('SIGTERM');
      expect(await broker.exited).toEqual({ code: 0, signal: null });
    }
  });

  test('may follow each other, once the last of the former ones is gone, if only by kill -9', async () => {
    const first = await startProcess({ settings: settings() });
    await first.kill();
    const second = await startProcessWhenFree();
    expect(await client.get(new RedisKeys('').layout())).toBe(String(LAYOUT + 1));
    second.signal('SIGTERM');
    await second.exited;
    const third = await startProcess({ settings: settings() });
    expect(await client.get(new RedisKeys('').layout())).toBe(String(LAYOUT));
    await third.kill();
    await client.flushall();

    /** The lease of the one that was killed ends within two seconds. */
    async function startProcessWhenFree(): ReturnType<typeof startProcess> {
      for (;;) {
        try {
          return await startProcess({ settings: settings(), command: other });
        } catch (error) {
          expect(String(error)).toContain('nodes of another version of Kulkul use this Redis');
        }
      }
    }
  });

  test('a node that others of another version displaced, while Redis had lost its data, takes part in nothing', async () => {
    const broker = await startProcess({ settings: settings() });
    await client.flushall();
    const keys = new RedisKeys('');
    await client
      .multi()
      .set(keys.layout(), LAYOUT + 1)
      .zadd(keys.nodes(), Date.now() + 600_000, 'newer')
      .exec();
    expect(await broker.logged('nodes of another version')).toMatchObject({ level: 60 });
    await until(async () => (await fetch(`${broker.url}/ready`)).status === 503);
    expect(await (await fetch(`${broker.url}/ready`)).text()).toContain('nodes of another version of Kulkul');
    expect(await client.zrange(keys.nodes(), '0', '-1')).toEqual(['newer']);
    await broker.kill();
    await client.flushall();
  });

  test('a node does not join those from before layouts had a version', async () => {
    await client.zadd(new RedisKeys('').nodes(), Date.now() + 600_000, 'older');
    await expect(startProcess({ settings: settings() })).rejects.toThrow(`(layout 0, this version has ${LAYOUT})`);
    await client.flushall();
  });

  test('a message that can not be read is logged, and changes nothing', async () => {
    const broker = await startProcess({ settings: settings() });
    const page = await RawClient.connect(broker.wsUrl);
    await page.subscribed('presence-room', '{"user_id":"ann"}');
    const topic = new RedisKeys('').topic(FULL_APP.id, 'presence-room');
    const newer = `99999999999999\t0\t${LAYOUT + 1}\n{"event":"e","channel":"presence-room","data":"from the future"}`;
    for (const text of [newer, 'x', '']) await client.publish(topic, text);
    expect(await broker.logged('a message on one of our topics')).toMatchObject({ channel: 'presence-room' });
    expect(await page.flush()).toEqual([]);
    expect(broker.log.filter(({ msg }) => String(msg).startsWith('a message on one of our topics'))).toHaveLength(1);
    await broker.kill();
  });
});

test('a worker that is replaced after another version was installed is refused in words, and the others go on', async () => {
  const folder = installThisRelease();
  const workers = await WorkersBroker.start({ command: commandOf(folder) });
  const [stays] = await workers.clientOfEach();
  raise(folder, 'WORKER_LAYOUT');
  process.kill(workers.pid(2), 'SIGKILL');
  const failure = await workers.broker.logged('worker failed to start');
  expect(JSON.stringify(failure)).toContain(
    `another version of Kulkul is installed than the one that runs (its messages have layout ${WORKER_LAYOUT}, those of this worker ${WORKER_LAYOUT + 1}): restart the broker`,
  );
  expect(await stays?.flush()).toEqual([]);
  await workers.broker.kill();
});
