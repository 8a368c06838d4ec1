import { describe, expect, test } from 'vitest';
import { createSlow, expectNothingLeft, SCENARIOS } from './slow-node.ts';

describe('a client that vanishes', () => {
  for (const [name, { app, run }] of Object.entries(SCENARIOS)) {
    test(`leaves nothing behind at any point of ${name}`, async () => {
      for (let answered = 0; ; answered += 1) {
        const slow = createSlow(app);
        const client = slow.test.connect();
        slow.seams.isSlow = true;
        run(client);
        let isOver = false;
        for (let step = 0; step < answered && !isOver; step += 1) isOver = !(await slow.seams.answer());
        client.vanish();
        await slow.seams.answerAll();
        await expectNothingLeft(slow);
        if (isOver) break;
      }
    });
  }

  test('leaves nothing behind while it connects', async () => {
    const slow = createSlow();
    slow.seams.isSlow = true;
    const client = slow.test.open();
    client.vanish();
    await slow.seams.answerAll();
    await client.connecting;
    expect(client.frames).toEqual([]);
    await expectNothingLeft(slow);
  });

  test('takes no other client out of a channel that both are entering', async () => {
    // A subscription that was given up released the channel while another waited for its own answer.
    for (const channel of ['news', 'presence-room']) {
      for (let answered = 0; answered < 4; answered += 1) {
        const { seams, test: slow } = createSlow();
        const leaving = slow.connect();
        const staying = slow.connect();
        seams.isSlow = true;
        leaving.subscribe(channel, '{"user_id":"ann"}');
        staying.subscribe(channel, '{"user_id":"bob"}');
        for (let step = 0; step < answered; step += 1) await seams.answer();
        leaving.vanish();
        await seams.answerAll();
        staying.take();
        seams.isSlow = false;
        await seams.broker.publish({ appId: '3', channel, frame: 'hello' });
        expect(staying.take()).toEqual(['hello']);
      }
    }
  });

  test('leaves its user announced when the same user enters meanwhile', async () => {
    // The first connection's member_added was never sent, and the second was not the first to join.
    const { seams, test: slow } = createSlow();
    const watcher = slow.connect();
    watcher.subscribe('presence-room', '{"user_id":"watcher"}');
    watcher.take();
    const vanishing = slow.connect();
    const staying = slow.connect();
    seams.isSlow = true;
    vanishing.subscribe('presence-room', '{"user_id":"ann"}');
    staying.subscribe('presence-room', '{"user_id":"ann"}');
    vanishing.vanish();
    await seams.answerAll();
    expect(watcher.take()).toEqual([
      '{"event":"pusher_internal:member_added","channel":"presence-room","data":"{\\"user_id\\":\\"ann\\"}"}',
    ]);
    staying.vanish();
    await seams.answerAll();
    expect(watcher.take()).toEqual([
      '{"event":"pusher_internal:member_removed","channel":"presence-room","data":"{\\"user_id\\":\\"ann\\"}"}',
    ]);
  });

  test('leaves its user online when the same user signs in meanwhile', async () => {
    const { seams, test: slow } = createSlow();
    const watcher = slow.connect();
    watcher.signIn('{"id":"watcher","watchlist":["ann"]}');
    watcher.take();
    const vanishing = slow.connect();
    const staying = slow.connect();
    seams.isSlow = true;
    vanishing.signIn('{"id":"ann"}');
    staying.signIn('{"id":"ann"}');
    await seams.answer();
    vanishing.vanish();
    await seams.answerAll();
    expect(watcher.take().map((frame) => JSON.parse(JSON.parse(frame).data).events)).toEqual([
      [{ name: 'online', user_ids: ['ann'] }],
    ]);
    staying.vanish();
    await seams.answerAll();
    expect(watcher.take().map((frame) => JSON.parse(JSON.parse(frame).data).events)).toEqual([
      [{ name: 'offline', user_ids: ['ann'] }],
    ]);
  });
});

