import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atLength } from '../../support/at-length.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { frameText, SEED, wireFrame } from './arbitraries.ts';
import { encodeFrame, RawSocket, textFrame, upgradeRequest } from './raw-socket.ts';
import { expectNothingLeft, onlyLeft, Witness } from './witness.ts';

let broker: TestBroker;
let witness: Witness;
beforeAll(async () => {
  broker = await startBroker();
  witness = await Witness.start(broker);
});
afterAll(async () => {
  await witness.leave();
  await expectNothingLeft(broker);
  broker.kill();
});

const PATH = `/app/${APP.key}?protocol=7`;
const PING = '{"event":"pusher:ping"}';

/** Runs a property while the witness hears an event before, during and after each of its runs. */
async function holds<T>(arbitrary: fc.Arbitrary<T>, numRuns: number, run: (value: T) => Promise<void>): Promise<void> {
  const property = fc.asyncProperty(arbitrary, async (value) => {
    await witness.publish();
    await Promise.all([run(value), witness.publish()]);
    await witness.missedNothing();
    await onlyLeft(broker, 1);
  });
  await fc.assert(property, { seed: SEED, numRuns });
}

test('a text message of any content is answered and leaves the connection open', async () => {
  await holds(fc.array(frameText, { minLength: 1, maxLength: 12 }), atLength(80, 250), async (texts) => {
    const client = await RawClient.connect(broker.wsUrl);
    for (const text of texts) client.send(text);
    for (const answer of await client.flush()) expect(JSON.parse(answer)).toHaveProperty('event');
    await client.close();
  });
});

test('a message of any bytes, in fragments or between control frames, leaves the connection open', async () => {
  const part = fc.record({
    bytes: fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      frameText.map((text) => Buffer.from(text)),
    ),
    cuts: fc.array(fc.nat(100), { maxLength: 4 }),
    control: fc.constantFrom('none', 'ping', 'pong'),
  });
  await holds(fc.array(part, { minLength: 1, maxLength: 6 }), atLength(50, 150), async (parts) => {
    const client = await RawClient.connect(broker.wsUrl);
    for (const { bytes, cuts, control } of parts) {
      const data = Buffer.from(bytes);
      const ends = cuts.map((cut) => cut % (data.length + 1)).sort((a, b) => a - b);
      let start = 0;
      for (const end of ends) {
        client.ws.send(data.subarray(start, end), { binary: true, fin: false });
        start = end;
        if (control !== 'none') client.ws[control](data.subarray(0, 125));
      }
      client.ws.send(data.subarray(start), { binary: true, fin: true });
    }
    await client.flush();
    await client.close();
  });
});

test('frames that break the rules of WebSocket cost their own connection only', async () => {
  await holds(fc.array(wireFrame, { minLength: 1, maxLength: 8 }), atLength(80, 250), async (frames) => {
    const raw = await RawSocket.upgraded(broker.port, PATH);
    for (const frame of frames) raw.write(encodeFrame(frame));
    await raw.finish();
  });
});

test('bytes that are not HTTP, and upgrades that stop half-way, cost their own connection only', async () => {
  const request = upgradeRequest(PATH);
  const opening = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
    fc.nat(request.length).map((length) => Buffer.from(request.slice(0, length))),
    fc
      .tuple(fc.nat(request.length - 1), fc.string({ unit: 'binary', minLength: 1, maxLength: 5 }))
      .map(([at, noise]) => Buffer.from(request.slice(0, at) + noise + request.slice(at + noise.length))),
    fc.constantFrom(request.repeat(3), request + request.slice(0, 50)).map((text) => Buffer.from(text)),
  );
  const ending = fc.constantFrom('finish', 'reset');
  await holds(fc.tuple(opening, ending), atLength(80, 250), async ([bytes, end]) => {
    const raw = await RawSocket.open(broker.port);
    raw.write(bytes);
    if (end === 'finish') await raw.finish();
    else raw.reset();
  });
});

test('a message that is invalid UTF-8 ends its connection', async () => {
  const raw = await RawSocket.upgraded(broker.port, PATH);
  raw.write(
    encodeFrame({ fin: true, rsv: 0, opcode: 1, masked: true, payload: Buffer.from([0xff, 0xfe]), lie: undefined }),
  );
  raw.write(textFrame(PING));
  await raw.ended();
  expect(raw.text).not.toContain('pusher:pong');
});
