import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClientMessage, parseClientMessage } from '../../protocol/client-message.ts';
import { PusherError } from '../../protocol/errors.ts';

function errorOf(text: string): { id: string; code: number | null; message: string } {
  try {
    parseClientMessage(text);
  } catch (error) {
    if (error instanceof PusherError) return { id: error.id, code: error.code, message: error.message };
    throw error;
  }
  throw new Error(`${text} was taken`);
}

describe('reads', () => {
  test.for([
    ['{"event":"pusher:ping"}', { kind: 'ping' }],
    ['{"event":"pusher:ping","data":{}}', { kind: 'ping' }],
    ['{"event":"pusher:ping","data":"{}"}', { kind: 'ping' }],
    ['{"event":"pusher:pong","data":{}}', { kind: 'pong' }],
    ['{"event":"pusher:pong"}', { kind: 'pong' }],
    [
      '{"event":"pusher:subscribe","data":{"auth":"","channel":"news"}}',
      { kind: 'subscribe', channel: 'news', auth: '', channelData: undefined },
    ],
    [
      '{"event":"pusher:subscribe","data":{"channel":"news"}}',
      { kind: 'subscribe', channel: 'news', auth: undefined, channelData: undefined },
    ],
    [
      '{"event":"pusher:subscribe","data":{"channel":"news","auth":null,"channel_data":null,"more":1},"more":[]}',
      { kind: 'subscribe', channel: 'news', auth: undefined, channelData: undefined },
    ],
    [
      String.raw`{"event":"pusher:subscribe","data":"{\"channel\":\"presence-x\",\"auth\":\"k:s\",\"channel_data\":\"{ \\\"user_id\\\" : 1 }\"}"}`,
      { kind: 'subscribe', channel: 'presence-x', auth: 'k:s', channelData: '{ "user_id" : 1 }' },
    ],
    // What a public channel has no use for is passed over.
    [
      '{"event":"pusher:subscribe","data":{"channel":"news","auth":7,"channel_data":{"user_id":1}}}',
      { kind: 'subscribe', channel: 'news', auth: undefined, channelData: undefined },
    ],
    [
      '{"event":"pusher:subscribe","data":{"channel":"private-x","auth":{},"channel_data":null}}',
      { kind: 'subscribe', channel: 'private-x', auth: undefined, channelData: undefined },
    ],
    ['{"event":"pusher:unsubscribe","data":{"channel":"news"}}', { kind: 'unsubscribe', channel: 'news' }],
    ['{"event":"pusher:unsubscribe","data":"{\\"channel\\":\\"news\\"}"}', { kind: 'unsubscribe', channel: 'news' }],
    [
      '{"event":"pusher:signin","data":{"auth":"k:s","user_data":"{\\"id\\":\\"7\\"}"}}',
      { kind: 'signin', auth: 'k:s', userData: '{"id":"7"}' },
    ],
  ] as [string, ClientMessage][])('%s', ([text, message]) => {
    expect(parseClientMessage(text)).toEqual(message);
  });

  test.for([
    ['a string as it is', '"{\\"a\\": 1}"', '{"a": 1}'],
    ['a string that is not JSON as it is', '"hello"', 'hello'],
    ['an empty string as it is', '""', ''],
    ['an object as its JSON text', '{ "a": [1, "ü"] }', '{ "a": [1, "ü"] }'],
    ['null as JSON text', 'null', 'null'],
    ['a number as its JSON text', '1.50', '1.50'],
    // Cause: data was read and written again. Symptom: ids changed their last digits, 1e400 became null, of two fields one was lost.
    [
      'numbers that JavaScript can not hold',
      '{"id":1234567890123456789,"p":10.0,"x":1e400}',
      '{"id":1234567890123456789,"p":10.0,"x":1e400}',
    ],
    ['fields given twice', '{"a":1,"a":{"data":2}}', '{"a":1,"a":{"data":2}}'],
    ['escapes as they are', String.raw`["\ud800\u2028\/"]`, String.raw`["\ud800\u2028\/"]`],
    ['false as JSON text', 'false', 'false'],
  ])('the data of a client event: %s', ([, data, text]) => {
    expect(parseClientMessage(`{"event":"client-x","channel":"private-a","data":${data},"user_id":"forged"}`)).toEqual({
      kind: 'client-event',
      event: 'client-x',
      channel: 'private-a',
      data: text,
    });
  });
});

