import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNodesMessage, NODES_APP, NODES_CHANNEL } from '../../channels/nodes-channel.ts';
import { anyText, SEED } from '../support/wire-arbitraries.ts';
import { APP, type CreateSeams, type Started, start } from './seams-fixture.ts';

/** What every `Broker` must do; to be run on each implementation. */
export function describeBroker(name: string, create: CreateSeams): void {
  describe(`Broker: ${name}`, () => {
    let seams: Started;
    beforeEach(async () => {
      seams = await start(create);
    });
    afterEach(() => seams.fixture.dispose());

    const publish = async (channel: string, frame: string, more: object = {}): Promise<void> => {
      await seams.first.broker.publish({ appId: APP, channel, frame, ...more });
    };

    describe('publish', () => {
      test('reaches every node that subscribed, its own included, exactly once', async () => {
        for (const node of seams.nodes) await node.subscribe('news');
        await publish('news', 'hello');
        for (const node of seams.nodes) expect(await node.frames()).toEqual(['hello']);
        for (const node of seams.nodes) expect(await node.frames()).toEqual([]);
      });

      test('hands over app, channel, frame, the excluded socket and the trace, unchanged', async () => {
        await seams.last.subscribe('presence-x');
        const frame = '{"event":"e\\u0000","channel":"presence-x","data":"ü 💡 \u2028 \\"x\\""}';
        const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
        const more = { exceptSocketId: '12.34', traceparent };
        await publish('presence-x', frame, more);
        expect(await seams.last.messages()).toEqual([
          expect.objectContaining({ appId: APP, channel: 'presence-x', frame, ...more }),
        ]);
      });

      test('tells who received a message, where that is asked for', async () => {
        const { nodes, first, last } = seams;
        const counted = async (channel: string, more: object = {}) =>
          first.broker.publishCounted({ appId: APP, channel, frame: `to ${channel}`, ...more });
        expect(await counted('nobody')).toEqual({ connections: 0, nodes: 0 });
        for (const [index, node] of nodes.entries()) {
          await node.subscribe('news');
          node.receivers.set('news', index + 2);
          node.store.setSubscriptionCount(APP, 'news', index + 2);
        }
        await last.subscribe('cache-last');
        last.receivers.set('cache-last', 3);
        last.store.setSubscriptionCount(APP, 'cache-last', 3);
        last.store.setSubscriptionCount('4', 'cache-last', 7);
        await seams.fixture.settled();
        const connections = nodes.reduce((sum, _, index) => sum + index + 2, 0);
        expect(await counted('news', { exceptSocketId: '1.1' })).toEqual({ connections, nodes: nodes.length });
        expect(await counted('cache-last', { keepSeconds: 60 })).toEqual({ connections: 3, nodes: 1 });
        expect(await last.frames()).toEqual(['to news', 'to cache-last']);
        expect(await first.broker.lastEvent(APP, 'cache-last')).toMatchObject({ frame: 'to cache-last' });
      });

      test('tells who received a message to a user', async () => {
        const channel = '#server-to-user-a/b';
        for (const [index, node] of seams.nodes.entries()) {
          await node.subscribe(channel);
          node.receivers.set(channel, 1);
          await node.store.signIn(APP, 'a/b', `1.${index}`, true);
        }
        await seams.first.store.signIn(APP, 'b', '1.9', true);
        const { length } = seams.nodes;
        expect(await seams.first.broker.publishCounted({ appId: APP, channel, frame: 'f' })).toEqual({
          connections: length,
          nodes: length,
        });
        expect(await seams.last.frames()).toEqual(['f']);
      });

      test('carries any text as it is, to nodes and as what is kept', async () => {
        await seams.last.subscribe('cache-x');
        // A frame is JSON, in which a lone surrogate is an escape.
        const frames = [...fc.sample(anyText, { seed: SEED, numRuns: 50 }), '', '\n', '5 4 1 - e\nx'].map((text) =>
          Buffer.from(text).toString(),
        );
        for (const frame of frames) {
          await publish('cache-x', frame, { keepSeconds: 60 });
          expect(await seams.last.broker.lastEvent(APP, 'cache-x')).toMatchObject({ frame });
        }
        expect(await seams.last.frames()).toEqual(frames);
      });

      test('keeps the order of a channel, however many are on their way', async () => {
        await seams.last.subscribe('news');
        const frames = Array.from({ length: 200 }, (_, index) => `frame ${index}`);
        await Promise.all(frames.map((frame) => publish('news', frame)));
        expect(await seams.last.frames()).toEqual(frames);
      });

      test('keeps one order on all nodes, whoever publishes', async () => {
        for (const node of seams.nodes) await node.subscribe('news');
        await Promise.all(
          seams.nodes.flatMap(({ broker }, node) =>
            Array.from({ length: 50 }, async (_, index) =>
              broker.publish({ appId: APP, channel: 'news', frame: `${node}:${index}` }),
            ),
          ),
        );
        const orders = await Promise.all(seams.nodes.map((node) => node.frames()));
        expect(orders[0]).toHaveLength(50 * orders.length);
        for (const order of orders) expect(order).toEqual(orders[0]);
      });

      test('carries a frame of a megabyte', async () => {
        await seams.last.subscribe('news');
        const frame = 'ü'.repeat(524_288);
        await publish('news', frame);
        expect(await seams.last.frames()).toEqual([frame]);
      });

      test('reaches nobody when nobody subscribed, and is no error', async () => {
        await publish('news', 'hello');
        for (const node of seams.nodes) expect(await node.frames()).toEqual([]);
      });
    });

    describe('subscribe', () => {
      test('brings what is published after its answer, and of that channel only', async () => {
        await publish('news', 'early');
        await seams.fixture.settled();
        await seams.last.subscribe('news');
        await publish('news', 'late');
        await publish('other', 'elsewhere');
        await publish('new', 'elsewhere');
        expect(await seams.last.frames()).toEqual(['late']);
      });

      test('takes names of every kind as they are', async () => {
        const channels = [
          '#server-to-user-a b/ü:#{x}*?[1]',
          '#watch-7',
          '#control-7',
          'a',
          'a;b,c@d=e_f.g-H',
          'x'.repeat(200),
        ];
        for (const channel of channels) await seams.last.subscribe(channel);
        for (const channel of channels) await publish(channel, `to ${channel}`);
        const frames = channels.map((channel) => `to ${channel}`);
        expect([...(await seams.last.frames())].sort()).toEqual(frames.sort());
      });

      test('keeps apps apart', async () => {
        await seams.last.subscribe('news', '4');
        await publish('news', 'for app 3');
        await seams.first.broker.publish({ appId: '4', channel: 'news', frame: 'for app 4' });
        expect(await seams.last.frames()).toEqual(['for app 4']);
      });
    });

    describe('the channel of all nodes, which belongs to no app', () => {
      test('reaches every node, in one order, and is no channel of an app', async () => {
        for (const node of seams.nodes) await node.subscribe(NODES_CHANNEL, NODES_APP);
        await publish(NODES_CHANNEL, 'of an app');
        const messages = ['3', '4'].map((id) => createNodesMessage({ kind: 'apps-changed', ids: [id] }));
        for (const message of messages) await seams.first.broker.publish(message);
        for (const node of seams.nodes) {
          const told = (await node.messages()).map(({ appId, channel, frame }) => ({ appId, channel, frame }));
          expect(told).toEqual(messages);
        }
      });
    });

    describe('unsubscribe', () => {
      test('ends the delivery to this node and to no other', async () => {
        for (const node of seams.nodes) await node.subscribe('news');
        await seams.last.unsubscribe('news');
        await seams.fixture.settled();
        await publish('news', 'hello');
        for (const node of seams.nodes.slice(0, -1)) expect(await node.frames()).toEqual(['hello']);
      });

      test('can be followed by a new subscription, without waiting for answers', async () => {
        const { last } = seams;
        await Promise.all([last.subscribe('news'), last.unsubscribe('news'), last.subscribe('news')]);
        await publish('news', 'hello');
        expect(await seams.last.frames()).toEqual(['hello']);
      });
    });

    describe('lastEvent', () => {
      const lastEvent = async (channel = 'cache-x', appId = APP) => seams.last.broker.lastEvent(appId, channel);

      test('stands where the message stood that nodes were handed, and the same again stands elsewhere', async () => {
        for (const node of seams.nodes) await node.subscribe('cache-x');
        await publish('cache-x', 'same', { keepSeconds: 60 });
        const first = (await lastEvent())?.position;
        await publish('cache-x', 'same', { keepSeconds: 60 });
        const second = (await lastEvent())?.position;
        expect(second).toBeGreaterThan(first ?? Number.POSITIVE_INFINITY);
        for (const node of seams.nodes) {
          expect((await node.messages()).map(({ position }) => position)).toEqual([first, second]);
        }
      });

      test('is the last message that was to be kept, known on every node and without a subscriber', async () => {
        expect(await lastEvent()).toBe(undefined);
        await publish('cache-x', 'one', { keepSeconds: 60 });
        await publish('cache-x', 'two', { keepSeconds: 60 });
        expect(await lastEvent()).toMatchObject({ frame: 'two' });
        expect((await lastEvent())?.remainingSeconds).toBeGreaterThan(0);
        expect((await lastEvent())?.remainingSeconds).toBeLessThanOrEqual(60);
      });

      test('may be kept for as long as can be said', async () => {
        for (const keepSeconds of [0.001, 1.5, 86_400, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
          const frame = `for ${keepSeconds} s`;
          await seams.last.subscribe('cache-x');
          await publish('cache-x', frame, { keepSeconds });
          expect((await seams.last.frames()).at(-1)).toBe(frame);
          if (keepSeconds > 1) expect(await lastEvent()).toMatchObject({ frame });
        }
      });

      test('is kept whoever is excluded from receiving it', async () => {
        await publish('cache-x', 'one', { keepSeconds: 60, exceptSocketId: '1.2' });
        expect(await lastEvent()).toMatchObject({ frame: 'one' });
      });

      test('is not changed by messages that are not to be kept', async () => {
        await publish('cache-x', 'one', { keepSeconds: 60 });
        await publish('cache-x', 'client event');
        expect(await lastEvent()).toMatchObject({ frame: 'one' });
      });

      test('of a name stays whatever other events come after it, and is no event of the channel beside that', async () => {
        for (const node of seams.nodes) await node.subscribe('news');
        const named = (name: string) => ({ keepNamed: { name, seconds: 60 } });
        const lastOf = (name: string) => seams.last.broker.lastEvent(APP, 'news', name);
        await publish('news', 'metrics 1', named('metrics'));
        await publish('news', 'metrics 2', named('metrics'));
        await publish('news', 'alert', { keepSeconds: 60, ...named('alert\t"ü\n') });
        await publish('news', 'passing');
        expect(await lastOf('metrics')).toMatchObject({ frame: 'metrics 2', remainingSeconds: 60 });
        expect(await lastOf('alert\t"ü\n')).toMatchObject({ frame: 'alert' });
        expect(await lastEvent('news')).toMatchObject({ frame: 'alert' });
        expect(await lastOf('other')).toBe(undefined);
        expect(await seams.last.broker.lastEvent(APP, 'other', 'metrics')).toBe(undefined);
        for (const node of seams.nodes) {
          const handed = await node.messages();
          expect(handed.map(({ keepNamed }) => keepNamed?.name)).toEqual([
            'metrics',
            'metrics',
            'alert\t"ü\n',
            undefined,
          ]);
          const alert = await seams.last.broker.lastEvent(APP, 'news');
          expect(handed[2]?.position).toBe(alert?.position);
          expect(handed[1]?.position).toBe((await lastOf('metrics'))?.position);
        }
      });

      test('of a name expires', async () => {
        await publish('news', 'short', { keepNamed: { name: 'metrics', seconds: 1 } });
        expect(await seams.last.broker.lastEvent(APP, 'news', 'metrics')).toMatchObject({ frame: 'short' });
        await seams.fixture.pass(1);
        expect(await seams.last.broker.lastEvent(APP, 'news', 'metrics')).toBe(undefined);
      });

      test('is one per app and channel', async () => {
        await publish('cache-x', 'one', { keepSeconds: 60 });
        expect(await lastEvent('cache-y')).toBe(undefined);
        expect(await lastEvent('cache-x', '4')).toBe(undefined);
      });

      test('expires', async () => {
        await publish('cache-x', 'short', { keepSeconds: 1 });
        await publish('cache-y', 'long', { keepSeconds: 60 });
        await seams.fixture.pass(1);
        expect(await lastEvent('cache-x')).toBe(undefined);
        expect(await lastEvent('cache-y')).toMatchObject({ frame: 'long' });
      });
    });
  });
}
