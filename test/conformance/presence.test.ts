import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PusherOptions } from '../e2e/scenarios/pusher.ts';
import { once, Target } from './target.ts';

let target: Target;
beforeAll(async () => {
  target = await Target.start();
});
afterAll(() => target.stop());

interface Members {
  readonly count: number;
  readonly me: { readonly id: string; readonly info: unknown } | null;
  get(id: string): unknown;
}

describe('item 9:', () => {
  test('announces a member once for two tabs, counts it once, and removes it with the second', async () => {
    const channel = target.channel('presence-');
    const clients = [await target.connect(), await target.connect(), await target.connect()] as const;
    const [watcher, first, second] = clients;
    await watcher.subscribed(channel, '{"user_id":"w"}');
    const ann = '{"user_id":"ann","user_info":{"name":"Ann"}}';
    const hash = { w: null, ann: { name: 'Ann' } };
    expect(await first.members(channel, ann)).toEqual({ count: 2, ids: ['w', 'ann'], hash });
    expect(await second.members(channel, ann)).toEqual({ count: 2, ids: ['w', 'ann'], hash });
    const added = await watcher.next();
    expect(added).toEqual({ event: 'pusher_internal:member_added', channel, data: expect.any(String) });
    expect(JSON.parse(String(added.data))).toEqual(JSON.parse(ann));
    expect(await first.flush()).toEqual([]);

    first.send({ event: 'pusher:unsubscribe', data: { channel } });
    expect(await first.flush()).toEqual([]);
    expect(await watcher.flush()).toEqual([]);
    await second.close();
    const removed = await watcher.next();
    expect(removed).toEqual({ event: 'pusher_internal:member_removed', channel, data: expect.any(String) });
    expect(JSON.parse(String(removed.data))).toEqual({ user_id: 'ann' });
    for (const client of [watcher, first]) await client.close();
  });

  test('keeps the members of pusher-js right', async () => {
    const name = target.channel('presence-');
    const [ann, bob] = [target.pusher('ann'), target.pusher('bob')];
    const channel = ann.subscribe(name) as ReturnType<typeof ann.subscribe> & { members: Members };
    expect(await once<Members>(channel, 'pusher:subscription_succeeded')).toMatchObject({ count: 1 });
    const added = once(channel, 'pusher:member_added');
    const other = bob.subscribe(name);
    const members = await once<Members>(other, 'pusher:subscription_succeeded');
    expect(members.count).toBe(2);
    expect(members.me).toEqual({ id: 'bob', info: { name: 'bob' } });
    expect(await added).toEqual({ id: 'bob', info: { name: 'bob' } });
    const removed = once(channel, 'pusher:member_removed');
    bob.disconnect();
    expect(await removed).toMatchObject({ id: 'bob' });
    expect(channel.members.count).toBe(1);
  });
});

describe('item 10:', () => {
  test('shows a numeric user id as a string in ids and hash', async () => {
    const client = await target.connect();
    expect(await client.members(target.channel('presence-'), '{"user_id":7,"user_info":{"n":1}}')).toEqual({
      count: 1,
      ids: ['7'],
      hash: { 7: { n: 1 } },
    });
    await client.close();
  });

  test('lets pusher-js find itself by a numeric id', async () => {
    const pusher = target.pusher('', {
      channelAuthorization: {
        customHandler: ({ socketId, channelName }, done) => {
          const data = { user_id: 7 as unknown as string, user_info: { n: 1 } };
          done(null, target.sdk.authorizeChannel(socketId, channelName, data));
        },
      },
    } as Partial<PusherOptions>);
    const channel = pusher.subscribe(target.channel('presence-'));
    const { me } = await once<Members>(channel, 'pusher:subscription_succeeded');
    expect(me?.info).toEqual({ n: 1 });
  });
});

describe('item 11:', () => {
  test('lets a signed-in user in without channel_data', async () => {
    const client = await target.connect();
    client.signIn('{"id":"ann","user_info":{"name":"Ann"}}');
    await client.next('pusher:signin_success');
    expect(await client.members(target.channel('presence-'))).toEqual({
      count: 1,
      ids: ['ann'],
      hash: { ann: { name: 'Ann' } },
    });
    await client.close();
  });

  test('refuses one who is not signed in, and says what is missing', async () => {
    const client = await target.connect();
    const channel = target.channel('presence-');
    client.subscribe(channel);
    expect((await client.next('pusher:error')).data).toEqual({
      code: null,
      message: `${channel} is a presence channel and subscription must include channel_data`,
    });
    await client.flush();
    await client.close();
  });
});