describe('a slow seam', () => {
  test('keeps a subscriber from being told of success before its channel is listened to', async () => {
    // The second subscriber of a channel did not wait for the first one's broker subscription.
    const { seams, test: slow } = createSlow();
    const [first, second] = [slow.connect(), slow.connect()];
    seams.isSlow = true;
    first.subscribe('news');
    second.subscribe('news');
    expect(second.take()).toEqual([]);
    await seams.answerAll();
    expect(second.take()).toHaveLength(1);
    expect(seams.calls.filter((call) => call.startsWith('broker.subscribe'))).toEqual(['broker.subscribe news']);
  });

  test('keeps the commands for a channel in order, and answers everything else meanwhile', async () => {
    const { seams, test: slow } = createSlow();
    const [client, other] = [slow.connect(), slow.connect()];
    seams.isSlow = true;
    client.subscribe('presence-room', '{"user_id":"ann"}');
    client.send('{"event":"pusher:ping"}');
    client.send('not JSON');
    client.subscribe('presence-room', '{"user_id":"ann"}');
    client.unsubscribe('presence-room');
    client.subscribe('presence-room', '{"user_id":"ann"}');
    client.send('{"event":"pusher:ping"}');
    const atOnce = client.take().map((frame) => JSON.parse(frame));
    expect(atOnce.map(({ event, data }) => (event === 'pusher:error' ? data.message : event))).toEqual([
      'pusher:pong',
      'Received invalid JSON',
      'pusher:pong',
    ]);
    expect(other.ask('{"event":"pusher:ping"}')).toHaveLength(1);
    await seams.answerAll();
    const told = client.take().map((frame) => JSON.parse(frame));
    expect(told.map(({ event, data }) => (event === 'pusher:error' ? data.message : event))).toEqual([
      'pusher_internal:subscription_succeeded',
      'Existing subscription to channel presence-room',
      'pusher_internal:subscription_succeeded',
    ]);
    client.send('{"event":"pusher:ping"}');
    expect(client.take()).toHaveLength(1);
  });

  test('makes all commands wait for a sign-in, as they may need the user', async () => {
    const { seams, test: slow } = createSlow();
    const client = slow.connect();
    seams.isSlow = true;
    client.subscribe('news');
    client.signIn('{"id":"ann"}');
    client.subscribe('presence-room');
    client.subscribe('#server-to-user-ann');
    await seams.answerAll();
    expect(slow.refused).toEqual([]);
    expect(
      client.connected.subscriptions
        .values()
        .map(({ channel }) => channel.name)
        .sort(),
    ).toEqual(['#server-to-user-ann', 'news', 'presence-room']);
  });

  test('counts a connection once that enters several private channels at the same time', async () => {
    // Commands for different channels do not wait for each other, and each counted the connection.
    const slow = createSlow({ enableUserAuthentication: true, limits: { maxConnections: 5 } });
    const client = slow.test.connect();
    slow.seams.isSlow = true;
    for (const channel of ['private-a', 'private-b', 'presence-room']) client.subscribe(channel, '{"user_id":"ann"}');
    client.signIn('{"id":"ann"}');
    await slow.seams.answerAll();
    expect(client.take()).toHaveLength(4);
    expect(slow.seams.calls.filter((call) => call === 'store.addConnection')).toHaveLength(1);
    client.vanish();
    await slow.seams.answerAll();
    await expectNothingLeft(slow);
  });

  test('is no way to pile up memory: a client that sends on and on is closed with 4100', async () => {
    const { seams, test: slow } = createSlow();
    const client = slow.connect();
    seams.isSlow = true;
    for (let sent = 0; sent < 1000; sent += 1) client.subscribe(`news-${sent}`);
    expect(client.closedWith).toBeUndefined();
    const event = JSON.stringify({ event: 'client-x', channel: 'news-1', data: 'x'.repeat(30_000) });
    for (let sent = 0; sent < 40; sent += 1) client.send(event);
    expect(client.closedWith?.code).toBe(4100);
    await seams.answerAll();
  });

  test('does not let a client in that the node would have to move off at once', async () => {
    // The node began to stop while the connection was being counted.
    const slow = createSlow();
    slow.seams.isSlow = true;
    const client = slow.test.open();
    slow.node.isDraining = true;
    const refused = expect(client.connecting).rejects.toMatchObject({ code: 4100 });
    await slow.seams.answerAll();
    await refused;
    await expectNothingLeft(slow);
  });
});
