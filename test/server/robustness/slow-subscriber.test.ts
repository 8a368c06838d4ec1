import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Session } from '../../../channels/session.ts';
import { NativeTopics } from '../../../server/ws/native-topics.ts';
import { WebSocketTransport } from '../../../server/ws/web-socket-transport.ts';
import { trigger } from '../../support/api-client.ts';
import { atLength } from '../../support/at-length.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { encodeRequest, parseAnswers, signTarget } from '../http/raw-http.ts';
import { SEED } from './arbitraries.ts';
import { RawSocket } from './raw-socket.ts';
import { expectNothingLeft, onlyLeft } from './witness.ts';

const MAX_BUFFERED_BYTES = 65_536;
const CHANNEL = 'feed';
const SENDERS = [1, 2, 3];

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ maxBufferedBytes: MAX_BUFFERED_BYTES }, [APP]);
});
afterAll(() => broker.kill());

async function subscriber(): Promise<RawClient> {
  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed(CHANNEL);
  return client;
}

/** Numbers at the beginning of each event's data. */
const numbersOf = (texts: readonly string[]): number[] =>
  texts.map((text) => Number.parseInt((JSON.parse(text) as { data: string }).data, 10));

const upTo = (count: number): number[] => Array.from({ length: count }, (_, number) => number);

test('a subscriber that does not read is disconnected at maxBufferedBytes, and the others miss nothing', async () => {
  const reader = await subscriber();
  const slow = await subscriber();
  slow.ws.pause();
  let published = 0;
  while (broker.node.connections.has(slow.socketId)) {
    await trigger(broker.url, { name: 'e', channel: CHANNEL, data: `${published} ${'x'.repeat(20_000)}` });
    published += 1;
  }
  expect(broker.log.filter(({ socketId }) => socketId === slow.socketId)).toEqual([
    expect.objectContaining({
      level: 40,
      limit: MAX_BUFFERED_BYTES,
      msg: 'subscriber too slow: it had more than maxBufferedBytes waiting and was disconnected',
    }),
  ]);
  slow.ws.resume();
  const { before } = await slow.closed();
  const received = numbersOf(before);
  expect(received.length).toBeLessThan(published);
  expect(received).toEqual(upTo(received.length));
  expect(numbersOf(await reader.flush())).toEqual(upTo(published));
  await reader.close();
  await expectNothingLeft(broker);
});

// uWebSockets.js drops a frame over the limit and closes the socket, but only after the other events it has in hand. When the
// client began to read among those, it got later frames: events were missing in the middle of what it saw.
test('a subscriber that stops and starts to read sees no events after a gap', async () => {
  const path = `/apps/${APP.id}/events`;
  const publish = (sender: RawSocket, number: number): void => {
    const body = JSON.stringify({ name: 'e', channel: CHANNEL, data: `${number} ${'x'.repeat(90_000)}` });
    sender.write(encodeRequest('POST', signTarget({ method: 'POST', path, body }), body));
  };
  const property = fc.asyncProperty(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), async (turns) => {
    const senders = await Promise.all(SENDERS.map(() => RawSocket.open(broker.port)));
    const slow = await subscriber();
    slow.ws.pause();
    for (const [turn, isReading] of turns.entries()) {
      for (let number = turn * 10; number < turn * 10 + 10; number += 1) {
        for (const sender of senders) publish(sender, number);
      }
      if (isReading) slow.ws.resume();
      else slow.ws.pause();
      await nextTurn();
    }
    slow.ws.resume();
    for (const sender of senders) {
      while (parseAnswers(sender.text).length < turns.length * 10) await sender.more();
    }

    const isOpen = broker.node.connections.has(slow.socketId);
    const received = isOpen ? await slow.flush() : (await slow.closed()).before;
    // Each sender's events come in order, so every number comes three times and none is passed over.
    const next = SENDERS.map(() => 0);
    for (const number of numbersOf(received)) {
      const sender = next.indexOf(number);
      expect(sender, `event ${number} where ${next} were next`).not.toBe(-1);
      next[sender] = number + 1;
    }
    slow.ws.terminate();
    for (const sender of senders) sender.reset();
    await onlyLeft(broker, 0);
  });
  await fc.assert(property, { seed: SEED, numRuns: atLength(5, 12), endOnFailure: true });
  await expectNothingLeft(broker);
});

test('a subscriber that lost a frame is closed before the next event can be published', async () => {
  const calls: string[] = [];
  const socket = {
    send: (frame: string) => calls.push(`send ${frame}`),
    close: () => calls.push('close'),
  } as unknown as ConstructorParameters<typeof WebSocketTransport>[0];
  const publish = (_topic: string, frame: unknown): boolean => {
    calls.push(`publish ${frame}`);
    slow.noteSlow();
    return true;
  };
  const topics = new NativeTopics({ publish });
  const slow = new WebSocketTransport(socket, {} as Session, topics);

  topics.publish('topic', 'that is lost', undefined);
  slow.send('that would follow the gap');
  // Not at once: uWebSockets.js and the use case that publishes are still at work.
  expect(calls).toEqual(['publish that is lost']);
  await new Promise((resolve) => {
    process.nextTick(resolve);
  });
  expect(calls).toEqual(['publish that is lost', 'close']);
});
