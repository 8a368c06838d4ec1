import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  askAuth,
  operator,
  refusalIn,
  startTokenBroker,
  TOKEN_APP,
  type TokenBroker,
} from '../../support/auth-client.ts';
import { APP } from '../../support/broker.ts';
import { RawSocket } from '../robustness/raw-socket.ts';
import { encodeRequest, parseAnswers } from './raw-http.ts';

const PAGE = 'https://app.example';
const EVIL = 'https://evil.example';

let open: TokenBroker;
let listed: TokenBroker;
let stingy: TokenBroker;
let closed: TokenBroker;
beforeAll(async () => {
  open = await startTokenBroker();
  listed = await startTokenBroker({ 'cors.origin': [PAGE] });
  stingy = await startTokenBroker({ 'cors.origin': [PAGE], 'cors.credentials': false });
  closed = await startTokenBroker({}, [{ ...TOKEN_APP, allowedOrigins: ['app.example', 'localhost:1'] }]);
});
afterAll(() => {
  for (const broker of [open, listed, stingy, closed]) broker.kill();
});

/** Asks with a cookie only, by hand: fetch decides on some of these headers itself. */
async function askByCookie(
  { port }: TokenBroker,
  headers: Readonly<Record<string, string>>,
  { method = 'POST', query = '' } = {},
): Promise<readonly [number | undefined, string | undefined]> {
  const raw = await RawSocket.open(port);
  const fields = 'socket_id=1.2&channel_name=private-admin-dashboard';
  const lines = Object.entries({ Cookie: `session=${operator()}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const target = `/broadcasting/auth${method === 'GET' ? `?${fields}${query}` : ''}`;
  const request = encodeRequest(method, target, method === 'GET' ? '' : fields, lines);
  raw.write('Host' in headers ? request.replace('Host: x\r\n', '') : request);
  const [answer] = parseAnswers(await raw.finish());
  return [answer?.status, answer?.headers.get('x-kulkul-error')];
}
const GIVEN = [200, undefined];
const REFUSED = [403, 'cross-origin-cookie'];

describe('a cookie works', () => {
  test.for<[string, () => TokenBroker, Record<string, string>]>([
    ['where no page is involved', () => open, {}],
    ['for pages of the same host', () => open, { Origin: 'https://kulkul.example', Host: 'kulkul.example' }],
    [
      'for pages of the same host and port',
      () => open,
      { Origin: 'http://kulkul.example:8080', Host: 'Kulkul.example:8080' },
    ],
    [
      'whatever a proxy makes of the host, if the browser knows',
      () => open,
      { Origin: PAGE, 'Sec-Fetch-Site': 'same-origin' },
    ],
    ['when somebody types the address', () => open, { 'Sec-Fetch-Site': 'none' }],
    ['for origins that are named in cors.origin', () => listed, { Origin: PAGE }],
    ['for those, whatever the browser thinks of them', () => listed, { Origin: PAGE, 'Sec-Fetch-Site': 'cross-site' }],
  ])('%s', async ([, broker, headers]) => {
    expect(await askByCookie(broker(), headers)).toEqual(GIVEN);
  });
});

describe('a cookie does not work', () => {
  test.for<[string, () => TokenBroker, Record<string, string>]>([
    ['for pages of any origin, where cors.origin is *', () => open, { Origin: EVIL, Host: 'kulkul.example' }],
    ['for origins that are not named', () => listed, { Origin: EVIL, Host: 'kulkul.example' }],
    ['for a page without an origin', () => listed, { Origin: 'null', Host: 'null' }],
    ['for another port', () => open, { Origin: 'https://kulkul.example:8443', Host: 'kulkul.example' }],
    ['for a host below', () => open, { Origin: 'https://x.kulkul.example', Host: 'kulkul.example' }],
    ['for a host that begins alike', () => open, { Origin: 'https://kulkul.example.evil', Host: 'kulkul.example' }],
    ['for a named origin, where credentials are off', () => stingy, { Origin: PAGE, Host: 'kulkul.example' }],
    [
      'for a page of the same name that the browser knows to be another',
      () => open,
      { Origin: 'http://x', 'Sec-Fetch-Site': 'cross-site' },
    ],
    ['for what a page loads without telling its origin', () => open, { 'Sec-Fetch-Site': 'cross-site' }],
    ['for pages of a neighbour', () => open, { 'Sec-Fetch-Site': 'same-site' }],
  ])('%s', async ([, broker, headers]) => {
    expect(await askByCookie(broker(), headers)).toEqual(REFUSED);
    expect(await askByCookie(broker(), headers, { method: 'GET' })).toEqual(REFUSED);
  });
});

test('a cookie that is there twice with different values is no cookie', async () => {
  const cookie = (...values: string[]): object => ({ Cookie: values.map((value) => `session=${value}`).join('; ') });
  const mine = operator();
  expect(await askByCookie(open, { ...cookie(operator({ sub: 'attacker' }), mine) })).toEqual([401, 'token-required']);
  expect(await askByCookie(open, { ...cookie(mine, mine) })).toEqual(GIVEN);
  expect(await askByCookie(open, { Cookie: `xsession=${mine}; session` })).toEqual([401, 'token-required']);
  expect(await askByCookie(open, { Cookie: `other="; session=${mine}"` })).toEqual([401, 'token-malformed']);
});

test('a page that has a token needs no cookie, and may be anywhere', async () => {
  const headers = { Origin: EVIL, Cookie: `session=${operator({ sub: '1' })}` };
  const answer = await askAuth(open, { headers });
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
  expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  expect((await askAuth(open, { token: undefined, headers, fields: { token: operator() } })).status).toBe(200);
});

test('where an app names its pages, no other page is answered', async () => {
  const ask = async (origin: string | undefined) => askAuth(closed, { ...(origin && { headers: { Origin: origin } }) });
  const refused = await ask(EVIL);
  expect([refused.status, refused.text]).toEqual([403, `Origin ${EVIL} is not one of the app's allowedOrigins`]);
  expect((await ask(PAGE)).status).toBe(200);
  expect((await ask(undefined)).status).toBe(200);
});

test('a page of a named origin may ask, with its cookies and with a token', async () => {
  const preflight = await fetch(`${listed.url}/broadcasting/auth`, {
    method: 'OPTIONS',
    headers: {
      origin: PAGE,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,x-csrf-token',
    },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe(PAGE);
  expect(preflight.headers.get('access-control-allow-credentials')).toBe('true');
  expect(preflight.headers.get('access-control-allow-headers')).toMatch(/\bAuthorization\b.*\bX-CSRF-TOKEN\b/);
  for (const token of [operator(), operator({ role: 'viewer' }), undefined]) {
    const { headers } = await askAuth(listed, { token, headers: { Origin: PAGE } });
    expect(headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(headers.get('vary')).toBe('Origin');
  }
});

const CALLBACK = "Pusher.auth_callbacks['1']";

test('JSONP is answered with a script as pusher-js waits for it', async () => {
  const fields = { token: operator({ user_info: { name: '</script><b>\u2028\u2029' } }), channel_name: 'presence-x' };
  const { text: json } = await askAuth(open, { token: undefined, method: 'GET', fields });
  const { status, text, headers } = await askAuth(open, {
    token: undefined,
    method: 'GET',
    fields: { ...fields, callback: CALLBACK },
  });
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('application/javascript; charset=utf-8');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(text).toMatch(/^Pusher\.auth_callbacks\['1'\]\(\{"auth":"[^<\u2028\u2029\n]+\}\);$/);
  expect(JSON.parse(text.slice(CALLBACK.length + 1, -2))).toEqual(JSON.parse(json));
  const called: unknown[] = [];
  const run = new Function('Pusher', text) as (pusher: object) => void;
  run({ auth_callbacks: { 1: (value: unknown) => called.push(value) } });
  expect(called).toEqual([JSON.parse(json)]);
});

test.for([CALLBACK, 'callback', '$', '_a.b$1', 'a[0][12].b', 'jQuery36_1', "a['b_1']['c']", 'a'.repeat(100)])(
  'the callback %s is a function',
  async (callback) => {
    const { text } = await askAuth(open, { method: 'GET', fields: { callback } });
    expect(text.startsWith(`${callback}({"auth":`)).toBe(true);
  },
);

test.for([
  '',
  'alert(1)//',
  'a;b',
  'a=b',
  'a b',
  'a\nb',
  'a\u2028b',
  'a.',
  '.a',
  'a..b',
  '1a',
  'a-b',
  'a[b]',
  'a["b"]',
  "a['b",
  "a['']",
  "a['b']c",
  "a['b\\']",
  "a['b'](1)",
  "a[']']",
  'a`b`',
  'a/*',
  '/**/a',
  '<script>',
  '\u00e9',
  'a\0',
  'a%0a',
  'a'.repeat(101),
])('the callback %j is refused, in plain text', async (callback) => {
  const answer = await askAuth(open, { method: 'GET', fields: { callback } });
  expect(refusalIn(answer)).toEqual([400, 'invalid-callback']);
  expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
});

test('a script is never answered by cookie, wherever the page is', async () => {
  const query = `&callback=${encodeURIComponent(CALLBACK)}`;
  for (const headers of [{}, { 'Sec-Fetch-Site': 'same-origin' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
    expect(await askByCookie(open, headers, { method: 'GET', query })).toEqual([401, 'token-required']);
    expect(await askByCookie(listed, { ...headers, Origin: PAGE }, { method: 'GET', query })).toEqual([
      401,
      'token-required',
    ]);
  }
  const { text } = await askAuth(open, {
    token: undefined,
    method: 'GET',
    fields: { callback: CALLBACK },
    headers: { Cookie: `session=${operator()}` },
  });
  expect(text).toMatch(/^JSONP requests cannot use the cookie/);
});

test('a refused script is no script, unless the page itself sent the token', async () => {
  const answer = await askAuth(open, {
    method: 'GET',
    token: operator({ role: 'viewer' }),
    fields: { callback: CALLBACK },
  });
  expect(refusalIn(answer)).toEqual([403, 'not-allowed']);
  expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
});

test('a page that sent its token in vain gets it back, so that the broker can tell it why', async () => {
  // Browsers run no script of another status than 200, and pusher-js waited for ever.
  for (const token of [operator({ role: 'viewer' }), operator({ exp: 1 }), '</script>']) {
    const fields = { token, callback: CALLBACK };
    const { status, text, headers } = await askAuth(open, { method: 'GET', token: undefined, fields });
    expect([status, headers.get('content-type')]).toEqual([200, 'application/javascript; charset=utf-8']);
    expect(text).not.toContain('<');
    expect(JSON.parse(text.slice(CALLBACK.length + 1, -2))).toEqual({ auth: token, channel_data: '{}' });
  }
});

test('a callback in what is posted is not looked at', async () => {
  const answer = await askAuth(open, { fields: { callback: 'alert(1)' } });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
  const inQuery = await askAuth(open, { path: `/apps/${APP.id}/auth/channel?callback=a` });
  expect(inQuery.headers.get('content-type')).toBe('application/json');
});
