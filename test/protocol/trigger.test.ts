import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiError } from '../../protocol/errors.ts';
import { parseBatch as readBatch, parseTrigger as readTrigger, type Trigger } from '../../protocol/trigger.ts';

const LIMITS = {
  maxEventNameLength: 200,
  maxEventPayloadBytes: 10_240,
  maxEventChannelsAtOnce: 100,
  maxEventBatchSize: 10,
  maxChannelNameLength: 200,
};
const EVENT = { name: 'e', data: 'd', channel: 'c' };
/** As a body arrives: read from its text. */
const parseTrigger = (body: unknown, limits: typeof LIMITS): Trigger =>
  readTrigger(body, limits, JSON.stringify(body) ?? '');
const parseBatch = (body: unknown, limits: typeof LIMITS): readonly Trigger[] =>
  readBatch(body, limits, JSON.stringify(body) ?? '');
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `c${index}`);

function errorOf(run: () => unknown): { id: string; status: number; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError) return { id: error.id, status: error.status, message: error.message };
    throw error;
  }
  throw new Error('it was taken');
}

describe('POST /events takes', () => {
  test('one channel in channel, as the PHP library sends it', () => {
    expect(parseTrigger(EVENT, LIMITS)).toEqual({
      name: 'e',
      data: 'd',
      channels: ['c'],
      socketId: undefined,
      info: new Set(),
    });
  });

  test('up to 100 channels, each once and in their order', () => {
    expect(parseTrigger({ ...EVENT, channel: undefined, channels: names(100) }, LIMITS).channels).toEqual(names(100));
    expect(parseTrigger({ ...EVENT, channels: ['b', 'a', 'b'] }, LIMITS).channels).toEqual(['b', 'a']);
  });

  test.for([
    ['', ''],
    ['0', '0'],
    ['{"a": 1}', '{"a": 1}'],
    [{ a: 1 }, '{"a":1}'],
    [0, '0'],
    [null, 'null'],
    [[], '[]'],
  ])('the data %j', ([data, text]) => {
    expect(parseTrigger({ ...EVENT, data }, LIMITS).data).toBe(text);
  });

  test('data of exactly the limit, counted in bytes', () => {
    expect(parseTrigger({ ...EVENT, data: 'x'.repeat(10_240) }, LIMITS).data).toHaveLength(10_240);
    expect(parseTrigger({ ...EVENT, data: 'ü'.repeat(5120) }, LIMITS).data).toHaveLength(5120);
  });

  test('a name of exactly the limit, of any characters', () => {
    expect(parseTrigger({ ...EVENT, name: '\\'.repeat(200) }, LIMITS).name).toHaveLength(200);
  });

  test('the channel of a user', () => {
    expect(parseTrigger({ ...EVENT, channel: '#server-to-user-7' }, LIMITS).channels).toEqual(['#server-to-user-7']);
  });

  test('a socket id to leave out, and attributes to tell', () => {
    const trigger = parseTrigger({ ...EVENT, socket_id: '1.2', info: 'user_count,cache' }, LIMITS);
    expect(trigger.socketId).toBe('1.2');
    expect([...trigger.info]).toEqual(['user_count', 'cache']);
    expect(parseTrigger({ ...EVENT, socket_id: null, info: null }, LIMITS)).toMatchObject({ socketId: undefined });
  });
});

