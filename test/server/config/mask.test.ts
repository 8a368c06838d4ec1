import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../../server/config/index.ts';
import { maskSecrets } from '../../../server/config/mask.ts';
import { RedisUnavailable } from '../../../server/redis/redis-commands.ts';
import { failure, load } from './load.ts';

describe('a text that is shown', () => {
  it.each([
    ['https://user:hush@issuer.example/keys', 'https://•••@issuer.example/keys'],
    ['https://hush@issuer.example/keys', 'https://•••@issuer.example/keys'],
    ['redis://:hu@sh/1@redis.internal:6379', 'redis://•••@redis.internal:6379'],
    ['https://issuer.example/keys?token=hush&p=hush#hush', 'https://issuer.example/keys?token=•••&p=•••#•••'],
    ['https://issuer.example/keys?hush', 'https://issuer.example/keys?•••'],
    ['https://issuer.example/keys#hush', 'https://issuer.example/keys#•••'],
    ['user:hush@redis.internal', '•••@redis.internal'],
    ['"https://u:p@a" and https://x:y@b', '"https://•••@a" and https://•••@b'],
    ['["a:hush@c"]', '["•••@c"]'],
  ])('has nothing secret of a URL: %s', (text, shown) => {
    expect(maskSecrets(text)).toBe(shown);
  });

  it.each([
    '127.0.0.1',
    '::1',
    '/run/redis.sock',
    'https://issuer.example/keys',
    'someone@example.com',
    '',
    '*',
    'a?b=c',
    'host:6379',
    'mailto: a:b@c',
  ])('is as it was, where there is nothing secret: %s', (text) => expect(maskSecrets(text)).toBe(text));

  // Two regular expressions went through the rest of the text from each colon: forty thousand took seconds.
  it.each([':', '://', 'a:', '?', '&', '#', '@', '://:'])('comes to its end with half a million of %s', (part) => {
    expect(maskSecrets(part.repeat(500_000)).length).toBeGreaterThan(0);
  });
});

const HIDDEN = 'hush';

it('kulkul config shows no secret that is in a URL, an address or an object of options', () => {
  const app = {
    id: '1',
    key: 'k',
    secret: HIDDEN,
    auth: {
      jwt: {
        jwksUrl: `https://u:${HIDDEN}@id.example/keys?token=${HIDDEN}`,
        issuer: [`https://id.example/?k=${HIDDEN}`],
      },
    },
  };
  const file = {
    adapter: { driver: 'redis' },
    'appManager.array.apps': [app],
    'database.redis': {
      host: `redis://u:${HIDDEN}@redis.internal`,
      tls: { passphrase: HIDDEN, ca: HIDDEN },
      retryStrategy: { token: HIDDEN },
    },
    'cors.origin': [`https://u:${HIDDEN}@page.example`],
  };
  const text = describeConfig(load({ file }));
  expect(text).not.toContain(HIDDEN);
  expect(text).toMatch(/database\.redis\.host += "redis\.internal"/);
  expect(text).toMatch(/database\.redis\.password += •••/);
  expect(text).toContain('https://•••@id.example/keys?token=•••');
  const sentinels = [{ host: `u:${HIDDEN}@one`, port: 1 }, `redis://u:${HIDDEN}@two:2`];
  const others = describeConfig(
    load({ file: { adapter: { driver: 'redis' }, 'database.redis': { sentinels }, 'appManager.array.apps': [app] } }),
  );
  expect(others).not.toContain(HIDDEN);
});

it('what is wrong is told without the secrets in it', () => {
  for (const jwksUrl of [
    `ftp://u:${HIDDEN}@id.example`,
    `ftp://id.example/?token=${HIDDEN}`,
    `ftp://u:a/${HIDDEN}@x`,
  ]) {
    const apps = [{ id: '1', key: 'k', secret: 's', auth: { jwt: { jwksUrl } } }];
    const message = failure({ file: { 'appManager.array.apps': apps } });
    expect(message).toContain('jwksUrl');
    expect(message).not.toContain(HIDDEN);
  }
  const message = failure({ file: { port: `redis://u:p/${HIDDEN}@h` } });
  expect(message).toContain('port');
  expect(message).not.toContain(HIDDEN);
});

it('an error of Redis is told without the secrets of an address in it', () => {
  const error = new RedisUnavailable(new Error(`getaddrinfo ENOTFOUND redis://u:${HIDDEN}@redis.internal`));
  expect(error.message).toBe("Redis can't be reached (getaddrinfo ENOTFOUND redis://•••@redis.internal)");
  expect(error.told).toBe("Redis can't be reached");
});
