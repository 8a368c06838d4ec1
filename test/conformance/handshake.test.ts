import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { once, Target, TargetClient } from './target.ts';

let target: Target;
beforeAll(async () => {
  target = await Target.start();
});
afterAll(() => target.stop());

describe('item 1:', () => {
  test.for(['5', '6', '7'])('greets a client of protocol %s with its socket id, in a string', async (protocol) => {
    const url = target.socketUrl(target.app.key, `?protocol=${protocol}&client=js&version=8.6.0&flash=false`);
    const client = new TargetClient(url, target.app);
    const frame = await client.next();
    expect(frame).toEqual({ event: 'pusher:connection_established', data: expect.any(String) });
    const data = JSON.parse(String(frame.data));
    expect(data).toEqual({ socket_id: expect.stringMatching(/^\d+\.\d+$/), activity_timeout: expect.any(Number) });
    expect(Number.isInteger(data.activity_timeout) && data.activity_timeout > 0).toBe(true);
    for (const part of data.socket_id.split('.')) expect(Number.isSafeInteger(Number(part))).toBe(true);
    await client.close();
  });

  test.for(['3', '8', 'x'])('refuses protocol %s with 4007', async (protocol) => {
    const client = new TargetClient(
      target.socketUrl(target.app.key, `?protocol=${protocol}&version=8.6.0`),
      target.app,
    );
    expect((await client.closed()).code).toBe(4007);
  });

  test('accepts library versions with a suffix', async () => {
    await (await target.connect('?protocol=7&client=js&version=7.0.3-with-encryption')).close();
    await (await target.connect('?protocol=7&client=js&version=8.0.0-beta.1')).close();
  });

  test('connects pusher-js', async () => {
    const pusher = target.pusher('ann');
    await once(pusher.connection, 'connected');
    expect(pusher.connection.socket_id).toMatch(/^\d+\.\d+$/);
    pusher.disconnect();
  });
});

describe('item 2:', () => {
  test('refuses an unknown key with an error whose data is an object, then closes with the same code', async () => {
    const client = new TargetClient(target.socketUrl('no-such-key'), target.app);
    const { code, before } = await client.closed();
    expect(code).toBe(4001);
    expect(before.map((text) => JSON.parse(text))).toEqual([
      { event: 'pusher:error', data: { code: 4001, message: expect.any(String) } },
    ]);
  });

  test('keeps pusher-js with an unknown key away: it does not try again', async () => {
    const pusher = target.pusher('ann', { cluster: 'no-such-key' });
    const states: string[] = [];
    pusher.connection.bind('state_change', ({ current }: { current: string }) => states.push(current));
    await once(pusher.connection, 'disconnected');
    expect(states).toEqual(['disconnected']);
    expect(pusher.connection.state).toBe('disconnected');
  });
});

describe('item 4:', () => {
  test.for(['{"event":"pusher:ping"}', '{"event": "pusher:ping", "data": {}}', '{"event":"pusher:ping","data":"{}"}'])(
    'answers %s with a pong whose data is the string {}',
    async (ping) => {
      const client = await target.connect();
      client.send(ping);
      expect(await client.next()).toEqual({ event: 'pusher:pong', data: '{}' });
      await client.close();
    },
  );

  test('answers WebSocket pings, as many as come', async () => {
    const client = await target.connect();
    for (let sent = 0; sent < 100; sent += 1) {
      const pong = new Promise<Buffer>((resolve) => client.ws.once('pong', resolve));
      client.ws.ping(`${sent}`);
      expect((await pong).toString()).toBe(`${sent}`);
    }
    expect(await client.flush()).toEqual([]);
    await client.close();
  });

  test('answers what it does not understand with an error of code null, and stays', async () => {
    const client = await target.connect();
    for (const [frame, message] of [
      ['hello', 'Received invalid JSON'],
      ['{"event":"pusher:hello","data":{}}', 'Unsupported event received on socket: pusher:hello'],
      ['{"event":"client-x"}', 'Invalid client event (must contain channel and data)'],
    ] as const) {
      client.send(frame);
      expect(await client.next()).toEqual({ event: 'pusher:error', data: { code: null, message } });
    }
    client.send('{"event":"pusher:pong","data":{}}');
    expect(await client.flush()).toEqual([]);
    await client.close();
  });
});