/** Cause: data was read and written again. Symptom: ids changed their last digits, 10.0 became 10, 1e400 null, and of two fields one was lost. */
describe('data that is no string is passed on as it was written', () => {
  const texts = [
    '{"id":1234567890123456789,"p":10.0}',
    '[1e400,-0.0,1E3]',
    '{ "a" : 1,\n "a" : 2 }',
    '0.10',
    String.raw`{"\u0061":"\/\ud800\u2028"}`,
    `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  ];
  const limits = { ...LIMITS, maxEventPayloadBytes: 100_000 };

  test.for(texts)('%.40s', (data) => {
    const text = ` {"name":"e", "data": {"data":0}, "\\u0064ata" : ${data} , "channel":"c"}`;
    expect(readTrigger(JSON.parse(text), limits, text).data).toBe(data);
    const batch = `{"batch":[],"batch":[${text},{"name":"f","data":"d","channel":"c"},${text}]}`;
    expect(readBatch(JSON.parse(batch), limits, batch).map((trigger) => trigger.data)).toEqual([data, 'd', data]);
  });

  test('and counted as it was written', () => {
    const text = `{"name":"e","channel":"c","data":[${' '.repeat(10_239)}]}`;
    expect(errorOf(() => readTrigger(JSON.parse(text), LIMITS, text))).toMatchObject({
      id: 'data-too-large',
      message: expect.stringContaining('data is 10241 bytes, limit 10240'),
    });
  });
});

describe('POST /events refuses', () => {
  const socketIdText = 'socket_id must look like "123.456": take it from the client\'s pusher.connection.socket_id';
  const dataText =
    'The data content of this event exceeds the allowed maximum: data is 10241 bytes, limit 10240. ' +
    'Send less (such as an id to fetch), or raise eventLimits.maxPayloadInKb';
  test.for([
    ['no object', [], 'invalid-body', 400, 'The body must be a JSON object'],
    ['null', null, 'invalid-body', 400, 'The body must be a JSON object'],
    ['no name', { ...EVENT, name: undefined }, 'invalid-event-name', 400, 'name must be a non-empty string'],
    ['an empty name', { ...EVENT, name: '' }, 'invalid-event-name', 400, 'name must be a non-empty string'],
    [
      'a name of 201 characters',
      { ...EVENT, name: 'x'.repeat(201) },
      'invalid-event-name',
      400,
      'name is 201 characters long, limit 200 (eventLimits.maxNameLength)',
    ],
    ['no data', { ...EVENT, data: undefined }, 'missing-data', 400, 'data is missing: it must be a string'],
    ['data of 10 241 bytes', { ...EVENT, data: 'x'.repeat(10_241) }, 'data-too-large', 413, dataText],
    [
      'data of 10 241 bytes in fewer characters',
      { ...EVENT, data: `x${'ü'.repeat(5120)}` },
      'data-too-large',
      413,
      dataText,
    ],
    [
      'no channel',
      { ...EVENT, channel: undefined },
      'invalid-channels',
      400,
      'channels must be an array of channel names (or channel one name)',
    ],
    [
      'no channels',
      { ...EVENT, channels: [] },
      'invalid-channels',
      400,
      'channels must be an array of at least one channel name',
    ],
    [
      'channels of one text',
      { ...EVENT, channels: 'c' },
      'invalid-channels',
      400,
      'channels must be an array of at least one channel name',
    ],
    [
      'a channel that is no text',
      { ...EVENT, channels: ['c', 7] },
      'invalid-channels',
      400,
      'channels must be an array of strings',
    ],
    [
      '101 channels',
      { ...EVENT, channels: names(101) },
      'too-many-channels',
      400,
      'channels holds 101 names, limit 100 (eventLimits.maxChannelsAtOnce)',
    ],
    [
      'a reserved channel',
      { ...EVENT, channel: '#control-7' },
      'invalid-channel',
      400,
      'Invalid channel name "#control-7": names beginning with # are reserved',
    ],
    ['a socket id of one part', { ...EVENT, socket_id: '1' }, 'invalid-socket-id', 400, socketIdText],
    ['a socket id that is a number', { ...EVENT, socket_id: 1.2 }, 'invalid-socket-id', 400, socketIdText],
    ['a socket id with a line break', { ...EVENT, socket_id: '1.2\n' }, 'invalid-socket-id', 400, socketIdText],
    ['an empty socket id', { ...EVENT, socket_id: '' }, 'invalid-socket-id', 400, socketIdText],
    [
      'info that is no text',
      { ...EVENT, info: ['cache'] },
      'unknown-info',
      400,
      'info must be a string such as "user_count,subscription_count"',
    ],
  ] as const)('%s', ([, body, id, status, message]) => {
    expect(errorOf(() => parseTrigger(body, LIMITS))).toEqual({ id, status, message });
  });
});

describe('POST /batch_events', () => {
  test('takes up to 10 events, each with its own channel, exclusion and attributes', () => {
    const batch = [
      { ...EVENT, info: 'user_count' },
      { ...EVENT, channel: 'private-encrypted-x', socket_id: '1.2' },
    ];
    const triggers = parseBatch({ batch }, LIMITS);
    expect(triggers.map(({ channels, socketId, info }) => [channels, socketId, [...info]])).toEqual([
      [['c'], undefined, ['user_count']],
      [['private-encrypted-x'], '1.2', []],
    ]);
    expect(parseBatch({ batch: Array(10).fill(EVENT) }, LIMITS)).toHaveLength(10);
  });

  test.for([
    ['no object', null, 'invalid-body', 400, 'The body must be a JSON object with an array "batch"'],
    ['no batch', {}, 'invalid-body', 400, 'The body must be a JSON object with an array "batch"'],
    ['an empty batch', { batch: [] }, 'invalid-body', 400, 'batch is empty: it must hold at least one event'],
    [
      '11 events',
      { batch: Array(11).fill(EVENT) },
      'batch-too-large',
      400,
      'Batch too large: 11 events, limit 10 (eventLimits.maxBatchSize)',
    ],
    ['an event that is no object', { batch: [EVENT, 7] }, 'invalid-body', 400, 'batch[1] must be an object'],
    [
      'an event with channels',
      { batch: [{ ...EVENT, channel: undefined, channels: ['c'] }] },
      'invalid-body',
      400,
      'batch[0].channel must be a string',
    ],
    [
      'a channel that can not be',
      { batch: [EVENT, { ...EVENT, channel: 'a b' }] },
      'invalid-channel',
      400,
      'batch[1].channel: Invalid channel name "a b": only letters, digits and - _ = @ , . ; are allowed',
    ],
    [
      'one bad event among good ones',
      { batch: [EVENT, { ...EVENT, name: 7 }] },
      'invalid-event-name',
      400,
      'batch[1].name must be a non-empty string',
    ],
  ] as const)('refuses %s', ([, body, id, status, message]) => {
    expect(errorOf(() => parseBatch(body, LIMITS))).toEqual({ id, status, message });
  });

  test('refuses data that is too large with 413', () => {
    const batch = [EVENT, { ...EVENT, data: 'x'.repeat(10_241) }];
    expect(errorOf(() => parseBatch({ batch }, LIMITS))).toMatchObject({ id: 'data-too-large', status: 413 });
  });
});

test('takes or refuses any body, and fails on none', () => {
  const event = fc.record(
    {
      name: fc.oneof(fc.string(), fc.jsonValue()),
      data: fc.jsonValue(),
      channel: fc.oneof(fc.string(), fc.jsonValue()),
      channels: fc.oneof(fc.array(fc.string()), fc.jsonValue()),
      socket_id: fc.jsonValue(),
      info: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const body = fc.oneof(fc.jsonValue(), event, fc.record({ batch: fc.array(event) }));
  fc.assert(
    fc.property(body, fc.constantFrom(parseTrigger, parseBatch), (value, parse) => {
      try {
        parse(value, LIMITS);
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError);
      }
    }),
  );
});
