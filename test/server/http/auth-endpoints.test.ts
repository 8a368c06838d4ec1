import { createHmac } from 'node:crypto';
import Pusher from 'pusher';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  askAuth,
  MASTER_KEY,
  operator,
  refusalIn,
  startTokenBroker,
  TOKEN_APP,
  type TokenBroker,
} from '../../support/auth-client.ts';
import { APP } from '../../support/broker.ts';
import { NOW_SECONDS, sign } from '../../support/tokens.ts';

const OTHER = {
  id: 'other',
  key: 'other-key',
  secret: 'other-secret',
  auth: TOKEN_APP.auth,
  channels: TOKEN_APP.channels,
};
const DISABLED = { ...OTHER, id: 'disabled', key: 'disabled-key', enabled: false };
const PLAIN = { id: 'plain', key: 'plain-key', secret: 'plain-secret' };

let broker: TokenBroker;
let several: TokenBroker;
beforeAll(async () => {
  broker = await startTokenBroker();
  several = await startTokenBroker({ pathPrefix: '/pusher' }, [TOKEN_APP, OTHER, DISABLED, PLAIN]);
});
afterAll(() => {
  broker.kill();
  several.kill();
});

/** Made with nothing of the broker. */
const hmac = (text: string, secret: string = APP.secret): string =>
  createHmac('sha256', secret).update(text).digest('hex');
const GRANT = `"grant":{"exp":${NOW_SECONDS + 60},"roles":["operator"],"claims":{}}`;

test('a private channel is answered with a signature over its grant, byte for byte', async () => {
  const { status, text, headers } = await askAuth(broker);
  const channelData = `{"user_id":"42",${GRANT}}`;
  const auth = `${APP.key}:${hmac(`1.2:private-admin-dashboard:${channelData}`)}`;
  expect(text).toBe(JSON.stringify({ auth, channel_data: channelData }));
  expect([status, headers.get('content-type')]).toEqual([200, 'application/json']);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
});

test('a presence channel is answered with the user and what others may see of the user', async () => {
  const token = operator({ sub: 7, user_info: { name: 'Ada <script>' } });
  const { text } = await askAuth(broker, { token, fields: { channel_name: 'presence-hall' } });
  const channelData = `{"user_id":"7","user_info":{"name":"Ada <script>"},${GRANT}}`;
  const auth = `${APP.key}:${hmac(`1.2:presence-hall:${channelData}`)}`;
  expect(text).toBe(JSON.stringify({ auth, channel_data: channelData }));
});

test('a sign-in is answered with the user, the watchlist and the grant', async () => {
  const token = operator({ user_info: { name: 'Ada' }, watchlist: ['7', '8'] });
  const { text } = await askAuth(broker, { path: '/broadcasting/user-auth', token });
  const grant = GRANT.replace('{}', '{"sub":"42"}');
  const userData = `{"id":"42","user_info":{"name":"Ada"},"watchlist":["7","8"],${grant}}`;
  const auth = `${APP.key}:${hmac(`1.2::user::${userData}`)}`;
  expect(text).toBe(JSON.stringify({ auth, user_data: userData }));
});

test('the secret of an encrypted channel is the one that the SDK makes', async () => {
  const channel = 'private-encrypted-ledger';
  const { text } = await askAuth(broker, { fields: { channel_name: channel } });
  const sdk = new Pusher({
    appId: APP.id,
    key: APP.key,
    secret: APP.secret,
    host: 'localhost',
    encryptionMasterKeyBase64: MASTER_KEY,
  });
  const { shared_secret } = sdk.authorizeChannel('1.2', channel);
  const { auth, channel_data, ...others } = JSON.parse(text) as Record<string, string>;
  expect(others).toEqual({ shared_secret });
  expect(auth).toBe(`${APP.key}:${hmac(`1.2:${channel}:${channel_data}`)}`);
});

