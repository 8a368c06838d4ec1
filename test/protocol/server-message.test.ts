import { describe, expect, test } from 'vitest';
import * as frames from '../../protocol/server-message.ts';

const ANN = { userId: '1', userIdJson: '1', userInfoJson: '{"name":"A"}' };
const BOB = { userId: 'b"', userIdJson: '"b\\""', userInfoJson: undefined };

describe('writes, to the byte,', () => {
  test.for([
    [
      frames.encodeConnectionEstablished('12.34', 120),
      String.raw`{"event":"pusher:connection_established","data":"{\"socket_id\":\"12.34\",\"activity_timeout\":120}"}`,
    ],
    [frames.PING_FRAME, '{"event":"pusher:ping","data":"{}"}'],
    [frames.PONG_FRAME, '{"event":"pusher:pong","data":"{}"}'],
    [frames.encodeError(null, 'a "b"'), String.raw`{"event":"pusher:error","data":{"code":null,"message":"a \"b\""}}`],
    [frames.encodeError(4001, 'x'), '{"event":"pusher:error","data":{"code":4001,"message":"x"}}'],
    [
      frames.encodeSubscriptionSucceeded('news'),
      '{"event":"pusher_internal:subscription_succeeded","channel":"news","data":"{}"}',
    ],
    [
      frames.encodePresenceSucceeded('presence-x', [ANN, BOB]),
      String.raw`{"event":"pusher_internal:subscription_succeeded","channel":"presence-x","data":"{\"presence\":{\"count\":2,\"ids\":[\"1\",\"b\\\"\"],\"hash\":{\"1\":{\"name\":\"A\"},\"b\\\"\":null}}}"}`,
    ],
    [
      frames.encodeMemberAdded('presence-x', ANN),
      String.raw`{"event":"pusher_internal:member_added","channel":"presence-x","data":"{\"user_id\":1,\"user_info\":{\"name\":\"A\"}}"}`,
    ],
    [
      frames.encodeMemberAdded('presence-x', BOB),
      String.raw`{"event":"pusher_internal:member_added","channel":"presence-x","data":"{\"user_id\":\"b\\\"\"}"}`,
    ],
    [
      frames.encodeMemberRemoved('presence-x', ANN),
      String.raw`{"event":"pusher_internal:member_removed","channel":"presence-x","data":"{\"user_id\":1}"}`,
    ],
    [
      frames.encodeSubscriptionError('private-x', 'AuthError', 'No', 401),
      String.raw`{"event":"pusher:subscription_error","channel":"private-x","data":"{\"type\":\"AuthError\",\"error\":\"No\",\"status\":401}"}`,
    ],
    [
      frames.encodeSubscriptionCount('news', 13),
      String.raw`{"event":"pusher_internal:subscription_count","channel":"news","data":"{\"subscription_count\":13}"}`,
    ],
    [frames.encodeCacheMiss('cache-x'), '{"event":"pusher:cache_miss","channel":"cache-x","data":"{}"}'],
    [
      frames.encodeSigninSuccess('{"id":"42"}'),
      String.raw`{"event":"pusher:signin_success","data":"{\"user_data\":\"{\\\"id\\\":\\\"42\\\"}\"}"}`,
    ],
    [
      frames.encodeWatchlistEvents([
        { name: 'online', userIds: ['7'] },
        { name: 'offline', userIds: ['8', '9'] },
      ]),
      String.raw`{"event":"pusher_internal:watchlist_events","data":"{\"events\":[{\"name\":\"online\",\"user_ids\":[\"7\"]},{\"name\":\"offline\",\"user_ids\":[\"8\",\"9\"]}]}"}`,
    ],
    [
      frames.encodeClientEvent('client-x', 'private-a', '{"a":1}', undefined),
      String.raw`{"event":"client-x","channel":"private-a","data":"{\"a\":1}"}`,
    ],
    [
      frames.encodeClientEvent('client-x', 'presence-a', '', '7'),
      '{"event":"client-x","channel":"presence-a","data":"","user_id":"7"}',
    ],
  ])('%s', ([written, expected]) => {
    expect(written).toBe(expected);
    expect(JSON.parse(written ?? '')).toBeTypeOf('object');
  });
});

test('writes an event once for all of its channels', () => {
  const encode = frames.eventEncoder('a"b', '{"x":"ü\u2028"}');
  expect(encode('c1')).toBe(`{"event":"a\\"b","channel":"c1","data":${JSON.stringify('{"x":"ü\u2028"}')}}`);
  expect(JSON.parse(encode('#server-to-user-"'))).toEqual({
    event: 'a"b',
    channel: '#server-to-user-"',
    data: '{"x":"ü\u2028"}',
  });
});

test('puts strings into data everywhere but in errors', () => {
  const texts = [
    frames.PING_FRAME,
    frames.encodeSubscriptionSucceeded('x'),
    frames.encodeCacheMiss('cache-x'),
    frames.encodeSigninSuccess('{}'),
    frames.encodeClientEvent('client-x', 'c', '1', undefined),
    frames.eventEncoder('e', '1')('c'),
  ];
  for (const text of texts) expect(JSON.parse(text).data).toBeTypeOf('string');
  expect(JSON.parse(frames.encodeError(null, 'x')).data).toBeTypeOf('object');
});
