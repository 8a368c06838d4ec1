import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lineOf, trigger } from '../../support/api-client.ts';
import { APP, FULL_APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type Signing, signTarget } from './raw-http.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.kill());

const CHANNELS = `/apps/${APP.id}/channels`;
const EVENTS = `/apps/${APP.id}/events`;

async function ask(signing: Signing): Promise<[status: number, text: string]> {
  const { method = 'GET', body } = signing;
  const answer = await fetch(`${broker.url}${signTarget(signing)}`, { method, ...(body !== undefined && { body }) });
  return [answer.status, await lineOf(answer)];
}

test('the Python SDK may sign the hash of a body that a GET does not have', async () => {
  expect(await ask({ path: CHANNELS, hashesNothing: true })).toEqual([200, '{"channels":{}}']);
});

test('lists in the query are signed with brackets (Ruby) or commas (PHP)', async () => {
  const signing = { method: 'POST', path: EVENTS } as const;
  const rest = 'data=d&name=e';
  const query = `channels[]=a&channels[]=b&${rest}`;
  const brackets = (auth: string) => `${auth}&channels[]=a&channels[]=b&${rest}`;
  const commas = (auth: string) => `${auth}&channels=a,b&${rest}`;
  expect(await ask({ ...signing, query, signedQuery: brackets })).toEqual([200, '{}']);
  expect(await ask({ ...signing, query: `channels[0]=a&channels[1]=b&${rest}`, signedQuery: commas })).toEqual([
    200,
    '{}',
  ]);
  expect((await ask({ ...signing, query, signedQuery: (auth) => `${auth}&channels=b,a&${rest}` }))[0]).toBe(401);
});

test('values are signed as they are meant, however they are written in the URL', async () => {
  const path = `${CHANNELS}/presence-x`;
  const signedQuery = (auth: string) => `${auth}&info=user_count,cache`;
  for (const query of ['info=user_count,cache', 'info=user_count%2Ccache', 'INFO=user_count%2ccache']) {
    // 400 because presence-x is no cache channel: the signature was right.
    expect((await ask({ path, query, signedQuery }))[0]).toBe(400);
  }
});

test('a path may be signed as it is on the wire, or decoded', async () => {
  const path = `/apps/${APP.id}/users/a%20b/terminate_connections`;
  const signing = { method: 'POST', path, body: '{}' } as const;
  expect(await ask(signing)).toEqual([200, '{}']);
  expect(await ask({ ...signing, signedPath: `/apps/${APP.id}/users/a b/terminate_connections` })).toEqual([200, '{}']);
});

describe('a path that a proxy writes otherwise than it was signed is the same path:', () => {
  const users = (id: string): string => `/apps/${APP.id}/users/${id}/terminate_connections`;
  const channel = (name: string): string => `${CHANNELS}/${name}`;
  test.each([
    ['an escaped @ was unescaped', 'POST', users('me%40example.com'), users('me@example.com')],
    ['an escaped : was unescaped', 'POST', users('tenant%3A5'), users('tenant:5')],
    ['an @ was escaped', 'POST', users('me@example.com'), users('me%40example.com')],
    ['some of several escapes were taken away', 'POST', users('a%20b%40c%3Ad'), users('a%20b@c:d')],
    [
      "signs that PHP, Python and Ruby escape and JavaScript doesn't",
      'POST',
      users('it%27s%21%28%2A%29'),
      users("it's!(*)"),
    ],
    ['escapes in lower case, as .NET writes them', 'POST', users('tenant%3a5%2c6'), users('tenant:5,6')],
    ['letters beyond ASCII, signed as text', 'POST', users('jürgen'), users('j%C3%BCrgen')],
    ['escapes got lower case on the way', 'POST', users('j%C3%BCrgen%40x'), users('j%c3%bcrgen%40x')],
    ['a channel', 'GET', channel('presence-a%40b.c'), channel('presence-a@b.c')],
    ['a channel with all signs that are allowed', 'GET', channel('a%40b%2Cc%3Bd%3De'), channel('a@b,c;d=e')],
  ] as const)('%s', async (_what, method, signedPath, path) => {
    const signing = { method, path, signedPath, ...(method === 'POST' && { body: '{}' }) };
    expect((await ask(signing))[0]).toBe(200);
    const [status, text] = await ask({ ...signing, signedPath: `${signedPath}x` });
    expect([status, text.startsWith('Invalid signature')]).toEqual([401, true]);
  });

  test('but not one that means something else', async () => {
    const path = users('a%2Fb');
    expect((await ask({ method: 'POST', path, signedPath: users('a%252Fb'), body: '{}' }))[0]).toBe(401);
    expect((await ask({ method: 'POST', path: users('%zz'), signedPath: users('%25zz'), body: '{}' }))[0]).toBe(401);
  });
});

test('a timestamp counts for less than 600 seconds in both directions', async () => {
  const clock = new FakeClock();
  const now = clock.now() / 1000;
  const clocked = await startBroker({}, [FULL_APP], clock);
  const at = async (offset: number): Promise<[number, string]> => {
    const answer = await fetch(`${clocked.url}${signTarget({ path: CHANNELS, timestamp: now + offset })}`);
    return [answer.status, await lineOf(answer)];
  };
  for (const offset of [-599, 0, 599]) expect(await at(offset)).toEqual([200, '{"channels":{}}']);
  expect(await at(-600)).toEqual([
    401,
    'Timestamp expired: Given timestamp (2025-12-31T23:50:00Z) not within 600s of server time (2026-01-01T00:00:00Z): ' +
      "the sender's clock is 600 s behind (or the request is a repeated one). Set both clocks by NTP",
  ]);
  expect((await at(600))[1]).toContain("the sender's clock is 600 s ahead");
  clocked.kill();
});

test.for([
  ['the path', { signedPath: `/apps/${APP.id}/channel` }],
  ['a parameter', { query: 'info=', signedQuery: (auth: string) => auth }],
] as const)('a signature over something else is refused: %s', async ([, change]) => {
  const [status, text] = await ask({ path: CHANNELS, ...change });
  expect(status).toBe(401);
  expect(text).toMatch(
    /^Invalid signature: you should have sent HmacSHA256Hex\("GET\\n\/apps\/12345\/channels\\nauth_key=.*Does a proxy add or remove a path prefix/,
  );
  expect(text).not.toContain(APP.secret);
});

test('a body that was changed on the way is refused with both hashes', async () => {
  const { status, text } = await trigger(broker.url, '{"name":"e"}', { params: { body_md5: 'a'.repeat(32) } });
  expect(status).toBe(401);
  expect(text).toMatch(/^Invalid body_md5: a{32} was sent, but the 12 bytes that arrived give [0-9a-f]{32}\./);
});
