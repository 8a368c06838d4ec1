import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { call, lineOf } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawSocket } from '../robustness/raw-socket.ts';
import { encodeRequest, parseAnswers, signTarget } from './raw-http.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.kill());

const EVENTS = `/apps/${APP.id}/events`;
const EVENT = '{"name":"e","channel":"c","data":""}';

test('one connection carries many requests, refused ones too', async () => {
  const targets = [
    ['GET', '/', ''],
    ['GET', '/nowhere', ''],
    ['GET', signTarget({ path: `/apps/${APP.id}/channels` }), ''],
    ['GET', `/apps/${APP.id}/channels`, ''],
    ['POST', EVENTS, EVENT],
    ['POST', '/apps/none/events', EVENT],
    ['PUT', EVENTS, EVENT],
    ['OPTIONS', EVENTS, ''],
    ['POST', signTarget({ method: 'POST', path: EVENTS, body: '{' }), '{'],
    ['POST', signTarget({ method: 'POST', path: EVENTS, body: EVENT }), EVENT],
  ] as const;
  const raw = await RawSocket.open(broker.port);
  for (const [index, [method, target, body]] of targets.entries()) {
    raw.write(encodeRequest(method, target, body, [`X-Number: ${index}`]));
    while (parseAnswers(raw.text).length <= index) await raw.more();
  }
  expect(parseAnswers(raw.text).map(({ status }) => status)).toEqual([
    200, 404, 200, 401, 401, 404, 405, 204, 400, 200,
  ]);
  raw.reset();
});

test('HEAD is answered like GET, without the body', async () => {
  const raw = await RawSocket.open(broker.port);
  raw.write(encodeRequest('GET', '/'));
  raw.write(encodeRequest('HEAD', '/'));
  raw.write(encodeRequest('HEAD', signTarget({ method: 'HEAD', path: `/apps/${APP.id}/channels` })));
  raw.write(encodeRequest('HEAD', '/nowhere'));
  const answers = parseAnswers(await raw.finish(), [1, 2, 3]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 404]);
  expect(answers.map(({ body }) => body)).toEqual(['OK', '', '', '']);
  expect(answers[1]?.headers.get('content-length')).toBe('2');
  expect(answers[2]?.headers.get('content-length')).toBe(String('{"channels":{}}'.length));
});

test.for([
  ['PUT', EVENTS, 'PUT is not possible here: use POST', 'POST'],
  ['GET', EVENTS, 'GET is not possible here: use POST', 'POST'],
  ['POST', `/apps/${APP.id}/channels`, 'POST is not possible here: use GET', 'GET, HEAD'],
  ['DELETE', '/ready', 'DELETE is not possible here: use GET', 'GET, HEAD'],
  ['PUT', '/broadcasting/auth', 'PUT is not possible here: use GET or POST', 'GET, HEAD, POST'],
  ['GET', `/apps/${APP.id}/channels/c/users/1`, 'GET is not possible here: use DELETE', 'DELETE'],
  ['POST', `/apps/${APP.id}/channels/c/sockets/1.2`, 'POST is not possible here: use DELETE', 'DELETE'],
  ['POST', `/apps/${APP.id}/channels/c/subscriptions`, 'POST is not possible here: use DELETE', 'DELETE'],
] as const)('%s on %s is answered 405 with the right method', async ([method, path, line, allow]) => {
  const answer = await fetch(`${broker.url}${path}`, { method });
  expect([answer.status, await lineOf(answer), answer.headers.get('allow')]).toEqual([405, line, allow]);
});

/** Cause: uWebSockets.js ends idle connections, and no answer said when. Symptom: SDKs that keep connections failed with ECONNRESET, once in some hundred requests. */
test('every answer says how long its connection may be kept, unless it is the last one', async () => {
  const feed = { path: '/api/feed', channel: 'news' };
  const own = await startBroker({}, [{ ...APP, feeds: [feed] }]);
  onTestFinished(() => own.kill());
  const signed = signTarget({ method: 'POST', path: EVENTS, body: EVENT });
  const requests = [
    ['GET', '/', ''],
    ['HEAD', '/ready', ''],
    ['OPTIONS', EVENTS, ''],
    ['POST', signed, EVENT],
    ['POST', EVENTS, EVENT],
    ['GET', '/nowhere', ''],
    ['GET', '/broadcasting/auth', ''],
    ['GET', feed.path, ''],
  ] as const;
  const keepAlive = async (method: string, target: string, body: string): Promise<(string | undefined)[]> => {
    const raw = await RawSocket.open(own.port);
    raw.write(encodeRequest(method, target, body));
    await raw.until('\r\n\r\n');
    raw.reset();
    const [answer] = parseAnswers(raw.text.slice(0, raw.text.indexOf('\r\n\r\n') + 4));
    return [answer?.headers.get('keep-alive'), answer?.headers.get('connection')];
  };
  for (const [method, target, body] of requests) {
    expect(await keepAlive(method, target, body), `${method} ${target}`).toEqual(['timeout=20', undefined]);
  }
  const tooLarge = `POST ${signed} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n`;
  const raw = await RawSocket.open(own.port);
  raw.write(tooLarge + 'x'.repeat(10_000_000));
  await raw.until('\r\n\r\n');
  expect(raw.text).toMatch(/^HTTP\/1\.1 413 [\s\S]*\r\nConnection: close\r\n/);
  expect(raw.text).not.toContain('Keep-Alive');
  raw.reset();
});

