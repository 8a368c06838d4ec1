import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { StreamReader } from '../../support/stream-reader.ts';
import { RawSocket } from '../robustness/raw-socket.ts';
import { expectNothingLeft } from '../robustness/witness.ts';
import { FEEDS_APP, openSocket, publish } from './feeds-app.ts';

let broker: TestBroker;
let clock: FakeClock;
beforeEach(async () => {
  clock = new FakeClock(Math.floor(Date.now() / 1000) * 1000);
  broker = await startBroker({ pongTimeoutSeconds: 10 }, [FEEDS_APP], clock);
});
afterEach(async () => {
  await expectNothingLeft(broker);
  broker.kill();
});

test('a WebSocket is pinged every 54 seconds, and stays while it answers', async () => {
  const reader = await openSocket(broker, '/feeds/data');
  const connection = [...broker.node.connections.values()][0];
  for (let round = 0; round < 3; round += 1) {
    let pings = 0;
    reader.ws.on('ping', () => {
      pings += 1;
    });
    clock.advance(53_000);
    const pinged = once(reader.ws, 'ping');
    clock.advance(1000);
    await pinged;
    // Its pong is on the way, before this.
    reader.ws.ping();
    await once(reader.ws, 'pong');
    expect(connection?.lastReceivedSeconds).toBe(clock.elapsedMs() / 1000);
    expect(pings).toBe(1);
    reader.ws.removeAllListeners('ping');
  }
  // Nothing but pings has come.
  await publish(broker.url, 'news', 'x', 'e', clock.now() / 1000);
  expect(await reader.nextText()).toBe('x');
  await reader.close();
});

test('a WebSocket that does not answer is dropped, however much is sent to it', async () => {
  const dead = await RawSocket.upgraded(broker.port, '/feeds/data');
  clock.advance(54_000);
  await publish(broker.url, 'news', 'x', 'e', clock.now() / 1000);
  clock.advance(9000);
  expect(broker.node.connections.size).toBe(1);
  clock.advance(1000);
  expect(broker.node.connections.size).toBe(0);
  await dead.until('Pong reply not received');
  expect(broker.log).toContainEqual(expect.objectContaining({ cause: 'pong-timeout', code: 4201 }));
  dead.reset();
});

test('a stream gets a comment every 54 seconds, and nobody waits for an answer', async () => {
  const reader = await StreamReader.open(`${broker.url}/feeds/data`);
  for (let round = 0; round < 3; round += 1) {
    clock.advance(53_000);
    await publish(broker.url, 'news', 'before', 'e', clock.now() / 1000);
    clock.advance(1000);
    expect(await reader.next()).toMatchObject({ data: 'before' });
    expect(await reader.next()).toEqual({ comment: '' });
  }
  expect(broker.node.connections.size).toBe(1);
  reader.close();
});

test('the interval can be set, and a client that is heard of in between is not pinged', async () => {
  const other = await startBroker({ 'feeds.pingIntervalSeconds': 5 }, [FEEDS_APP], clock);
  const reader = await openSocket(other, '/feeds/echo');
  let pings = 0;
  reader.ws.on('ping', () => {
    pings += 1;
  });
  clock.advance(4000);
  reader.send('here');
  await reader.nextText();
  clock.advance(4000);
  reader.send('here');
  await reader.nextText();
  expect(pings).toBe(0);
  const pinged = once(reader.ws, 'ping');
  clock.advance(5000);
  await pinged;
  await reader.close();
  other.kill();
});
