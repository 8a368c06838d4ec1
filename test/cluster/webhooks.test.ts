import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { hmacHex } from '../../auth/hmac.ts';
import type { WebhookEvent } from '../../protocol/webhook.ts';
import { PARTITIONS, RedisKeys } from '../../server/redis/keys.ts';
import { atLength } from '../support/at-length.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import type { LogLine } from '../support/process.ts';
import { until } from '../support/until.ts';
import { type ReceivedWebhook, WebhookTarget } from '../support/webhook-target.ts';
import { Cluster } from './cluster.ts';
import { contradictions, Rounds, toldOf } from './webhook-rounds.ts';

/** Each round makes ten facts. */
const ROUNDS = atLength(40, 2000);
const CROWDS = atLength(4, 16);
const KINDS = ['channel_occupied', 'channel_vacated', 'member_added', 'member_removed', 'client_event'];

/** Events that a webhook accepted, each once, in order. */
class Accepted {
  readonly events: WebhookEvent[] = [];
  readonly ids = new Set<string>();
  repeats = 0;

  take({ ids, content }: ReceivedWebhook): void {
    content.events.forEach((event, index) => {
      const id = ids[index] ?? '';
      if (this.ids.has(id)) {
        this.repeats += 1;
        return;
      }
      this.ids.add(id);
      this.events.push(event as unknown as WebhookEvent);
    });
  }
}

let target: WebhookTarget;
let cluster: Cluster;
let redis: Redis;
const all = new Accepted();
const vacated = new Accepted();
let forged = 0;
let refused = 0;
/** How requests are answered: some with 500, or not at all. */
let mood: 'good' | 'erratic' | 'silent' = 'good';

beforeAll(async () => {
  target = await WebhookTarget.start();
  target.respond = (response, request) => {
    if (request.headers['x-pusher-signature'] !== hmacHex(APP.secret, request.body.toString())) forged += 1;
    if (mood === 'silent') return;
    if (mood === 'erratic' && Math.random() < 0.3) {
      refused += 1;
      response.writeHead(500).end();
      return;
    }
    (request.path === '/vacated' ? vacated : all).take(request);
    response.end();
  };
  const webhooks = [
    { url: target.url, event_types: KINDS },
    { url: target.url.replace('/webhooks', '/vacated'), event_types: ['channel_vacated'] },
  ];
  cluster = await Cluster.start({
    apps: [{ ...FULL_APP, webhooks }],
    redisArgs: ['--appendonly', 'yes', '--appendfsync', 'always'],
    settings: {
      'adapter.nodeTimeoutSeconds': atLength(3, 10),
      'webhooks.graceSeconds': 1,
      'webhooks.timeoutSeconds': 1,
      'webhooks.maxQueued': 100_000,
      // No dead letters: what a target had no time for is told all the same.
      'webhooks.retrySeconds': 86_400,
    },
  });
  redis = new Redis({ port: cluster.redis.port });
  redis.on('error', () => {});
});
afterAll(async () => {
  redis.disconnect();
  await cluster.stop();
  await target.stop();
});

/** Facts that no webhook has, or that are held back, and nodes that are gone and not cleaned up after, which makes facts. */
async function waiting(): Promise<number> {
  const keys = new RedisKeys('');
  let count = (await redis.zcard(keys.nodes())) - cluster.nodes.length + (await redis.zcard(keys.dead()));
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    count += (await redis.xlen(keys.outbox(partition))) + (await redis.zcard(keys.due(partition)));
  }
  return count;
}

test('webhooks are told what happened, whichever part fails', { timeout: atLength(180_000, 1_800_000) }, async () => {
  const rounds = new Rounds(cluster, CROWDS);
  let left = Number.NaN;
  onTestFailed(() => {
    noteLogs();
    const warnings = logs.filter(({ level }) => Number(level) >= 40);
    process.stderr.write(
      warnings
        .map((line) => `${JSON.stringify(line)}\n`)
        .join('')
        .slice(0, 20_000),
    );
    process.stderr.write(`${rounds.done.length} rounds done, ${all.events.length} facts told, ${left} left\n`);
  });
  /** Of all processes, those that ended too. */
  const logs: LogLine[] = [];
  const noteLogs = (): void => {
    for (const { broker } of cluster.nodes) logs.push(...broker.log);
  };
  const disturb = async (fail: () => Promise<unknown>, mend: () => Promise<unknown>): Promise<void> => {
    rounds.disturbances += 1;
    await fail();
    noteLogs();
    await mend();
    rounds.disturbances += 1;
  };
  /** It hands over what it works on. */
  const end = async (index: number): Promise<void> => {
    const { broker } = cluster.node(index);
    broker.signal('SIGTERM');
    await broker.exited;
  };
  const crash = (index: number): Promise<void> =>
    disturb(
      () => cluster.node(index).broker.kill(),
      () => cluster.node(index).restart(),
    );
  const rest = (): Promise<void> => rounds.goOn(Math.ceil(ROUNDS / 20));
  const trials: readonly (() => Promise<void>)[] = [
    () => crash(1),
    async () => {
      await disturb(
        () => cluster.redis.kill(),
        () => cluster.redis.run(),
      );
      await cluster.ready();
    },
    async () => {
      mood = 'silent';
      await setTimeout(atLength(2000, 20_000));
      mood = 'good';
    },
    async () => {
      mood = 'erratic';
      const before = refused;
      await crash(2);
      await rest();
      await until(() => refused > before);
    },
    async () => {
      await target.goDown();
      await disturb(
        () => end(0),
        () => cluster.node(0).restart(),
      );
      await setTimeout(atLength(0, 60_000));
      await target.comeBack();
    },
  ];
  for (let index = 0; index < trials.length || rounds.done.length < ROUNDS; index += 1) {
    await rest();
    await trials[index % trials.length]?.();
  }
  mood = 'good';
  await rounds.stop();
  await until(async () => {
    left = await waiting();
    return left === 0;
  });

  expect(await redis.keys(new RedisKeys('').letters(APP.id, '*'))).toEqual([]);
  const { done } = rounds;
  // Others take a node for dead that a machine under load holds up: nothing is steady then.
  noteLogs();
  if (logs.some(({ msg }) => String(msg).includes('considered dead'))) for (const round of done) round.isSteady = false;
  const told = toldOf(all.events);
  expect(done.flatMap((round) => contradictions(round, told))).toEqual([]);
  const channels = new Set(done.flatMap(({ room, news }) => [room, news]));
  expect([...told.keys()].filter((channel) => !channels.has(channel))).toEqual([]);
  const ends = all.events.filter(({ name }) => name === 'channel_vacated');
  expect(vacated.events.map(({ channel }) => channel).toSorted()).toEqual(
    ends.map(({ channel }) => channel).toSorted(),
  );
  expect(forged).toBe(0);
  expect(refused).toBeGreaterThan(0);
  process.stdout.write(
    `${all.events.length} facts of ${done.length} rounds told, ${all.repeats} of them twice, ${refused} answered 500; ` +
      `in ${done.filter(({ isSteady }) => isSteady).length} rounds nothing failed\n`,
  );
});
