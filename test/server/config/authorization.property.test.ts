import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../server/config/index.ts';
import { createFolder, load } from './load.ts';

const folder = createFolder();
const SECRET = 'hush hush hush';

/** What is right somewhere, and wrong elsewhere. */
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom(
      '',
      'a',
      'anyone',
      'own',
      'token',
      'RS256',
      'HS256',
      'none',
      'private-{sub}',
      '{',
      'https://x',
      SECRET,
    ),
    fc.constantFrom(-1, 0, 5, 1e9, true, false, null),
  ),
  name: fc.constantFrom(
    ...['jwt', 'keys', 'kid', 'secret', 'publicKey', 'publicKeyFile', 'algorithms', 'jwksUrl', 'issuer', 'claims'],
    ...['roles', 'own', 'name', 'subscribe', 'clientEvents', 'publish', 'encryptionMasterKey', 'constructor', 'other'],
  ),
  value: fc.oneof(
    { depthSize: 'medium' },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(tie('name') as fc.Arbitrary<string>, tie('value'), { maxKeys: 4 }),
  ),
})).value;

const key = fc.record({ secret: value, algorithms: value, publicKeyFile: value }, { requiredKeys: [] });
const auth = fc.oneof(
  value,
  fc.record({ jwt: fc.record({ keys: fc.array(key, { maxLength: 2 }), algorithms: value }, { requiredKeys: [] }) }),
);
const rule = fc.record({ name: value, subscribe: value, clientEvents: value }, { requiredKeys: [] });
const channels = fc.oneof(value, fc.array(rule, { maxLength: 3 }));

test('whatever stands in auth and channels is read, or refused by problems with a place and without a secret', () => {
  let refused = 0;
  fc.assert(
    fc.property(auth, channels, (authValue, channelsValue) => {
      const app = { id: '1', key: 'k', secret: 's', auth: authValue, channels: channelsValue };
      try {
        load({ file: { 'appManager.array.apps': [app] } }, folder);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        refused += 1;
        for (const { where, message } of error.problems) {
          expect(where).toMatch(/^soketi\.config\.json:1:\d+$/);
          expect(message).toMatch(/^appManager\.array\.apps\[0\]\.(auth|channels)[^ ]*: .+\.$/);
          expect(message).not.toMatch(/Invalid|undefined|expected (string|array|object)/);
          expect(message).not.toMatch(/(secret|publicKey|encryptionMasterKey|keys)(\[\d+\])?: .*hush/);
        }
      }
    }),
    { numRuns: 400 },
  );
  expect(refused).toBeGreaterThan(0);
});