const BELOW = 'the HTTP API is below /apps/APP_ID, WebSockets connect to /app/APP_KEY';
test.for([
  ['/nowhere', `Path not found: /nowhere; ${BELOW}`],
  [
    '/app/key',
    'Path not found: /app/key; WebSockets connect here, but this request asks for none: it has no Sec-WebSocket-Key, which a proxy must pass on',
  ],
  ['/apps', `Path not found: /apps; ${BELOW}`],
  ['/apps/1', `Path not found: /apps/1; ${BELOW}`],
  [`/apps/${APP.id}/event`, `Path not found: /apps/${APP.id}/event; ${BELOW}`],
  [`/apps/${APP.id}/channels/c/users/1/2`, `Path not found: /apps/${APP.id}/channels/c/users/1/2; ${BELOW}`],
  [`/apps/${APP.id}/auth/users`, `Path not found: /apps/${APP.id}/auth/users; ${BELOW}`],
  [
    `/ws${EVENTS}`,
    `Path not found: /ws${EVENTS}; there is a prefix /ws before /apps: set pathPrefix to it, or have the proxy take it away`,
  ],
  ...[
    [`//apps/${APP.id}/events`, EVENTS],
    [`/apps//${APP.id}/events`, EVENTS],
    [`/apps/${APP.id}//channels`, `/apps/${APP.id}/channels`],
    [`${EVENTS}/`, EVENTS],
    ['//app/key', '/app/key'],
    ['/ready/', '/ready'],
  ].map(
    ([path, meant]) =>
      [
        path ?? '',
        `Path not found: ${path}; it has a slash too many: ask for ${meant}. Does the base of the URL end with a slash?`,
      ] as const,
  ),
] as const)('%s is not found, with advice', async ([path, line]) => {
  const answer = await fetch(`${broker.url}${path}`);
  expect([answer.status, await lineOf(answer)]).toEqual([404, line]);
});

// An id that was a slip away from that of an app was answered with that app's id, and compared to the ids of all apps for it.
test.for([
  ['1234', '1234'],
  ['12345x', '12345x'],
  ['other', 'other'],
  ['%F0%9F%92%A9', '💩'],
  ['9'.repeat(15_000), `${'9'.repeat(60)}…`],
] as const)('the unknown app id %s is answered without a word of other apps', async ([id, shown]) => {
  const line = `Unknown app id ${shown}. Is it the id (not the key) of the app?`;
  const unsigned = `auth_key=${APP.key}&auth_version=1.0&auth_timestamp=${Math.floor(Date.now() / 1000)}`;
  for (const query of ['', `?auth_key=${APP.key}`, `?${unsigned}&auth_signature=${'0'.repeat(64)}`]) {
    for (const [method, path] of [
      ['GET', `/apps/${id}/channels`],
      ['POST', `/apps/${id}/events`],
      ['DELETE', `/apps/${id}/channels/c/subscriptions`],
      ['POST', `/apps/${id}/auth/channel`],
    ] as const) {
      const answer = await fetch(`${broker.url}${path}${query}`, { method });
      expect([answer.status, await lineOf(answer)]).toEqual([404, line]);
    }
  }
});

test('an unknown app id is explained to whom signed the request with the secret of an app', async () => {
  const line = `Unknown app id wrong: the auth_key of this request belongs to app ${APP.id}`;
  for (const method of ['GET', 'POST'] as const) {
    const [path, body] = method === 'GET' ? ['/apps/wrong/channels', undefined] : ['/apps/wrong/events', EVENT];
    const { status, text } = await call(broker.url, method, path, { body });
    expect([status, text]).toEqual([404, line]);
    for (const change of [{ timestamp: 1 }, { app: { ...APP, secret: 'another' } }]) {
      const refused = await call(broker.url, method, path, { body, ...change });
      expect([refused.status, refused.text]).toEqual([
        404,
        'Unknown app id wrong. Is it the id (not the key) of the app?',
      ]);
    }
  }
});

test('with a path prefix the API is below it, signed with or without it', async () => {
  const prefixed = await startBroker({ pathPrefix: '/ws' });
  const path = `/ws/apps/${APP.id}/channels`;
  const ask = async (target: string): Promise<[number, string]> => {
    const answer = await fetch(`${prefixed.url}${target}`);
    return [answer.status, await lineOf(answer)];
  };
  expect(await ask(signTarget({ path, signedPath: `/apps/${APP.id}/channels` }))).toEqual([200, '{"channels":{}}']);
  expect(await ask(signTarget({ path }))).toEqual([200, '{"channels":{}}']);
  expect(await ask('/ready')).toEqual([200, 'OK']);
  expect(await ask('/ws/ready')).toEqual([200, 'OK']);
  expect(await ask('/ws')).toEqual([200, 'OK']);
  expect(await ask(signTarget({ path: `/apps/${APP.id}/channels` }))).toEqual([
    404,
    'Path not found: the HTTP API is below /ws/apps/APP_ID here (pathPrefix)',
  ]);
  prefixed.kill();
});

test('the name of an unknown method is cut in the answer', async () => {
  const raw = await RawSocket.open(broker.port);
  raw.write(encodeRequest('X'.repeat(100), '/'));
  const [answer] = parseAnswers(await raw.finish());
  expect(answer?.body).toBe(
    `${'X'.repeat(20)}${Buffer.from('…').toString('latin1')} is not possible here: use GET (more: /errors/method-not-allowed)`,
  );
});
