import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atLength } from '../../support/at-length.ts';
import {
  askAuth,
  operator,
  refusalIn,
  startTokenBroker,
  TOKEN_APP,
  type TokenBroker,
} from '../../support/auth-client.ts';
import { APP } from '../../support/broker.ts';
import { SEED } from '../robustness/arbitraries.ts';
import { RawSocket } from '../robustness/raw-socket.ts';
import { encodeRequest, parseAnswers, type RawAnswer } from './raw-http.ts';

const LARGEST_BODY = 65_536;
const FIELDS = 'socket_id=1.2&channel_name=private-admin-dashboard';

let broker: TokenBroker;
beforeAll(async () => {
  broker = await startTokenBroker({ 'httpApi.bodyTimeoutSeconds': 1 });
});
afterAll(() => broker.kill());

/** A token of about so many bytes. */
const largeToken = (bytes: number): string => operator({ groups: 'g'.repeat(Math.floor((bytes - 200) * 0.75)) });

/** Sends a request whose head arrives in several parts, as long ones do. */
async function sendInParts(request: string): Promise<RawAnswer | undefined> {
  const raw = await RawSocket.open(broker.port);
  for (let start = 0; start < request.length && !raw.socket.destroyed; start += 1400) {
    await new Promise<void>((resolve) => {
      raw.socket.write(request.slice(start, start + 1400), () => setImmediate(resolve));
    });
  }
  return parseAnswers(await raw.finish())[0];
}

const withHeader = (value: string): string =>
  encodeRequest('POST', '/broadcasting/auth', FIELDS, [`Authorization: Bearer ${value}`]);

test.for([3000, 10_000, 15_000])('a token of %d bytes fits into a header', async (bytes) => {
  const answer = await sendInParts(withHeader(largeToken(bytes)));
  expect([answer?.status, answer?.body.slice(0, 9)]).toEqual([200, '{"auth":"']);
});

test('a token that is too large is told so, wherever it stands', async () => {
  const token = largeToken(17_500);
  const inHeader = await sendInParts(withHeader(token));
  expect([inHeader?.status, inHeader?.headers.get('x-kulkul-error')]).toEqual([401, 'token-too-large']);
  const inBody = await askAuth(broker, { token: undefined, fields: { token: largeToken(40_000) } });
  expect(refusalIn(inBody)).toEqual([401, 'token-too-large']);
});

test('headers beyond all measure are answered by uWebSockets.js itself', async () => {
  const answer = await sendInParts(withHeader('x'.repeat(30_000)));
  expect(answer?.status).toBe(431);
});

test('a body is read up to 64 KiB', async () => {
  const bodyOf = (bytes: number): string => `${FIELDS}&pad=`.padEnd(bytes, 'x');
  expect((await askAuth(broker, { body: bodyOf(LARGEST_BODY) })).status).toBe(200);
  const answer = await askAuth(broker, { body: bodyOf(LARGEST_BODY + 1) });
  expect(refusalIn(answer)).toEqual([413, 'body-too-large']);
  expect(answer.text).toBe('The body exceeds the limit of 65536 bytes: socket_id, channel_name and a token need less');
  expect(answer.headers.get('cache-control')).toBe('no-store');
});

