import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientFrame } from '../../../bench/load/client-frame.ts';
import { trigger } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { RawSocket } from './raw-socket.ts';
import { expectNothingLeft } from './witness.ts';

const ECHO = '/echo';
const CLOSE_4100 = Buffer.from([0x10, 0x04]).toString('latin1');

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({}, [{ ...APP, feeds: [{ path: ECHO, channel: 'news', echo: true }] }]);
});
afterAll(() => broker.kill());

/** As many frames as fit into 4 MB. */
function burst(frameOf: (index: number) => Buffer): Buffer {
  const frames: Buffer[] = [];
  for (let bytes = 0; bytes < 4_000_000; ) {
    const frame = frameOf(frames.length);
    frames.push(frame);
    bytes += frame.length;
  }
  return Buffer.concat(frames);
}

const always = (frame: Buffer) => (): Buffer => frame;
const json = (message: object): Buffer => clientFrame(JSON.stringify(message));
/** A WebSocket ping or pong without a payload. */
const control = (opcode: number): Buffer => Buffer.from([0x80 | opcode, 0x80, 0, 0, 0, 0]);

// 4 MB of empty frames in one burst took 10.7 s, and an innocent client waited 2.9 s meanwhile.
test.for([
  ['empty frames', always(clientFrame('')), 'pusher:error', 100],
  ['frames that are no JSON', always(clientFrame('{"event":')), 'pusher:error', 100],
  ['WebSocket pings', always(control(9)), '\x8a\x00', 40_000],
  ['WebSocket pongs', always(control(10)), '\x8a\x00', 0],
  ['pings', always(json({ event: 'pusher:ping' })), 'pusher:pong', 40_000],
  [
    'subscriptions',
    (index) => json({ event: 'pusher:subscribe', data: { channel: `c${index}` } }),
    'succeeded',
    14_000,
  ],
  [
    'subscriptions with a wrong signature',
    (index) => json({ event: 'pusher:subscribe', data: { channel: `private-${index}`, auth: 'key:00' } }),
    'pusher:error',
    2600,
  ],
  [
    'sign-ins',
    always(json({ event: 'pusher:signin', data: { auth: 'key:00', user_data: '{}' } })),
    'pusher:error',
    1700,
  ],
] as [string, (index: number) => Buffer, string, number][])(
  'a burst of %s ends the client that sends them, and nobody else notices',
  async ([, frameOf, answer, most]) => {
    const [innocent, hostile] = [
      await RawClient.connect(broker.wsUrl),
      await RawSocket.upgraded(broker.port, `/app/${APP.key}`),
    ];
    await innocent.subscribed('news');
    hostile.write(burst(frameOf));
    await trigger(broker.url, { name: 'e', channel: 'news', data: 'x' });
    await innocent.next('e');
    await hostile.ended();
    expect(hostile.text).toContain(CLOSE_4100);
    // Some of the budget comes back while a slow machine is at it.
    expect(hostile.text.split(answer).length - 1).toBeLessThanOrEqual(2 * most);
    expect(await innocent.flush()).toEqual([]);
    await innocent.close();
    await expectNothingLeft(broker);
  },
);

test('a burst of texts to a feed that echoes ends the reader that sends them', async () => {
  const hostile = await RawSocket.upgraded(broker.port, ECHO);
  hostile.write(burst(always(clientFrame('hello'))));
  await hostile.ended();
  expect(hostile.text).toContain(CLOSE_4100);
  expect(hostile.text.split('Echo: hello').length - 1).toBeLessThanOrEqual(16_000);
});
