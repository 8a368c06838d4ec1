import fc from 'fast-check';
import { hmacHex } from '../../../auth/hmac.ts';
import { APP } from '../../support/broker.ts';
import type { WireFrame } from './raw-socket.ts';

/** The same runs each time. On a failure fast-check prints seed and path. */
export const SEED = 20_260_726;

const EVENTS = ['pusher:subscribe', 'pusher:unsubscribe', 'pusher:signin', 'pusher:ping', 'pusher:pong', 'client-e'];
export const CHANNELS = [
  'news',
  'private-a',
  'presence-a',
  'cache-a',
  'private-encrypted-cache-a',
  '#server-to-user-u',
];

const anyText = fc.string({ unit: 'binary', maxLength: 60 });
/** A value of any JSON type; keys include the ones that JavaScript objects are born with. */
const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.dictionary(
    fc.constantFrom('__proto__', 'constructor', 'toString', 'event', 'data'),
    fc.jsonValue({ maxDepth: 1 }),
  ),
);

const fieldText = fc.oneof(
  fc.constantFrom(...CHANNELS, '', '#x', '__proto__', 'presence-', '{"user_id":"u"}', '{"id":"u"}', `${APP.key}:00`),
  anyText,
);
const field = fc.oneof({ weight: 3, arbitrary: fieldText }, { weight: 1, arbitrary: anyValue });

const fields = fc.record({ channel: field, auth: field, channel_data: field, user_data: field }, { requiredKeys: [] });
const data = fc.oneof(
  fields,
  fields.map((value) => JSON.stringify(value)),
  anyValue,
  anyText,
);

/** Messages that look like the protocol's, with any field missing or of any type. */
const nearlyRight = fc
  .record({ event: fc.oneof(fc.constantFrom(...EVENTS), field), data, channel: field }, { requiredKeys: [] })
  .map((message) => JSON.stringify(message));

/** `JSON.stringify` never writes this key of its own objects. */
const polluting = fc
  .tuple(fc.constantFrom(...EVENTS), fc.constantFrom(...CHANNELS))
  .map(
    ([event, channel]) =>
      `{"__proto__":{"event":"${event}","channel":"${channel}"},"event":"${event}","data":{"__proto__":{"channel":"${channel}"}}}`,
  );

const deep = fc
  .tuple(fc.constantFrom('[', '{"a":'), fc.integer({ min: 1, max: 15_000 }), fc.constantFrom('', ...EVENTS))
  .map(([opening, depth, event]) => {
    const nested = `${opening.repeat(depth)}1${(opening === '[' ? ']' : '}').repeat(depth)}`;
    return event === '' ? nested : `{"event":"${event}","channel":"private-a","data":${nested}}`;
  });

const huge = fc
  .tuple(fc.constantFrom('x', 'é', '"', '\u0000', '\ud83d\ude00'), fc.integer({ min: 1, max: 60_000 }))
  .map(([letter, count]) => JSON.stringify({ event: 'pusher:subscribe', data: { channel: letter.repeat(count) } }));

/** Anything that a client could send as text. */
export const frameText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: nearlyRight },
  { weight: 2, arbitrary: anyText },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: polluting },
  { weight: 1, arbitrary: deep },
  { weight: 1, arbitrary: huge },
);

const bytes = fc.uint8Array({ maxLength: 300 });

/** Frames as bytes, keeping to the rules of WebSocket or not. */
export const wireFrame: fc.Arbitrary<WireFrame> = fc.record({
  fin: fc.boolean(),
  rsv: fc.constantFrom(0, 0, 0, 1, 4, 7),
  opcode: fc.constantFrom(0, 1, 1, 1, 2, 8, 9, 10, 3, 11),
  masked: fc.constantFrom(true, true, true, false),
  payload: fc.oneof(
    bytes,
    frameText.map((text) => Buffer.from(text)),
  ),
  lie: fc.option(fc.constantFrom(0, 1, 125, 126, 65_535, 65_536, 600_000, 2 ** 40), { nil: undefined, freq: 8 }),
});

/** A subscription with a right signature. */
export function signedSubscription(socketId: string, channel: string, channelData?: string): object {
  const signed = [socketId, channel, ...(channelData === undefined ? [] : [channelData])].join(':');
  return {
    event: 'pusher:subscribe',
    data: { channel, auth: `${APP.key}:${hmacHex(APP.secret, signed)}`, channel_data: channelData },
  };
}
