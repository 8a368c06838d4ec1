import { describe, expect, test } from 'vitest';
import { channelKindOf, channelNameProblem, isUserId, userChannelName } from '../../protocol/channel-name.ts';

const TRAITS = ['isPrivate', 'isPresence', 'isCache', 'isEncrypted', 'isUser'] as const;

function traitsOf(name: string): string[] {
  const kind = channelKindOf(name);
  return TRAITS.filter((trait) => kind[trait]);
}

describe('the kind of a channel', () => {
  test.for([
    ['news', []],
    ['cache-news', ['isCache']],
    ['private-news', ['isPrivate']],
    ['private-cache-news', ['isPrivate', 'isCache']],
    ['private-encrypted-news', ['isPrivate', 'isEncrypted']],
    ['private-encrypted-cache-news', ['isPrivate', 'isCache', 'isEncrypted']],
    ['presence-room', ['isPresence']],
    ['presence-cache-room', ['isPresence', 'isCache']],
    ['#server-to-user-7', ['isUser']],
  ] as const)('of %s follows from its prefix', ([name, traits]) => {
    expect(traitsOf(name)).toEqual(traits);
  });

  test.for(['private', 'presence', 'cache', 'cachefoo', 'privatenews', 'presences-x', 'foo-cache-x', 'x-private-y'])(
    'of %s is public: a prefix is matched whole, dash included, and at the start only',
    (name) => expect(traitsOf(name)).toEqual([]),
  );

  test.for([
    ['private-cache', 'private-'],
    ['private-encrypted', 'private-'],
    ['private-encrypted-cache', 'private-encrypted-'],
    ['presence-cache', 'presence-'],
    ['cache-private-x', 'cache-'],
    ['presence-private-x', 'presence-'],
    ['private-', 'private-'],
  ])('of %s is decided by the longest prefix that is there whole', ([name = '', prefix]) => {
    expect(channelKindOf(name).prefix).toBe(prefix);
  });
});

describe('a channel name', () => {
  test.for([
    'a',
    '-',
    'A-z_0=9@a,b.c;d',
    'private-x',
    'x'.repeat(200),
    '#server-to-user-a b/ü:#',
    userChannelName('7'),
  ])('may be %s', (name) => expect(channelNameProblem(name, 200)).toBeUndefined());

  test.for([
    ['', 'it is empty'],
    ['x'.repeat(201), 'it is 201 characters long, limit 200 (channelLimits.maxNameLength)'],
    ['a:b', 'only letters, digits and - _ = @ , . ; are allowed'],
    ['a b', 'only letters, digits and - _ = @ , . ; are allowed'],
    ['a/b', 'only letters, digits and - _ = @ , . ; are allowed'],
    ['a#b', 'only letters, digits and - _ = @ , . ; are allowed'],
    ['ä', 'only letters, digits and - _ = @ , . ; are allowed'],
    ['news\n', 'only letters, digits and - _ = @ , . ; are allowed'],
    ['#', 'names beginning with # are reserved'],
    ['#news', 'names beginning with # are reserved'],
    ['#watch-7', 'names beginning with # are reserved'],
    ['#control-7', 'names beginning with # are reserved'],
    ['#server-to-user-', 'a user id (1 to 128 characters, no control characters) must follow #server-to-user-'],
    [
      `#server-to-user-${'x'.repeat(129)}`,
      'a user id (1 to 128 characters, no control characters) must follow #server-to-user-',
    ],
  ])('can not be %j', ([name = '', problem]) => {
    expect(channelNameProblem(name, 200)).toBe(problem);
  });

  test('of a user may be longer than the limit, as user ids have their own', () => {
    expect(channelNameProblem(userChannelName('x'.repeat(128)), 20)).toBeUndefined();
  });
});

describe('a user id', () => {
  test.for(['1', 'ann', 'a b', 'ü', '💡', 'x'.repeat(128), '#:/'])('may be %s', (id) =>
    expect(isUserId(id)).toBe(true),
  );

  test.for(['', 'x'.repeat(129), 'a\nb', '\u0000', '\u007f', '\ud800', 7, null, undefined, ['a'], {}])(
    'can not be %j',
    (id) => expect(isUserId(id)).toBe(false),
  );
});
