import { once } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { trigger } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { RawClient } from '../../support/raw-client.ts';

const FEED = { path: '/feed', channel: 'news' };
const DATA = 'x'.repeat(100_000);
const MEGABYTE = 11;

let clock: FakeClock;
let broker: TestBroker;
beforeEach(async () => {
  clock = new FakeClock(Date.now());
  const settings = {
    // All lines of a cause.
    'log.level': 'debug',
    'eventLimits.maxPayloadInKb': 100,
    maxBufferedBytes: 50_000_000,
    maxBufferedBytesTotal: 8_000_000,
  };
  broker = await startBroker(settings, [{ ...APP, feeds: [FEED] }], clock);
});
afterEach(() => broker.kill());

async function subscriber(): Promise<RawClient> {
  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed('news');
  return client;
}

async function publish(times: number): Promise<void> {
  for (let sent = 0; sent < times; sent += 1) {
    const timestamp = Math.floor(clock.now() / 1000);
    const { status } = await trigger(broker.url, { name: 'e', channel: 'news', data: DATA }, { timestamp });
    expect(status).toBe(200);
  }
}

test('a client that does not read is cut off, whatever it says, and one that reads stays', async () => {
  const [reader, other] = [await subscriber(), await subscriber()];
  const feed = new RawClient(`${broker.wsUrl}${FEED.path}`);
  await once(feed.ws, 'open');
  await vi.waitFor(() => expect(broker.node.connections.size).toBe(3));
  other.ws.pause();
  feed.ws.pause();
  await publish(MEGABYTE);
  for (let event = 0; event < MEGABYTE; event += 1) await reader.next('e');
  await reader.flush();
  const { connections } = broker.node;
  expect(connections.size).toBe(3);
  for (let second = 0; second < 60; second += 1) {
    for (const client of [other, feed]) client.ws.pong('guessed');
    other.send({ event: 'pusher:ping' });
    await reader.flush();
    clock.advance(1000);
  }
  expect([...connections.keys()]).toEqual([reader.socketId]);
  expect(broker.log.filter(({ cause }) => cause === 'not-reading')).toHaveLength(2);
  await reader.close();
});

test('those for whom most waits are cut off when it is too much for all together', async () => {
  const reader = await subscriber();
  const first = await subscriber();
  first.ws.pause();
  await publish(6 * MEGABYTE);
  const second = await subscriber();
  second.ws.pause();
  await publish(6 * MEGABYTE);
  const [most, less] = [first, second].map(
    ({ socketId }) => broker.node.connections.get(socketId)?.transport.bufferedBytes ?? 0,
  );
  expect(most).toBeGreaterThan(8_000_000);
  expect(less).toBeLessThan(6_000_000);
  clock.advance(500);
  expect([...broker.node.connections.keys()]).toEqual([reader.socketId, second.socketId]);
  expect(broker.log.filter(({ cause }) => cause === 'buffers-full')).toHaveLength(1);
  await reader.close();
});
