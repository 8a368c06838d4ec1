import { describe, expect, test } from 'vitest';
import { MemberDataError, parseChannelData, parseUserData } from '../../protocol/member-data.ts';

function problemOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof MemberDataError) return error.message;
    throw error;
  }
  throw new Error('it was taken');
}

describe('channel_data', () => {
  test.for([
    ['{"user_id":"7"}', { userId: '7', userIdJson: '"7"', userInfoJson: undefined }],
    ['{"user_id":7}', { userId: '7', userIdJson: '7', userInfoJson: undefined }],
    ['{"user_id":-1}', { userId: '-1', userIdJson: '-1', userInfoJson: undefined }],
    ['{"user_id":0}', { userId: '0', userIdJson: '0', userInfoJson: undefined }],
    ['{"user_id":"a b:ü"}', { userId: 'a b:ü', userIdJson: '"a b:ü"', userInfoJson: undefined }],
    ['{"user_id":"7","user_info":null}', { userId: '7', userIdJson: '"7"', userInfoJson: undefined }],
    [
      ' { "user_id" : "7" , "user_info" : { "name" : "A" } , "more" : 1 } ',
      { userId: '7', userIdJson: '"7"', userInfoJson: '{ "name" : "A" }' },
    ],
    // Cause: user_info was read and written again. Symptom: large ids changed their last digits, of two fields one was lost.
    [
      '{"user_info":{"x":0},"user_id":"7","user_\\u0069nfo":{"id":1234567890123456789,"p":10.0,"p":1e400}}',
      { userId: '7', userIdJson: '"7"', userInfoJson: '{"id":1234567890123456789,"p":10.0,"p":1e400}' },
    ],
    // Cause: only objects were taken. Symptom: a presence callback in Laravel that returns `true`, as one may with Soketi and
    // Reverb, refused everybody.
    ['{"user_id":"7","user_info":true}', { userId: '7', userIdJson: '"7"', userInfoJson: 'true' }],
    ['{"user_id":"7","user_info":false}', { userId: '7', userIdJson: '"7"', userInfoJson: 'false' }],
    ['{"user_id":"7","user_info":"A\\u00fc"}', { userId: '7', userIdJson: '"7"', userInfoJson: '"A\\u00fc"' }],
    ['{"user_id":"7","user_info":[ "A", 1.0 ]}', { userId: '7', userIdJson: '"7"', userInfoJson: '[ "A", 1.0 ]' }],
    ['{"user_id":"7","user_info":[]}', { userId: '7', userIdJson: '"7"', userInfoJson: '[]' }],
    [
      '{"user_id":"7","user_info":1234567890123456789}',
      { userId: '7', userIdJson: '"7"', userInfoJson: '1234567890123456789' },
    ],
  ])('%s names a member', ([text, member]) => {
    expect(parseChannelData(text as string)).toEqual(member);
  });

  const noId = 'channel_data must have a user_id: a string of 1 to 128 characters, or an integer';
  const inexact = 'is a number that cannot be represented exactly: send it as a string';
  test.for([
    ['', 'channel_data must be a JSON object in a string'],
    ['null', 'channel_data must be a JSON object in a string'],
    ['[]', 'channel_data must be a JSON object in a string'],
    ['"7"', 'channel_data must be a JSON object in a string'],
    ['{}', noId],
    ['{"user_id":""}', noId],
    ['{"user_id":null}', noId],
    ['{"user_id":true}', noId],
    ['{"user_id":["7"]}', noId],
    [`{"user_id":"${'x'.repeat(129)}"}`, noId],
    ['{"user_id":"a\\u0000"}', noId],
    ['{"user_id":1.5}', `user_id 1.5 ${inexact}`],
    ['{"user_id":9007199254740993}', `user_id 9007199254740992 ${inexact}`],
    ['{"user_id":1e400}', `user_id Infinity ${inexact}`],
  ])('%s is refused', ([text = '', problem]) => {
    expect(problemOf(() => parseChannelData(text))).toBe(problem);
  });
});

describe('user_data', () => {
  test.for([
    ['{"id":"7"}', { id: '7', userInfoJson: undefined, watchlist: [] }],
    [
      '{"id":"7","user_info":{"name":"A"},"watchlist":["8","9"],"more":1}',
      { id: '7', userInfoJson: '{"name":"A"}', watchlist: ['8', '9'] },
    ],
    ['{"id":"7","user_info":{ "p": 10.0 }}', { id: '7', userInfoJson: '{ "p": 10.0 }', watchlist: [] }],
    ['{"id":"7","user_info":["A"]}', { id: '7', userInfoJson: '["A"]', watchlist: [] }],
    ['{"id":"7","watchlist":null}', { id: '7', userInfoJson: undefined, watchlist: [] }],
    ['{"id":"7","watchlist":["8",8,"8"]}', { id: '7', userInfoJson: undefined, watchlist: ['8'] }],
  ])('%s names a user', ([text, user]) => {
    expect(parseUserData(text as string)).toEqual(user);
  });

  const noId = 'user_data must have an id: a string of 1 to 128 characters';
  test.for([
    ['', 'user_data must be a JSON object in a string'],
    ['[]', 'user_data must be a JSON object in a string'],
    ['{}', noId],
    ['{"id":""}', noId],
    ['{"id":null}', noId],
    ['{"id":7}', `${noId} (got the number 7: make it a string)`],
    ['{"user_id":"7"}', noId],
    ['{"id":"7","watchlist":"8"}', 'watchlist must be an array of user ids'],
    ['{"id":"7","watchlist":[null]}', 'watchlist holds null, which is not a user id'],
    ['{"id":"7","watchlist":["8",{}]}', 'watchlist holds {}, which is not a user id'],
  ])('%s is refused', ([text = '', problem]) => {
    expect(problemOf(() => parseUserData(text))).toBe(problem);
  });
});
