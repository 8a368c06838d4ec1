import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Operator, THIS_MACHINE } from '../../../server/admin/operator.ts';
import { Sessions, SignInAttempts } from '../../../server/console/sessions.ts';
import { APP } from '../../support/broker.ts';
import { type AdminAnswer, type AdminBroker, startAdminBroker } from '../admin/admin-broker.ts';

const READER = { name: 'board', token: 'token-of-the-board-012345', access: 'read', apps: [APP.id] };
const TOKEN = 'token-of-the-administrator';

describe('over HTTP', () => {
  let broker: AdminBroker;
  beforeEach(async () => {
    broker = await startAdminBroker({ settings: { 'admin.token': TOKEN, 'admin.tokens': [READER] } });
  });
  afterEach(() => broker.stop());

  async function signIn(token: string, headers = {}): Promise<AdminAnswer & { readonly Cookie: string }> {
    const answer = await broker.api('POST', '/console/session', { token }, headers);
    return { ...answer, Cookie: String(answer.headers['set-cookie']?.[0]).split(';')[0] ?? '' };
  }

  test('a token is exchanged for a cookie that scripts and other pages do not get', async () => {
    const { status, body, headers, Cookie } = await signIn(TOKEN);
    expect([status, body]).toEqual([200, { name: 'admin', access: 'all', apps: null, expires: expect.any(String) }]);
    expect(headers['set-cookie']?.[0]).toMatch(
      /^kulkul_console=[\w-]{43}; Path=\/; Max-Age=28800; HttpOnly; SameSite=Strict$/,
    );
    expect((await broker.api('GET', '/console/session', undefined, { Cookie })).body).toEqual(body);
    expect((await broker.api('GET', '/apps', undefined, { Cookie })).status).toBe(200);
    expect(JSON.stringify(broker.log)).not.toContain(Cookie.split('=')[1]);
    const behindTls = await signIn(TOKEN, { 'X-Forwarded-Proto': 'https' });
    expect(behindTls.headers['set-cookie']?.[0]).toMatch(/; Secure$/);
  });

  test('whoever has none is asked to sign in, and a session that was ended is none', async () => {
    expect((await broker.api('GET', '/console/session')).status).toBe(401);
    const { Cookie } = await signIn(TOKEN);
    const ended = await broker.api('DELETE', '/console/session', undefined, { Cookie });
    expect([ended.status, ended.body, ended.headers['set-cookie']?.[0]]).toEqual([
      200,
      { ended: true },
      'kulkul_console=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict',
    ]);
    expect((await broker.api('GET', '/apps', undefined, { Cookie })).status).toBe(401);
    for (const other of ['kulkul_console=', 'kulkul_console', 'x=y; kulkul_console=abc', 'kulkul_console=__proto__']) {
      expect((await broker.api('GET', '/apps', undefined, { Cookie: other })).status).toBe(401);
    }
  });

  test('a session may what its token may', async () => {
    const { Cookie, body } = await signIn(READER.token);
    expect(body).toMatchObject({ name: 'board', access: 'read', apps: [APP.id] });
    const refused = await broker.api('POST', `/apps/${APP.id}/purge`, undefined, { Cookie });
    expect([refused.status, refused.body.error]).toEqual([403, 'read-only']);
  });

  test('a change by cookie comes from our own page, and says so', async () => {
    const { Cookie } = await signIn(TOKEN);
    const change = (headers: object): Promise<AdminAnswer> =>
      broker.api('POST', '/purge', undefined, { Cookie, ...headers });
    expect((await change({ Origin: broker.adminUrl })).status).toBe(200);
    expect((await change({ Origin: 'https://broker.example', Host: 'broker.example' })).status).toBe(200);
    expect((await change({ Origin: 'https://broker.example', 'Sec-Fetch-Site': 'same-origin' })).status).toBe(200);
    expect((await change({ 'X-Kulkul-Admin': '' })).body.error).toBe('header-missing');
    for (const headers of [
      { Origin: 'https://evil.example' },
      { Origin: 'http://127.0.0.1:1' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'same-site' },
      { 'Sec-Fetch-Site': 'cross-site', Origin: broker.adminUrl },
    ]) {
      expect((await change(headers)).body.error).toBe('foreign-origin');
    }
    // A page on another port of the same host has the cookie sent, too.
    const seen = await broker.api('GET', '/apps', undefined, { Cookie, 'Sec-Fetch-Site': 'same-site' });
    expect(seen.body.error).toBe('foreign-origin');
  });

  test('no other page signs anybody in', async () => {
    const { status, body } = await signIn(TOKEN, { Origin: 'https://evil.example' });
    expect([status, body.error]).toEqual([403, 'foreign-origin']);
  });

  test('guessing ends after ten attempts; what was right does not count', async () => {
    for (let attempt = 0; attempt < 12; attempt += 1) expect((await signIn(TOKEN)).status).toBe(200);
    for (let attempt = 0; attempt < 10; attempt += 1) expect((await signIn(`guess-${attempt}`)).status).toBe(401);
    const { status, body, headers } = await signIn(TOKEN);
    expect([status, body.error, Number(headers['retry-after'])]).toEqual([429, 'too-many-attempts', 6]);
  });

  test.for([{}, { token: 1 }, { token: 'x'.repeat(5000) }, { token: TOKEN, more: 1 }])(
    'a request of another form is refused: %o',
    async (body) => {
      expect((await broker.api('POST', '/console/session', body)).body.error).toBe('invalid-request');
    },
  );

  test('signing in is a line of the log, without the token', async () => {
    await signIn(READER.token);
    expect(broker.log).toContainEqual(
      expect.objectContaining({ audit: { who: 'board', what: 'signed in to the console', from: '127.0.0.1' } }),
    );
    expect(JSON.stringify(broker.log)).not.toContain(READER.token);
  });
});