describe('refuses', () => {
  test.for(['', ' ', '{', 'hello', '{"event":"pusher:ping"', '{"event":"pusher:ping"}x', "{'event':'x'}"])(
    '%j, which is not JSON',
    (text) => expect(errorOf(text)).toEqual({ id: 'invalid-json', code: null, message: 'Received invalid JSON' }),
  );

  test.for(['null', '1', '"pusher:ping"', '[]', '[{"event":"pusher:ping"}]', '{}', '{"event":1}', '{"event":null}'])(
    '%s, which is no message',
    (text) =>
      expect(errorOf(text)).toEqual({
        id: 'invalid-message',
        code: null,
        message: 'Invalid message: it must be a JSON object with a string "event"',
      }),
  );

  test.for(['', 'hello', 'pusher:hello', 'pusher:subscribed', 'pusher_internal:member_added', 'client', 'Client-x'])(
    'the event %j, which clients may not send',
    (event) =>
      expect(errorOf(JSON.stringify({ event, channel: 'private-x', data: {} }))).toEqual({
        id: 'unsupported-event',
        code: null,
        message: `Unsupported event received on socket: ${event}`,
      }),
  );

  test('a long event name without repeating all of it', () => {
    expect(errorOf(JSON.stringify({ event: 'x'.repeat(5000) })).message.length).toBeLessThan(200);
  });

  test.for([
    ['{"event":"client-x"}'],
    ['{"event":"client-x","data":{}}'],
    ['{"event":"client-x","channel":1,"data":{}}'],
    ['{"event":"client-x","channel":null,"data":{}}'],
  ])('the client event %s without a channel', ([text = '']) => {
    expect(errorOf(text)).toEqual({
      id: 'invalid-client-event',
      code: null,
      message: 'Invalid client event (must contain channel and data)',
    });
  });

  test.for([
    ['subscribe', undefined, '"data" must be an object'],
    ['subscribe', null, '"data" must be an object'],
    ['subscribe', [], '"data" must be an object'],
    ['subscribe', 'hello', '"data" must be an object'],
    ['subscribe', '[]', '"data" must be an object'],
    ['subscribe', {}, '"data.channel" must be a string'],
    ['subscribe', { channel: 7 }, '"data.channel" must be a string'],
    ['unsubscribe', undefined, '"data" must be an object'],
    ['unsubscribe', { channel: null }, '"data.channel" must be a string'],
    ['signin', undefined, '"data" must be an object'],
    ['signin', { user_data: '{}' }, '"data.auth" must be a string'],
    ['signin', { auth: 'a', user_data: { id: '7' } }, '"data.user_data" must be a string'],
  ])('pusher:%s with the data %j', ([event, data, problem]) => {
    expect(errorOf(JSON.stringify({ event: `pusher:${event}`, data }))).toEqual({
      id: 'invalid-message',
      code: null,
      message: `Invalid pusher:${event}: ${problem}`,
    });
  });
});

test('reads or refuses any text, and fails on none', () => {
  const event = fc.oneof(
    fc.constantFrom('pusher:ping', 'pusher:subscribe', 'pusher:unsubscribe', 'pusher:signin', 'client-x'),
    fc.string(),
  );
  const frame = fc.record({ event, channel: fc.anything(), data: fc.jsonValue() }, { requiredKeys: [] });
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    frame.map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(text, (value) => {
      try {
        expect(parseClientMessage(value).kind).toBeTypeOf('string');
      } catch (error) {
        expect(error).toBeInstanceOf(PusherError);
      }
    }),
  );
});

/** Cause: `whisper('typing')` of Echo has no payload, and JSON.stringify leaves it out. Symptom: the whisper was refused, and nobody saw it. */
test.for(['{"event":"client-x","channel":"private-a"}', '{"event":"client-x","channel":"private-a","user_id":"1"}'])(
  'the client event %s without data gets an empty object',
  (text) => {
    expect(parseClientMessage(text)).toMatchObject({ kind: 'client-event', data: '{}' });
  },
);

test('passes on data that is nested as deeply as a frame can', () => {
  const data = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const text = `{"event":"client-x","channel":"private-a","data":${data}}`;
  expect(parseClientMessage(text)).toMatchObject({ kind: 'client-event', data });
});

test('takes the last data of a frame that has several, however its name is written', () => {
  const text = String.raw`{"event":"client-x","data":"first","channel":"private-a","\u0064ata":{"n":1.0}}`;
  expect(parseClientMessage(text)).toMatchObject({ kind: 'client-event', data: '{"n":1.0}' });
});
