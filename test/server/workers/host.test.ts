import { describe, expect, test } from 'vitest';
import { watchChannelName } from '../../../channels/local-channel.ts';
import {
  encodeMemberRemoved,
  encodeSubscriptionCount,
  encodeWatchlistEvents,
  type WireMember,
} from '../../../protocol/server-message.ts';
import type { WebhookFilter } from '../../../protocol/webhook.ts';
import { WorkerHost } from '../../../server/workers/host.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { JoinedWorker, joinWorkers } from './join-workers.ts';

const APP = '3';
const ROOM = 'presence-room';
const ANN: WireMember = { userId: 'ann', userIdJson: '"ann"', userInfoJson: undefined };

test('a worker hears nothing of channels that it did not subscribe to', async () => {
  const { first, second } = joinWorkers();
  await first.seams.broker.subscribe(APP, 'news');
  await second.seams.broker.subscribe(APP, 'other');
  second.received.length = 0;
  for (let index = 0; index < 100; index += 1) {
    await second.seams.broker.publish({ appId: APP, channel: 'news', frame: `${index}` });
  }
  await first.settled();
  expect(first.frames).toHaveLength(100);
  expect(second.received).toEqual([]);
});

// Cause: a name that was left out came to the host as null, and was taken for a name. Symptom: with workers no cache channel had a last event.
test('the last event of a channel is found by workers, with a name and without', async () => {
  const { first, second } = joinWorkers();
  const message = { appId: APP, channel: 'cache-news', keepSeconds: 60, keepNamed: { name: 'level', seconds: 60 } };
  await first.seams.broker.publish({ ...message, frame: 'a' });
  await first.seams.broker.publish({ ...message, frame: 'b', keepNamed: undefined });
  expect(await second.seams.broker.lastEvent(APP, 'cache-news')).toMatchObject({ frame: 'b' });
  expect(await second.seams.broker.lastEvent(APP, 'cache-news', 'level')).toMatchObject({ frame: 'a' });
});

test('edges are reported by the worker that is there for longest, and by the next when it is gone', async () => {
  const host = new WorkerHost(new FakeClock());
  const told: string[] = [];
  const join = (name: string) => new JoinedWorker(host, { onEdge: (edge) => told.push(`${name} ${edge.kind}`) });
  const deaf = new JoinedWorker(host);
  await deaf.seams.store.join(APP, 'presence-early', '0.1', ANN, 100);
  const [first, second] = [join('first'), join('second')];
  await first.settled();
  await second.seams.store.join(APP, ROOM, '2.1', ANN, 100);
  await first.seams.store.join(APP, ROOM, '1.1', { ...ANN, userId: 'bob' }, 100);
  await first.settled();
  expect(told.splice(0)).toEqual(['first channel_occupied', 'first member_added', 'first member_added']);
  first.die();
  await second.settled();
  expect(told.splice(0)).toEqual(['second member_removed']);
  second.die();
  await deaf.seams.store.leave(APP, 'presence-early', '0.1', ANN.userId);
  const third = join('third');
  await third.settled();
  expect(told).toEqual(
    ['member_removed', 'channel_vacated', 'member_removed', 'channel_vacated'].map((kind) => `third ${kind}`),
  );
});