test('an app with several keys signs with the oldest', async () => {
  const { key, secret, ...app } = TOKEN_APP;
  const keys = [
    { key: 'old', secret: 'old secret' },
    { key, secret },
  ];
  const rotating = await startTokenBroker({}, [{ ...app, keys }]);
  const { text } = await askAuth(rotating);
  rotating.kill();
  const { auth, channel_data } = JSON.parse(text) as Record<string, string>;
  expect(auth).toBe(`old:${hmac(`1.2:private-admin-dashboard:${channel_data}`, 'old secret')}`);
});

test.for([
  ['/broadcasting/auth', 'channel_data'],
  ['/pusher/auth', 'channel_data'],
  ['/broadcasting/user-auth', 'user_data'],
  ['/pusher/user-auth', 'user_data'],
] as const)('%s is there for the only app, below each app, and below the prefix', async ([path, field]) => {
  const answers = [
    await askAuth(broker, { path }),
    await askAuth(broker, { path: `/apps/${APP.id}/auth${path}` }),
    await askAuth(broker, { path: `/apps/${APP.id}/auth/${field === 'user_data' ? 'user' : 'channel'}` }),
    await askAuth(several, { path: `/pusher/apps/${APP.id}/auth${path}` }),
    await askAuth(several, { path, fields: { app_key: APP.key } }),
    await askAuth(several, { path: `/pusher${path}`, fields: { app_key: APP.key } }),
    await askAuth(several, { path: `${path}?app_key=${APP.key}` }),
  ];
  for (const { status, text } of answers)
    expect([status, Object.keys(JSON.parse(text))]).toEqual([200, ['auth', field]]);
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
});

