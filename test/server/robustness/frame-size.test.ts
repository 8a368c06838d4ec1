import { afterAll, beforeAll, expect, test } from 'vitest';
import { APP, FULL_APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { encodeFrame, RawSocket } from './raw-socket.ts';
import { expectNothingLeft } from './witness.ts';

const LIMIT = 2048;
/** uWebSockets.js cuts off above this. */
const HARD_LIMIT = 16 * LIMIT;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ maxFrameBytes: LIMIT, 'log.level': 'debug' }, [FULL_APP]);
});
afterAll(async () => {
  await expectNothingLeft(broker);
  broker.kill();
});

/** A message of exactly this many bytes, with letters of two bytes each. */
function message(bytes: number): string {
  const empty = JSON.stringify({ event: 'client-e', channel: 'private-x', data: '' });
  const room = bytes - Buffer.byteLength(empty);
  return empty.replace('""', `"${'é'.repeat(Math.floor(room / 2))}${'x'.repeat(room % 2)}"`);
}

test('a message of maxFrameBytes is taken, counted in bytes', async () => {
  const sender = await RawClient.connect(broker.wsUrl);
  const receiver = await RawClient.connect(broker.wsUrl);
  await sender.subscribed('private-x');
  await receiver.subscribed('private-x');
  await Promise.all([sender.flush(), receiver.flush()]);
  sender.send(message(LIMIT));
  expect(await receiver.next('client-e')).toEqual(JSON.parse(message(LIMIT)));
  await Promise.all([sender.close(), receiver.close()]);
});

test.for([LIMIT + 1, HARD_LIMIT])(
  'a message of %i bytes is answered with the limit, and the connection stays',
  async (bytes) => {
    const client = await RawClient.connect(broker.wsUrl);
    client.send(message(bytes));
    const text = `Message of ${bytes} bytes is too large: limit ${LIMIT} bytes (maxFrameBytes)`;
    expect(await client.flush()).toEqual([
      JSON.stringify({ event: 'pusher:error', data: { code: null, message: text } }),
    ]);
    await client.subscribed('news');
    await client.close();
  },
);

test.for([
  ['one frame', [HARD_LIMIT + 1]],
  ['fragments', [HARD_LIMIT, 1]],
] as const)('a message far above the limit is cut off, and logged, when sent as %s', async ([, parts]) => {
  const client = await RawClient.connect(broker.wsUrl);
  for (const [index, size] of parts.entries()) {
    client.ws.send('x'.repeat(size), { fin: index === parts.length - 1 });
  }
  await client.closed();
  expect(broker.log.filter(({ level, socketId }) => level === 40 && socketId === client.socketId)).toEqual([
    expect.objectContaining({
      level: 40,
      limit: HARD_LIMIT,
      msg: 'message far over maxFrameBytes: the connection was cut off',
    }),
  ]);
});

test('a message that announces more than the hard limit is cut off before it is sent', async () => {
  const raw = await RawSocket.upgraded(broker.port, `/app/${APP.key}?protocol=7`);
  raw.write(encodeFrame({ fin: true, rsv: 0, opcode: 1, masked: true, payload: Buffer.from('x'), lie: 2_000_000_000 }));
  await raw.ended();
  expect(raw.text).not.toContain('pusher:error');
});
