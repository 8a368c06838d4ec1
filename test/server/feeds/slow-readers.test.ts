import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { StreamReader } from '../../support/stream-reader.ts';
import { untilEqual } from '../../support/until.ts';
import { RawSocket, textFrame } from '../robustness/raw-socket.ts';
import { expectNothingLeft } from '../robustness/witness.ts';
import { FEEDS_APP, openSocket, publish } from './feeds-app.ts';

const MAX_BUFFERED_BYTES = 65_536;
const FILLING = 'x'.repeat(20_000);

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ maxBufferedBytes: MAX_BUFFERED_BYTES }, [FEEDS_APP]);
});
afterAll(() => broker.kill());

const socketIdOf = (count: number): string => [...broker.node.connections.keys()][count - 1] ?? '';
const upTo = (count: number): number[] => Array.from({ length: count }, (_, number) => number);
const warnings = (socketId: string): string[] =>
  broker.log.filter((line) => line.socketId === socketId && line.level === 40).map(({ msg }) => String(msg));

/** Publishes numbered events until a connection is gone. */
async function publishUntilGone(socketId: string): Promise<number> {
  let published = 0;
  for (; broker.node.connections.has(socketId); published += 1) {
    await publish(broker.url, 'news', `${published} ${FILLING}`);
  }
  return published;
}

test('a stream that is not read is cut off at maxBufferedBytes, and the others miss nothing', async () => {
  const reader = await StreamReader.open(`${broker.url}/feeds/data`);
  const socket = await openSocket(broker, '/feeds/data');
  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed('news');
  const slow = await StreamReader.open(`${broker.url}/feeds/data`);
  const slowId = socketIdOf(4);
  slow.pause();
  const published = await publishUntilGone(slowId);
  expect(warnings(slowId)).toEqual(['reader of a feed too slow: it had more than maxBufferedBytes waiting']);

  slow.resume();
  const { before, isComplete } = await slow.ended();
  expect(isComplete).toBe(false);
  expect(before.length).toBeLessThan(published);
  expect(before.map(({ data = '' }) => Number.parseInt(data, 10))).toEqual(upTo(before.length));
  for (const number of upTo(published)) {
    expect(Number.parseInt(await reader.nextData(), 10)).toBe(number);
    expect(Number.parseInt(await socket.nextText(), 10)).toBe(number);
  }
  reader.close();
  await socket.close();
  await client.close();
  await expectNothingLeft(broker);
});

test('a WebSocket that is not read is cut off there, too', async () => {
  const socket = await openSocket(broker, '/feeds/event');
  const slow = await openSocket(broker, '/feeds/event');
  const slowId = socketIdOf(2);
  slow.ws.pause();
  const published = await publishUntilGone(slowId);
  expect(warnings(slowId)).toHaveLength(1);
  for (const number of upTo(published)) {
    const { data } = JSON.parse(await socket.nextText()) as { data: string };
    expect(Number.parseInt(data, 10)).toBe(number);
  }
  await socket.close();
  slow.ws.terminate();
  await expectNothingLeft(broker);
});

// What uWebSockets.js could not hand to the system stayed with it until the next event was written: a reader that had
// been slow for a moment did not get the last events before a silence.
test('a stream that is read again after a jam gets all of it without another event', async () => {
  const roomy = await startBroker({ maxBufferedBytes: 64 * 1024 * 1024 }, [FEEDS_APP]);
  const reader = await StreamReader.open(`${roomy.url}/feeds/data`);
  reader.pause();
  // More than the system keeps for a connection.
  const count = 250;
  for (const number of upTo(count)) await publish(roomy.url, 'news', `${number} ${'x'.repeat(100_000)}`);
  reader.resume();
  for (const number of upTo(count)) expect(Number.parseInt(await reader.nextData(), 10)).toBe(number);
  reader.close();
  roomy.kill();
});

test('echoes that nobody reads do not gather: the client is cut off', async () => {
  const raw = await RawSocket.upgraded(broker.port, '/feeds/echo');
  const id = socketIdOf(1);
  raw.socket.pause();
  // More than is read in one turn: as long as there is more, uWebSockets.js does not notice that it has closed its side.
  const frames = Buffer.concat(Array.from({ length: 100 }, () => textFrame('x'.repeat(10_000))));
  for (let turn = 0; broker.node.connections.has(id); turn += 1) {
    if (turn > 1000) throw new Error('goes on for ever');
    raw.write(frames);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  raw.reset();
  await untilEqual(() => broker.node.connections.size, 0);
  await expectNothingLeft(broker);
});