test('the app that a request names is the one that answers', async () => {
  const byKey = await askAuth(several, { fields: { app_key: OTHER.key } });
  const byId = await askAuth(several, { path: `/pusher/apps/${OTHER.id}/auth/channel` });
  expect(byKey.text).toBe(byId.text);
  expect(byKey.text).toMatch(/^\{"auth":"other-key:/);
});

test('which of several apps is meant has to be said', async () => {
  const { status, text } = await askAuth(several, { path: '/pusher/auth' });
  expect([status, text]).toEqual([
    400,
    'It is not clear which app is meant, because there is not exactly one: use /apps/APP_ID/auth/channel, or send its key as the field app_key',
  ]);
});

test.for<[string, string, string]>([
  ['a form', 'application/x-www-form-urlencoded', 'socket_id=1.2&channel_name=private-admin-dashboard&x=%zz'],
  [
    'a form with a charset',
    'application/x-www-form-urlencoded; charset=UTF-8',
    'channel_name=private%2Dadmin-dashboard&socket_id=1%2E2',
  ],
  ['JSON', 'application/json', '{"socket_id":"1.2","channel_name":"private-admin-dashboard","more":[1]}'],
  [
    'JSON with a charset',
    'Application/JSON; charset=utf-8',
    ' {"socket_id":"1.2","channel_name":"private-admin-dashboard"}',
  ],
  [
    'JSON of a special type',
    'application/vnd.api+json',
    '{"socket_id":"1.2","channel_name":"private-admin-dashboard"}',
  ],
  ['JSON by its looks', '', '{"socket_id":"1.2","channel_name":"private-admin-dashboard","token":null}'],
  ['a form by its looks', '', 'socket_id=1.2&channel_name=private-admin-dashboard'],
])('the body may be %s', async ([, type, body]) => {
  // fetch gives a text a type of its own; bytes have none.
  const answer = await fetch(`${broker.url}/broadcasting/auth`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${operator()}`, ...(type !== '' && { 'Content-Type': type }) },
    body: Buffer.from(body),
  });
  expect(await answer.text()).toBe((await askAuth(broker)).text);
});

test.for<[string, Parameters<typeof askAuth>[1]]>([
  ['the header, whatever the case', { token: undefined, headers: { Authorization: `bearer  ${operator()}` } }],
  ['the field token', { token: undefined, fields: { token: operator() } }],
  ['the field token, of GET', { token: undefined, method: 'GET', fields: { token: operator() } }],
  [
    'the field token, beside a password of the proxy',
    { token: undefined, fields: { token: operator() }, headers: { Authorization: 'Basic eDp5' } },
  ],
  ['the cookie of the app', { token: undefined, headers: { Cookie: `a=b; session=${operator()}; c="d"` } }],
  [
    'the cookie, in quotes and escaped',
    { token: undefined, headers: { Cookie: `session="${operator().replace('.', '%2E')}"` } },
  ],
])('the token may be in %s', async ([, options]) => {
  expect((await askAuth(broker, options)).text).toBe((await askAuth(broker)).text);
});

test('the header counts before the field, and the field before the cookie', async () => {
  const fields = { token: operator({ sub: 'field' }) };
  const headers = { Cookie: `session=${operator({ sub: 'cookie' })}` };
  const user = async (options: object): Promise<string> => {
    const { text } = await askAuth(broker, { ...options, headers });
    return String(/user_id\\":\\"(\w+)/.exec(text)?.[1]);
  };
  expect([await user({ fields }), await user({ fields, token: undefined }), await user({ token: undefined })]).toEqual([
    '42',
    'field',
    'cookie',
  ]);
});

const JSON_TYPE = { 'Content-Type': 'application/json' };
test.for<[string, Parameters<typeof askAuth>[1], number, string]>([
  ['no token', { token: undefined }, 401, 'token-required'],
  ['a token that is null', { token: 'null' }, 401, 'token-malformed'],
  ['a token that is over', { token: operator({ exp: NOW_SECONDS }) }, 401, 'token-expired'],
  ['a role that is not enough', { token: operator({ role: 'viewer' }) }, 403, 'not-allowed'],
  ['a role with another case', { token: operator({ role: 'Operator' }) }, 403, 'not-allowed'],
  ["somebody else's channel", { fields: { channel_name: 'private-user.43' } }, 403, 'not-allowed'],
  ['a channel that no rule opens', { fields: { channel_name: 'private-other' } }, 403, 'not-allowed'],
  [
    'a presence channel and a token of nobody',
    { token: sign(), fields: { channel_name: 'presence-x' } },
    401,
    'token-without-user',
  ],
  ['a sign-in with a token of nobody', { token: sign(), path: '/pusher/user-auth' }, 401, 'token-without-user'],
  ['a public channel', { fields: { channel_name: 'rvm-status' } }, 400, 'public-channel'],
  ['the channel of a user', { fields: { channel_name: '#server-to-user-42' } }, 400, 'public-channel'],
  ['a name that no channel has', { fields: { channel_name: 'private-a:b' } }, 400, 'invalid-channel'],
  ['a name with a line break', { fields: { channel_name: 'private-a\r\nSet-Cookie: a=b' } }, 400, 'invalid-channel'],
  ['a long name', { fields: { channel_name: `private-${'x'.repeat(200)}` } }, 400, 'invalid-channel'],
  ['no name', { body: 'socket_id=1.2' }, 400, 'invalid-channel'],
  ['no socket id', { body: 'channel_name=private-x' }, 400, 'invalid-socket-id'],
  ['a socket id with more', { fields: { socket_id: '1.2:private-x' } }, 400, 'invalid-socket-id'],
  ['a socket id and a line break', { fields: { socket_id: '1.2\n' } }, 400, 'invalid-socket-id'],
  ['JSON that is none', { body: '{', headers: JSON_TYPE }, 400, 'invalid-json-body'],
  ['JSON that is a list', { body: '["socket_id"]', headers: JSON_TYPE }, 400, 'invalid-body'],
  ['a number for a text', { body: '{"socket_id":1.2}', headers: JSON_TYPE }, 400, 'invalid-body'],
  [
    'a multipart form',
    { body: '--x', headers: { 'Content-Type': 'multipart/form-data; boundary=x' } },
    400,
    'invalid-body',
  ],
  ['an app that is not', { path: '/apps/none/auth/channel' }, 404, 'unknown-app-id'],
  ['a key that is not', { fields: { app_key: 'none' } }, 404, 'unknown-app-key'],
  ['another method', { method: 'PUT' }, 405, 'method-not-allowed'],
])('%s is refused', async ([, options, status, id]) => {
  const answer = await askAuth(broker, options);
  expect(refusalIn(answer)).toEqual([status, id]);
  expect(answer.headers.get('set-cookie')).toBeNull();
  if (status !== 405) expect(answer.headers.get('cache-control')).toBe('no-store');
});

test('apps that are disabled, or take no tokens, say so', async () => {
  expect(refusalIn(await askAuth(several, { fields: { app_key: DISABLED.key } }))).toEqual([403, 'app-disabled']);
  for (const token of [undefined, operator()]) {
    const answer = await askAuth(several, { token, fields: { app_key: PLAIN.key } });
    expect(refusalIn(answer)).toEqual([401, 'tokens-not-configured']);
  }
});

test('an app without a master key says what an encrypted channel takes, to those who may enter it', async () => {
  const app = { ...TOKEN_APP, auth: { jwt: TOKEN_APP.auth.jwt } };
  const keyless = await startTokenBroker({}, [app]);
  const fields = { channel_name: 'private-encrypted-x' };
  const [refused, stranger] = [
    await askAuth(keyless, { fields }),
    await askAuth(keyless, { fields, token: undefined }),
  ];
  keyless.kill();
  expect([refused.status, refused.text]).toEqual([
    403,
    `private-encrypted-x is encrypted, and app ${APP.id} has no key to encrypt with: set its auth.encryptionMasterKey, the same as in your backend`,
  ]);
  expect(refusalIn(stranger)).toEqual([401, 'token-required']);
});

test('a refusal says who may enter, and challenges as RFC 6750 wants it', async () => {
  const challengeOf = async (options: object): Promise<string | null> =>
    (await askAuth(broker, options)).headers.get('www-authenticate');
  const viewer = { token: operator({ role: 'viewer' }) };
  expect((await askAuth(broker, viewer)).text).toBe(
    'Not allowed to subscribe to private-admin-dashboard: it takes the role admin or operator; the token has the role viewer',
  );
  expect(await challengeOf(viewer)).toBe('Bearer error="insufficient_scope"');
  expect(await challengeOf({ token: undefined })).toBe('Bearer');
  expect(await challengeOf({ token: operator({ exp: NOW_SECONDS - 5 }) })).toMatch(
    /^Bearer error="invalid_token", error_description="The token expired 5 s ago: [ !#-[\]-~]+"$/,
  );
});

test('what a token says can end neither the header nor its quotes', async () => {
  const alg = 'x"\r\nSet-Cookie: a=b\r\n\r\n\\é\u2028';
  const header = Buffer.from(JSON.stringify({ alg })).toString('base64url');
  const answer = await askAuth(broker, { token: `${header}.e30.x` });
  expect(refusalIn(answer)).toEqual([401, 'token-algorithm']);
  expect(answer.headers.get('set-cookie')).toBeNull();
  const [, description = ''] =
    /^Bearer error="invalid_token", error_description="(.*)"$/.exec(answer.headers.get('www-authenticate') ?? '') ?? [];
  expect(description).toMatch(/^Tokens signed with alg x[ !#-[\]-~]+$/);
  expect(description).not.toMatch(/["\\]/);
});

test('keys that cannot be fetched are no fault of the client', async () => {
  const auth = { jwt: { jwksUrl: 'http://127.0.0.1:1/keys' } };
  const cutOff = await startTokenBroker({}, [{ ...TOKEN_APP, auth }]);
  const header = Buffer.from('{"alg":"RS256","kid":"1"}').toString('base64url');
  const answer = await askAuth(cutOff, { token: `${header}.e30.x` });
  cutOff.kill();
  expect(refusalIn(answer)).toEqual([503, 'token-keys-unavailable']);
  expect(answer.headers.get('retry-after')).toBe('2');
  expect(answer.headers.get('www-authenticate')).toBeNull();
});

test('HEAD is answered without the body', async () => {
  const { status, text, headers } = await askAuth(broker, { method: 'HEAD' });
  expect([status, text, headers.get('content-length')]).toEqual([200, '', String((await askAuth(broker)).text.length)]);
});