test('a body that trickles is answered 408 and dropped', async () => {
  const raw = await RawSocket.open(broker.port);
  raw.write('POST /pusher/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n');
  const drip = setInterval(() => raw.write('s'), 100);
  await raw.ended();
  clearInterval(drip);
  const [answer] = parseAnswers(raw.text);
  expect([answer?.status, answer?.headers.get('x-kulkul-error')]).toEqual([408, 'body-too-slow']);
});

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 40 }));
const headerText = fc.string({ maxLength: 40 }).map((text) => text.replace(/[^ -~]/g, ''));
const someToken = fc.oneof(
  fc.constantFrom(
    operator(),
    operator({ sub: undefined }),
    operator({ role: ['admin', 7], sub: 9 }),
    '',
    'null',
    'a.b.c',
  ),
  fc
    .tuple(fc.json(), fc.json(), anyText)
    .map((parts) => parts.map((part) => Buffer.from(part).toString('base64url')).join('.')),
  headerText,
);
const field = (...values: string[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, fc.oneof(anyText, fc.jsonValue({ maxDepth: 1 })));
const fields = fc.record(
  {
    socket_id: field('1.2', '1.2\n', '1', '9'.repeat(70).concat('.1')),
    channel_name: field(
      'private-admin-dashboard',
      'presence-x',
      'private-encrypted-x',
      'rvm-status',
      '#server-to-user-1',
      'private-user.9',
    ),
    app_key: field(APP.key, 'none', '__proto__'),
    token: someToken,
    callback: field('a', "Pusher.auth_callbacks['1']", '<'),
    ['__proto__']: anyText,
  },
  { requiredKeys: [] },
);
const encodeForm = (given: object): string =>
  Object.entries(given)
    .map(([name, value]) => `${name}=${encodeURIComponent(Buffer.from(String(value)).toString())}`)
    .join('&');
const body = fc.oneof(
  fields.map(encodeForm),
  fields.map((given) => JSON.stringify(given)),
  fc.oneof(
    fc.json(),
    anyText,
    fc.constantFrom('', '{', '[]', 'null', '%', '&&=', `{"socket_id":${'['.repeat(20_000)}`),
  ),
);
const header = fc.tuple(
  fc.constantFrom('Content-Type', 'Authorization', 'Cookie', 'Origin', 'Sec-Fetch-Site', 'X-Forwarded-Host'),
  fc.oneof(
    fc.constantFrom(
      'application/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'null',
      'https://x',
      'same-origin',
    ),
    fc
      .tuple(fc.constantFrom('Bearer ', 'bearer', 'session=', 'a=b; session="', 'Basic ', ''), someToken)
      .map((parts) => parts.join('')),
    headerText,
  ),
);
const request = fc.record({
  method: fc.constantFrom('POST', 'POST', 'GET', 'HEAD'),
  path: fc.constantFrom(
    '/broadcasting/auth',
    '/pusher/user-auth',
    `/apps/${APP.id}/auth/channel`,
    `/apps/${APP.id}/auth/user`,
    '/apps/%00/auth/user',
  ),
  query: fields.map(encodeForm),
  body,
  headers: fc.array(header, { maxLength: 4 }),
});

test('a request of any form is answered in one of the documented ways, and never with 500', async () => {
  const closed = await startTokenBroker({}, [{ ...TOKEN_APP, allowedOrigins: ['x'] }]);
  const seen = new Set<number>();
  const property = fc.asyncProperty(request, fc.constantFrom(broker, closed), async (parts, { port }) => {
    const raw = await RawSocket.open(port);
    const lines = parts.headers.map(([name, value]) => `${name}: ${value}`);
    const text = parts.method === 'POST' ? parts.body : '';
    raw.write(encodeRequest(parts.method, `${parts.path}?${parts.query}`, text, lines));
    const [answer] = parseAnswers(await raw.finish(), parts.method === 'HEAD' ? [0] : []);
    const status = Number(answer?.status);
    seen.add(status);
    expect([200, 400, 401, 403, 404]).toContain(status);
    expect(answer?.headers.get('cache-control')).toBe('no-store');
    const expected =
      status === 200 ? /^application\/(?:json|javascript; charset=utf-8)$/ : /^text\/plain; charset=utf-8$/;
    expect(answer?.headers.get('content-type')).toMatch(expected);
    if (status !== 200 && parts.method !== 'HEAD') expect(answer?.body).toMatch(/^[^\n]{15,}$/);
  });
  await fc.assert(property, { seed: SEED, numRuns: atLength(300, 1500) });
  closed.kill();
  expect([...seen].sort()).toEqual([200, 400, 401, 403, 404]);
  expect([...broker.log, ...closed.log].filter(({ msg }) => String(msg).includes('unexpected'))).toEqual([]);
});
