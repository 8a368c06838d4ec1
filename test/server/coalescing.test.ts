import { afterAll, beforeAll, expect, test } from 'vitest';
import { trigger } from '../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../support/broker.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RawClient } from '../support/raw-client.ts';
import { untilEqual } from '../support/until.ts';

const COALESCING = [{ name: 'scada-*', milliseconds: 5 }];
const FEEDS = [{ path: '/feed', channel: 'scada-data' }];

const clock = new FakeClock(Date.now());
let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({}, [{ ...APP, coalescing: COALESCING, feeds: FEEDS }], clock);
});
afterAll(() => broker.kill());

const frame = (channel: string, data: string): string => JSON.stringify({ event: 'e', channel, data });

async function publish(channel: string, data: string, socketId?: string): Promise<void> {
  const body = { name: 'e', channel, data, ...(socketId !== undefined && { socket_id: socketId }) };
  expect(await trigger(broker.url, body)).toMatchObject({ status: 200, text: '{}' });
}

test('events of channels that the app names wait on the wire too, for subscribers and readers of feeds, and no others do', async () => {
  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed('scada-data');
  await client.subscribed('other');
  const reader = new RawClient(`${broker.wsUrl}/feed`);
  const sender = await RawClient.connect(broker.wsUrl);
  await sender.subscribed('scada-data');
  await untilEqual(() => broker.node.connections.size, 3);
  await publish('scada-data', '1');
  await publish('scada-data', '2', sender.socketId);
  await publish('other', '3');
  expect(await client.flush()).toEqual([frame('other', '3')]);
  clock.advance(5);
  expect(await client.flush()).toEqual([frame('scada-data', '1'), frame('scada-data', '2')]);
  expect(await sender.flush()).toEqual([frame('scada-data', '1')]);
  expect(await reader.nextText()).toBe('1');
  expect(await reader.nextText()).toBe('2');
  for (const each of [client, sender, reader]) await each.close();
});
