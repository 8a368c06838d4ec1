import { expect, onTestFinished, test } from 'vitest';
import { APP, FULL_APP, startBroker, type TestBroker } from '../support/broker.ts';
import { RawClient } from '../support/raw-client.ts';
import { untilEqual } from '../support/until.ts';

async function start(level: string): Promise<{
  broker: TestBroker;
  client: RawClient;
  lines: () => readonly Record<string, unknown>[];
}> {
  const broker = await startBroker({ 'log.level': level }, [FULL_APP]);
  onTestFinished(() => broker.kill());
  const client = await RawClient.connect(broker.wsUrl);
  return { broker, client, lines: () => broker.log.filter(({ msg }) => msg === 'subscription refused') };
}

/** Cause: they were logged at debug only. Symptom: a wrong secret in a backend left no trace in the log of the broker. */
test('a refused subscription is logged at info, with the reason', async () => {
  const { client, lines } = await start('info');
  client.send({ event: 'pusher:subscribe', data: { channel: 'private-x', auth: `${APP.key}:00` } });
  await client.flush();
  expect(lines()).toEqual([
    expect.objectContaining({
      level: 30,
      socketId: client.socketId,
      app: APP.id,
      channel: 'private-x',
      cause: 'auth-signature',
      reason: expect.stringMatching(/^Invalid signature: Expected HMAC/),
    }),
  ]);
});

test('many of a kind are one line a second, which says how many were left out', async () => {
  const { client, lines } = await start('info');
  for (let count = 0; count < 50; count += 1) {
    client.send({ event: 'pusher:subscribe', data: { channel: `private-${count}` } });
  }
  client.send({ event: 'pusher:subscribe', data: { channel: 'not a name' } });
  await client.flush();
  expect(lines().map(({ channel, cause }) => [channel, cause])).toEqual([
    ['private-0', 'auth-format'],
    ['not a name', 'invalid-channel'],
  ]);
  await untilEqual(() => lines().length, 3);
  expect(lines().slice(2)).toEqual([expect.objectContaining({ channel: 'private-49', leftOut: 48 })]);
});

test('with debug each is a line, and other refused messages are lines at debug', async () => {
  const { broker, client, lines } = await start('debug');
  for (let count = 0; count < 3; count += 1) {
    client.send({ event: 'pusher:subscribe', data: { channel: `private-${count}` } });
  }
  client.send('hello');
  await client.flush();
  expect(lines().map(({ channel }) => channel)).toEqual(['private-0', 'private-1', 'private-2']);
  expect(broker.log.find(({ msg }) => msg === 'message refused')).toMatchObject({ level: 20, cause: 'invalid-json' });
});