describe('a worker that is gone', () => {
  test('leaves presence channels; a user is announced who has no connection elsewhere', async () => {
    const { first, second } = joinWorkers();
    const { store, broker } = first.seams;
    await broker.subscribe(APP, ROOM);
    const eve: WireMember = { ...ANN, userId: 'eve', userIdJson: '"eve"' };
    await store.join(APP, ROOM, '1.1', ANN, 100);
    await second.seams.store.join(APP, ROOM, '2.1', ANN, 100);
    await second.seams.store.join(APP, ROOM, '2.2', eve, 100);
    await second.seams.store.join(APP, ROOM, '2.3', eve, 100);
    first.frames.length = 0;
    second.die();
    await first.settled();
    expect(first.frames).toEqual([encodeMemberRemoved(ROOM, eve)]);
    expect(await store.members(APP, ROOM)).toEqual({ members: [ANN] });
    expect(await store.totals(APP)).toEqual({ channels: 0, subscriptions: 0, presenceUsers: 1 });
  });

  test('takes what left before it went for gone already', async () => {
    const { first, second } = joinWorkers();
    await second.seams.store.join(APP, ROOM, '2.1', ANN, 100);
    await second.seams.store.leave(APP, ROOM, '2.1', 'ann');
    await second.seams.store.signIn(APP, 'ann', '2.1', true);
    await second.seams.store.signOut(APP, 'ann', '2.1', true);
    await first.seams.broker.subscribe(APP, ROOM);
    await first.seams.broker.subscribe(APP, watchChannelName('ann'));
    second.die();
    await first.settled();
    expect(first.frames).toEqual([]);
  });

  test('takes its subscriptions out of the counts, and their channels hear of it', async () => {
    const { first, second } = joinWorkers();
    const { store, broker } = first.seams;
    await broker.subscribe(APP, 'news');
    await broker.subscribe(APP, ROOM);
    store.setSubscriptionCount(APP, 'news', 2);
    for (const [channel, count] of [
      ['news', 3],
      ['only-there', 1],
      [ROOM, 1],
    ] as const) {
      second.seams.store.setSubscriptionCount(APP, channel, count);
      if (channel !== ROOM) second.seams.store.announceSubscriptionCount(APP, channel);
    }
    await second.settled();
    first.frames.length = 0;
    second.die();
    expect(await store.occupied(APP, '')).toEqual([{ channel: 'news', subscriptionCount: 2, userCount: 0 }]);
    expect(await store.totals(APP)).toEqual({ channels: 1, subscriptions: 2, presenceUsers: 0 });
    expect(first.frames).toEqual([encodeSubscriptionCount('news', 2)]);
  });

  test('says nothing of counts where the app does not want them, or not any more', async () => {
    const { first, second } = joinWorkers();
    await first.seams.broker.subscribe(APP, 'quiet-now');
    second.seams.store.setSubscriptionCount(APP, 'quiet-now', 1);
    second.seams.store.announceSubscriptionCount(APP, 'quiet-now');
    second.seams.store.setSubscriptionCount(APP, 'quiet-now', 2);
    await second.settled();
    await first.settled();
    first.frames.length = 0;
    await first.seams.broker.subscribe(APP, 'news');
    first.seams.store.setSubscriptionCount(APP, 'news', 1);
    second.seams.store.setSubscriptionCount(APP, 'news', 1);
    await second.settled();
    second.die();
    await first.settled();
    expect(first.frames).toEqual([]);
  });

  test('signs its users out', async () => {
    const { first, second } = joinWorkers();
    const { store, broker } = first.seams;
    await broker.subscribe(APP, watchChannelName('ann'));
    await broker.subscribe(APP, watchChannelName('bob'));
    await store.signIn(APP, 'bob', '1.1', true);
    await second.seams.store.signIn(APP, 'bob', '2.1', true);
    await second.seams.store.signIn(APP, 'ann', '2.2', true);
    await second.seams.store.signIn(APP, 'quiet', '2.3', false);
    first.frames.length = 0;
    second.die();
    expect(await store.online(APP, ['ann', 'bob', 'quiet'])).toEqual(['bob']);
    expect(first.frames).toEqual([encodeWatchlistEvents([{ name: 'offline', userIds: ['ann'] }])]);
  });

  test('gives its part of the quota back', async () => {
    const { first, second } = joinWorkers();
    expect(await first.seams.store.addConnection(APP, 3)).toBe(true);
    for (let count = 0; count < 2; count += 1) {
      expect(await second.seams.store.addConnection(APP, 3)).toBe(true);
    }
    expect(await first.seams.store.addConnection(APP, 3)).toBe(false);
    second.die();
    const answers = [];
    for (let count = 0; count < 3; count += 1) answers.push(await first.seams.store.addConnection(APP, 3));
    expect(answers).toEqual([true, true, false]);
  });

  test('is sent nothing any more, and not listened to', async () => {
    const { first, second } = joinWorkers();
    await second.seams.broker.subscribe(APP, 'news');
    await first.seams.broker.subscribe(APP, 'news');
    second.die();
    second.received.length = 0;
    second.hostLink.receive([[0, 'publish', [{ appId: APP, channel: 'news', frame: 'late' }]]]);
    await first.seams.broker.publish({ appId: APP, channel: 'news', frame: 'on time' });
    await first.settled();
    expect(second.received).toEqual([]);
    expect(first.frames).toEqual(['on time']);
  });
});

// Cause: the main process heard of an app's webhooks with the next fact of the app only. Symptom: a webhook that was added while nothing happened was not
// told what a worker that died had left.
test('what a dead worker leaves is told to webhooks that were added while nothing happened', async () => {
  const host = new WorkerHost(new FakeClock());
  let webhooks: readonly WebhookFilter[] = [];
  const worker = new JoinedWorker(host, { webhooksOf: () => webhooks });
  await worker.seams.store.join(APP, ROOM, '1.1', ANN, 100);
  webhooks = [{ eventTypes: ['member_removed'], startsWith: [], endsWith: [] }];
  worker.seams.appChanged?.(APP);
  await worker.settled();
  worker.die();
  host.outbox.conclude();
  expect(host.outbox.read(0, '', 10).map(({ event }) => event)).toEqual([
    { name: 'member_removed', channel: ROOM, user_id: 'ann' },
  ]);
});
