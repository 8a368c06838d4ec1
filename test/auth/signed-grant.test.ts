import { describe, expect, test } from 'vitest';
import { encodeChannelData, encodeUserData, type Grant, grantIn } from '../../auth/grant.ts';
import { parseChannelData, parseUserData } from '../../protocol/member-data.ts';

const GRANT: Grant = {
  userId: '7',
  roles: ['admin'],
  userInfoJson: '{"name":"Ann \\"grant\\" ü"}',
  watchlist: ['8'],
  claims: { sub: '7', tenant: { id: 3 } },
  issuedAtSeconds: 1000,
  expiresAtSeconds: 2000,
};
const KEPT: Grant = { ...GRANT, claims: { sub: '7' }, userInfoJson: undefined, watchlist: [] };

describe('the data that is signed for the holder of a token', () => {
  test('says who it is, and what of the grant counts', () => {
    const channelData = encodeChannelData(GRANT, KEPT);
    expect(parseChannelData(channelData)).toEqual({ userId: '7', userIdJson: '"7"', userInfoJson: GRANT.userInfoJson });
    expect(grantIn(channelData)).toEqual(KEPT);
    const userData = encodeUserData(GRANT, KEPT);
    expect(parseUserData(userData)).toEqual({ id: '7', userInfoJson: GRANT.userInfoJson, watchlist: ['8'] });
    expect(grantIn(userData)).toEqual(KEPT);
  });

  test('of somebody without a name, for ever, has just what is there', () => {
    const nobody = { ...KEPT, userId: undefined, issuedAtSeconds: undefined, expiresAtSeconds: undefined };
    const text = encodeChannelData(nobody, nobody);
    expect(JSON.parse(text)).toEqual({ grant: { roles: ['admin'], claims: { sub: '7' } } });
    expect(grantIn(text)).toEqual(nobody);
  });

  test('can not be given another grant by what the token says', () => {
    const text = encodeChannelData({ ...GRANT, userInfoJson: '{"grant":{"roles":["root"],"claims":{}}}' }, KEPT);
    expect(grantIn(text)?.roles).toEqual(['admin']);
  });
});

describe('data without a grant of the broker', () => {
  test.for(['{"user_id":"7"}', '"grant"', '["grant"]', '{"grant":1}', '{"grant":{"type":"student"}}', '{"grant":', ''])(
    'has none: %s',
    (text) => {
      expect(grantIn(text)).toBeUndefined();
    },
  );
});

test.for(['"soon"', 'null', '1e999', '-1e999', '1e300', '{}'])('a grant that ends at %s has ended', (exp) => {
  // Without an end it would have lasted for ever, and a date can't say such a time.
  const grant = grantIn(`{"grant":{"roles":[],"claims":{},"exp":${exp},"iat":${exp}}}`);
  expect(grant).toMatchObject({ expiresAtSeconds: 0, issuedAtSeconds: undefined });
});
