import { afterAll, beforeAll, expect, test } from 'vitest';
import { read } from '../support/api-client.ts';
import { startBroker, type TestBroker } from '../support/broker.ts';
import { RawClient } from '../support/raw-client.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.kill());

const DATA = '{"user_id":7,"user_info":{"name":"A"}}';

test('announces a member once when the same user has two connections, and removes it with the last', async () => {
  const watcher = await RawClient.connect(broker.wsUrl);
  await watcher.subscribed('presence-room', '{"user_id":"watcher"}');
  const first = await RawClient.connect(broker.wsUrl);
  const second = await RawClient.connect(broker.wsUrl);

  const success = await first.subscribed('presence-room', DATA);
  expect(success.data).toBe('{"presence":{"count":2,"ids":["watcher","7"],"hash":{"watcher":null,"7":{"name":"A"}}}}');
  await second.subscribed('presence-room', DATA);
  expect(await watcher.nextText()).toBe(
    '{"event":"pusher_internal:member_added","channel":"presence-room","data":"{\\"user_id\\":7,\\"user_info\\":{\\"name\\":\\"A\\"}}"}',
  );
  expect(await read(broker.url, '/channels/presence-room/users')).toEqual({ users: [{ id: 'watcher' }, { id: '7' }] });

  await first.close();
  expect(await watcher.flush()).toEqual([]);
  await second.close();
  expect(await watcher.nextText()).toBe(
    '{"event":"pusher_internal:member_removed","channel":"presence-room","data":"{\\"user_id\\":7}"}',
  );
  await watcher.close();
});