test('without a token nobody has to sign in on this machine', async () => {
  const broker = await startAdminBroker();
  const session = { name: 'this machine', access: 'all', apps: null, expires: null };
  expect((await broker.api('GET', '/console/session')).body).toEqual(session);
  const signedIn = await broker.api('POST', '/console/session', { token: '' });
  expect([signedIn.body, signedIn.headers['set-cookie']]).toEqual([session, undefined]);
  expect((await broker.api('GET', '/console', undefined, { Host: 'evil.example' })).status).toBe(403);
  await broker.stop();
});

test('a session ends after eight hours, and the oldest of a token when it has fifty', () => {
  let nowMs = 0;
  const sessions = new Sessions(() => nowMs);
  const other: Operator = { name: 'other', access: 'read', apps: undefined };
  const [first, ofOther] = [sessions.open(THIS_MACHINE), sessions.open(other)];
  const later = Array.from({ length: 50 }, () => sessions.open(THIS_MACHINE));
  expect([first, ofOther, later[0], later[49]].map((one) => one && sessions.isOpen(one))).toEqual([
    false,
    true,
    true,
    true,
  ]);
  nowMs = 8 * 3_600_000;
  expect(sessions.isOpen(ofOther)).toBe(false);
  expect(sessions.in({ cookie: `kulkul_console=${ofOther.id}` })).toBeUndefined();
});

test('attempts come back one by one, and addresses do not pile up', () => {
  let nowMs = 0;
  const attempts = new SignInAttempts(() => nowMs);
  for (let attempt = 0; attempt < 10; attempt += 1) attempts.failed('a');
  expect([attempts.waitSeconds('a'), attempts.waitSeconds('b')]).toEqual([6, 0]);
  nowMs = 6000;
  expect(attempts.waitSeconds('a')).toBe(0);
  attempts.failed('a');
  expect(attempts.waitSeconds('a')).toBe(6);
  for (let other = 0; other < 1000; other += 1) attempts.failed(`address ${other}`);
  expect(attempts.waitSeconds('a')).toBe(0);
});
