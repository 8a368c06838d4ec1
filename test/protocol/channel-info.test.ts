import { describe, expect, test } from 'vitest';
import { channelKindOf } from '../../protocol/channel-name.ts';
import { ApiError } from '../../protocol/errors.ts';
import { infoProblem, parseInfo } from '../../protocol/trigger.ts';

describe('info', () => {
  test.for([
    [undefined, []],
    ['', []],
    ['user_count', ['user_count']],
    ['user_count,subscription_count', ['user_count', 'subscription_count']],
    [' cache , user_count,,cache', ['cache', 'user_count']],
  ] as const)('%j asks for %j', ([info, attributes]) => {
    expect([...parseInfo(info)]).toEqual(attributes);
  });

  test.for(['users', 'user_count;cache', 'User_Count', 'toString'])('%s is refused with 400', (info) => {
    const message = `info has the unknown attribute ${info}: ask for user_count, subscription_count or cache`;
    expect(() => parseInfo(info)).toThrow(new ApiError('unknown-info', 400, message));
  });
});

test.for([
  ['user_count', 'presence-x', undefined],
  ['user_count', 'presence-cache-x', undefined],
  ['user_count', 'x', 'user_count may only be requested for presence channels'],
  ['user_count', 'presence', 'user_count may only be requested for presence channels'],
  ['subscription_count', 'x', undefined],
  ['subscription_count', 'private-x', undefined],
  ['subscription_count', 'presence-x', undefined],
  ['cache', 'cache-x', undefined],
  ['cache', 'private-encrypted-cache-x', undefined],
  ['cache', 'presence-cache-x', undefined],
  ['cache', 'x', 'cache may only be requested for cache channels'],
  ['cache', 'foo-cache-x', 'cache may only be requested for cache channels'],
] as const)('%s of %s', ([attribute, channel, problem]) => {
  expect(infoProblem(attribute, channelKindOf(channel))).toBe(problem);
});
