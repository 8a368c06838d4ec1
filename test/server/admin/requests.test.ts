import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SeamUnavailable } from '../../../channels/broker.ts';
import { AdminServer } from '../../../server/admin/admin-server.ts';
import { nodeFleet } from '../../../server/admin/fleet.ts';
import { APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { type AdminBroker, callAdmin, startAdminBroker } from './admin-broker.ts';

let broker: AdminBroker;
let api: AdminBroker['api'];
beforeAll(async () => {
  broker = await startAdminBroker();
  api = broker.api;
});
afterAll(() => broker.stop());

describe('a request', () => {
  test('of the root is answered with all there is, one line each', async () => {
    const { status, headers, body } = await api('GET', '/');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(body.kulkul).toBe('1.2.3');
    const routes = body.routes as string[];
    expect(routes).toContainEqual(expect.stringMatching(/^GET {4}\/apps +all apps, /));
    expect(routes).toContainEqual(expect.stringMatching(/^DELETE \/apps\/:id\/keys\/:key +removes a key/));
    expect((await api('GET', '/apps/')).status).toBe(200);
  });

  test('for what is not there is answered with what is', async () => {
    for (const path of ['/nothing', '/apps/1/2/3', '/%ff', '/apps/%']) {
      const { status, body } = await api('GET', path);
      expect([path, status, body.error]).toEqual([path, 404, 'not-found']);
      expect(body.message).toBe(`There is nothing at ${path}`);
      expect(body.routes).toEqual((await api('GET', '/')).body.routes);
    }
  });

  test.for([
    ['PUT', '/apps', 'GET, POST', 'PUT is not possible here: use GET or POST'],
    ['POST', '/apps/1', 'GET, PATCH, DELETE', 'POST is not possible here: use GET or PATCH or DELETE'],
    ['GET', '/purge', 'POST', 'GET is not possible here: use POST'],
  ] as const)('%s %s names what is possible there', async ([method, path, allow, message]) => {
    const { status, headers, body } = await api(method, path);
    expect([status, headers.allow, body]).toEqual([405, allow, { error: 'method-not-allowed', message }]);
  });

  test.for([
    ['{', 'it ends too early'],
    ['{\n  "a": 1,\n  b: 2}', 'there is an error at line 3, column 3'],
    ['{"id": "x" "key"}', 'there is an error at line 1, column 12'],
    [`{"secret": "hidden-${'x'.repeat(20)}`, 'there is an error at line 1, column 12'],
  ] as const)('with the body %s is told where its JSON is wrong', async ([content, reason]) => {
    const { status, text: answer, body } = await api('POST', '/apps', content);
    expect([status, body.error]).toEqual([400, 'invalid-json']);
    expect(body.message).toBe(`The body is not valid JSON: ${reason}`);
    expect(answer).not.toContain('hidden');
  });

  // Each level costs the stack of whatever goes down into it: a store of SQL failed, and was said to be away.
  test.for([
    ['lists', `{"webhooks": ${'['.repeat(51)}${']'.repeat(51)}}`],
    ['many lists', `{"webhooks": ${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    ['objects', `{"auth": ${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`],
    ['lists that do not end', '['.repeat(1_000_000)],
    ['a mixture', `${'[{"a":'.repeat(30)}1${'}]'.repeat(30)}`],
  ] as const)('that is nested too deeply is refused: %s', async ([, content]) => {
    for (const [method, path] of [
      ['POST', '/apps'],
      ['PATCH', `/apps/${APP.id}`],
      ['POST', `/apps/${APP.id}/keys`],
    ] as const) {
      const { status, body } = await api(method, path, content);
      expect([status, body]).toEqual([
        400,
        { error: 'invalid-json', message: 'The body is nested more than 50 levels deep, which no app is' },
      ]);
    }
  });

  test('that only has many brackets in its texts, or beside one another, is not nested', async () => {
    const text = `${'['.repeat(100)}\\"${'{'.repeat(100)}`;
    const channels = Array.from({ length: 100 }, (_, index) => ({ name: `c-${index}`, subscribe: [] }));
    const { status } = await api('POST', '/apps', { id: 'brackets', name: text, channels });
    expect(status).toBe(201);
    const { body } = await api('GET', '/apps/brackets');
    expect(body.name).toBe(text);
  });

  test('with many problems is told the first of them, and that there are more', async () => {
    const names = Array.from({ length: 30_000 }, (_, index) => [`field${index}`, 1]);
    const unknown = Object.fromEntries(names);
    for (const [method, path, content] of [
      ['POST', '/apps', unknown],
      ['PATCH', `/apps/${APP.id}`, unknown],
      ['POST', `/apps/${APP.id}/keys`, unknown],
      ['POST', '/apps', { keys: Array(30_000).fill(1), allowedOrigins: Array(30_000).fill({}) }],
      ['PATCH', `/apps/${APP.id}`, { channels: Array(10_000).fill({ name: '{' }) }],
    ] as const) {
      const { status, text: answer, body } = await api(method, path, content);
      expect([status, body.problems]).toEqual([400, expect.objectContaining({ length: 20 })]);
      expect(body.message).toMatch(/; and more, of which the first 20 are told$/);
      expect(answer.length).toBeLessThan(10_000);
    }
    const { body } = await api('POST', '/apps', Object.fromEntries(names.slice(0, 20)));
    expect([body.problems, body.message]).toEqual([
      expect.objectContaining({ length: 20 }),
      expect.not.stringContaining('and more'),
    ]);
  });

  test.for(['x'.repeat(201), 'ü', 'a b', 'a:b', 'a@b', '..', '.', '', '\u0000', '\ud800', 'a\u2028b', '💡', '<b>'])(
    'makes no id and no key that is too long or of odd characters: %s',
    async (name) => {
      for (const [body, path] of [
        [{ id: name }, '/id'],
        [{ key: name }, '/key'],
        [{ keys: [{ key: name, secret: 's' }] }, '/keys/0/key'],
      ] as const) {
        const answer = await api('POST', '/apps', body);
        expect([answer.status, answer.body.problems]).toEqual([400, [expect.objectContaining({ path })]]);
      }
      for (const [method, place, body] of [
        ['PATCH', '', { key: name, secret: 's' }],
        ['POST', '/keys', { key: name }],
      ] as const) {
        const answer = await api(method, `/apps/${APP.id}${place}`, body);
        expect([answer.status, answer.body.problems]).toEqual([400, [expect.objectContaining({ path: '/key' })]]);
      }
    },
  );

  test('makes ids and keys of 200 characters that mean nothing elsewhere', async () => {
    const id = `${'aZ09-_.~'.repeat(25)}`;
    expect((await api('POST', '/apps', { id, key: `${id.slice(1)}k` })).status).toBe(201);
    expect((await api('GET', `/apps/${id}`)).body.id).toBe(id);
    expect((await api('DELETE', `/apps/${id}`)).status).toBe(200);
  });

  test('in another format is told which to use', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'nonsense']) {
      const { status, body } = await api('POST', '/apps', 'id=1', { 'Content-Type': type });
      expect([type, status, body.error]).toEqual([type, 415, 'unsupported-content-type']);
      expect(body.message).toBe('Send the body as JSON: Content-Type: application/json');
    }
    const patch = { 'Content-Type': 'application/merge-patch+json; charset=utf-8' };
    expect((await api('PATCH', `/apps/${APP.id}`, { name: 'n' }, patch)).status).toBe(200);
  });

  test('that is too large is refused', async () => {
    const { status, body } = await api('POST', '/apps', { name: 'x'.repeat(1_048_576) });
    expect([status, body.error, body.message]).toEqual([
      413,
      'body-too-large',
      'The body exceeds the limit of 1048576 bytes',
    ]);
  });

  test('with a parameter that is wrong, or unknown, is told so', async () => {
    const { status, body } = await api('GET', '/apps?limit=x&offset=3');
    expect([status, body.error]).toEqual([400, 'invalid-request']);
    expect(body.problems).toEqual([
      { path: '?limit', message: 'expected a number, got "x"' },
      { path: '?offset', message: 'unknown parameter' },
    ]);
    expect((await api('GET', '/apps?limit=0')).body.message).toContain('?limit: must be at least 1, got "0"');
    expect((await api('DELETE', `/apps/${APP.id}?force=1`)).status).toBe(400);
    expect((await api('GET', `/apps/${APP.id}`)).status).toBe(200);
  });

  test('with names of Object.prototype is no way around the checks', async () => {
    const polluting = '{"id": "proto", "__proto__": {"enabled": false}, "constructor": {"prototype": {"x": 1}}}';
    const { body } = await api('POST', '/apps', polluting);
    expect(body.problems).toEqual([
      { path: '/__proto__', message: 'unknown field' },
      { path: '/constructor', message: 'unknown field' },
    ]);
    expect((await api('PATCH', `/apps/${APP.id}`, '{"__proto__": {"polluted": 1}}')).status).toBe(400);
    expect('polluted' in {}).toBe(false);
    expect((await api('GET', '/apps/__proto__')).status).toBe(404);
  });

  // Node.js looked every 30 seconds, and took the longer one of two times: it were 90 seconds.
  test.for([
    [
      'a body that does not come',
      'POST /apps HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Kulkul-Admin: 1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"id"',
    ],
    [
      'a chunk that does not come',
      'POST /apps HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Kulkul-Admin: 1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"id"\r\n',
    ],
    ['headers that do not end', 'GET /apps HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A'],
  ] as const)('that is late is cut off: %s', async ([, beginning]) => {
    const { listed, server, config } = broker;
    const late = new AdminServer({
      registry: listed,
      fleet: nodeFleet(server),
      token: config.settings.admin.token,
      isExposed: false,
      version: '1',
      log: pino({ level: 'silent' }),
      requestMs: 50,
    });
    const socket = connect(await late.listen('127.0.0.1', 0), '127.0.0.1');
    socket.write(beginning);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 /);
    await late.stop();
  });

  test('that its client gives up is nothing to log', async () => {
    const socket = connect(Number(new URL(broker.adminUrl).port), '127.0.0.1');
    const head = 'POST /apps HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Kulkul-Admin: 1\r\nContent-Type: application/json\r\n';
    socket.write(`${head}Expect: 100-continue\r\nContent-Length: 100\r\n\r\n{"id"`);
    await once(socket, 'data');
    socket.resetAndDestroy();
    await once(socket, 'close');
    expect((await api('GET', '/apps')).status).toBe(200);
    expect(broker.log.filter(({ msg }) => msg === 'unexpected failure')).toEqual([]);
  });

  test('that is larger still is refused with an answer, not with the end of its connection', async () => {
    const { status, body } = await api('POST', '/apps', { name: 'x'.repeat(7_000_000) });
    expect([status, body.error]).toEqual([413, 'body-too-large']);
  });

  test('that has come is answered when the API stops, and one that is still coming is cut off', async () => {
    const [asked, answered] = [new Signal(), new Signal()];
    const fleet = nodeFleet(broker.server);
    fleet.announceApps = () => {
      asked.give();
      return answered.given;
    };
    const server = new AdminServer({
      registry: broker.listed,
      fleet,
      token: '',
      isExposed: false,
      version: '1',
      log: pino({ level: 'silent' }),
    });
    const port = await server.listen('127.0.0.1', 0);
    const late = connect(port, '127.0.0.1');
    late.write('POST /purge HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Kulkul-Admin: 1\r\nContent-Type: application/json\r\n');
    late.write('Expect: 100-continue\r\nContent-Length: 100\r\n\r\n{');
    await once(late, 'data');
    const calling = callAdmin(`http://127.0.0.1:${port}`, 'POST', '/purge');
    await asked.given;
    const stopping = server.stop();
    answered.give();
    const [{ status }] = await Promise.all([calling, stopping, once(late, 'close')]);
    expect(status).toBe(200);
  });

  test('that is no HTTP is answered 400 and costs its connection only', async () => {
    const socket = connect(Number(new URL(broker.adminUrl).port), '127.0.0.1');
    socket.write('hello\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
    expect((await api('GET', '/apps')).status).toBe(200);
  });

  test('that meets a bug is answered 500 without the reason, which is logged', async () => {
    const { fleet, restore } = breakStore(new Error('what only the log may hold'));
    const { status, text: answer } = await api('GET', `/apps/${APP.id}/usage`);
    restore();
    expect([status, fleet]).toEqual([500, true]);
    expect(answer).not.toContain('what only');
    expect(broker.log).toContainEqual(
      expect.objectContaining({ msg: 'unexpected failure', request: `GET /apps/${APP.id}/usage` }),
    );
  });

  test('that a seam can not do just now is answered 503', async () => {
    const { restore } = breakStore(new SeamUnavailable('Redis is away'));
    const { status, headers, body } = await api('GET', `/apps/${APP.id}/usage`);
    restore();
    expect([status, headers['retry-after']]).toEqual([503, '1']);
    expect(body).toEqual({ error: 'unavailable', message: 'Not possible right now: Redis is away. Try again' });
  });
});

class Signal {
  give = (): void => {};
  readonly given = new Promise<void>((resolve) => {
    this.give = resolve;
  });
}

/** Has the store fail. */
function breakStore(error: Error): { fleet: true; restore(): void } {
  const { store } = broker.server.node;
  const { connectionCount } = store;
  store.connectionCount = () => Promise.reject(error);
  return {
    fleet: true,
    restore: () => {
      store.connectionCount = connectionCount;
    },
  };
}

describe('the nodes', () => {
  test('tell what an app has open', async () => {
    const clients = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl)];
    for (const [index, client] of clients.entries()) {
      client.subscribe('news');
      client.subscribe('presence-room', `{"user_id":"${index}"}`);
      client.subscribe('presence-other', '{"user_id":"same"}');
      await client.flush();
    }
    const { body } = await api('GET', `/apps/${APP.id}/usage`);
    expect(body).toEqual({ id: APP.id, connections: 2, channels: 3, subscriptions: 6, presenceUsers: 3 });
    for (const client of clients) await client.close();
  });

  test('take a user, a socket or everybody out of channels', async () => {
    const [ann, bob] = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl)];
    const enter = async () => {
      await ann.flush();
      for (const [client, id] of [
        [ann, 'ann'],
        [bob, 'bob'],
      ] as const) {
        client.subscribe('presence-room', `{"user_id":"${id}"}`);
        client.subscribe('private-x');
        await client.flush();
      }
      await ann.flush();
    };
    const lost = async (client: RawClient): Promise<string[]> =>
      (await client.flush()).flatMap((frame) => {
        const { event, channel } = JSON.parse(frame) as { event: string; channel: string };
        return event === 'pusher:subscription_error' ? [channel] : [];
      });
    await enter();
    expect((await api('DELETE', `/apps/${APP.id}/channels/presence-*/users/ann`)).body).toEqual({ revoked: true });
    expect([await lost(ann), await lost(bob)]).toEqual([['presence-room'], []]);
    await api('DELETE', `/apps/${APP.id}/channels/private-x/sockets/${bob.socketId}`);
    expect([await lost(ann), await lost(bob)]).toEqual([[], ['private-x']]);
    await api('DELETE', `/apps/${APP.id}/channels/${encodeURIComponent('*')}/subscriptions`);
    expect([await lost(ann), await lost(bob)]).toEqual([['private-x'], ['presence-room']]);
    for (const client of [ann, bob]) await client.close();
  });

  test('end the connections of a user', async () => {
    const client = await RawClient.connect(broker.wsUrl);
    client.signIn('{"id":"ann/ü"}');
    await client.next('pusher:signin_success');
    const { body } = await api('POST', `/apps/${APP.id}/users/${encodeURIComponent('ann/ü')}/terminate`);
    expect(body).toEqual({ terminated: true });
    expect(await client.closed()).toMatchObject({ code: 4009 });
  });

  test('say whether a user is signed in, and send the connections of a user to reconnect', async () => {
    const path = `/apps/${APP.id}/users/${encodeURIComponent('ann/ü')}`;
    const client = await RawClient.connect(broker.wsUrl);
    client.signIn('{"id":"ann/ü"}');
    await client.next('pusher:signin_success');
    expect((await api('GET', path)).body).toEqual({ id: 'ann/ü', online: true, connections: 1 });
    expect((await api('POST', `${path}/force_reconnect`)).body).toEqual({ reconnected: true });
    expect(await client.closed()).toMatchObject({ code: 4200 });
    expect((await api('GET', path)).body).toEqual({ id: 'ann/ü', online: false, connections: 0 });
  });

  test.for([
    ['DELETE', '/channels/a%20b/users/1', 'invalid-channel-pattern'],
    ['DELETE', `/channels/x/users/${'u'.repeat(129)}`, 'invalid-user-id'],
    ['DELETE', '/channels/x/sockets/me', 'invalid-socket-id'],
    ['GET', `/users/${'u'.repeat(129)}`, 'invalid-user-id'],
    ['POST', `/users/${'u'.repeat(129)}/force_reconnect`, 'invalid-user-id'],
    ['POST', `/users/${'u'.repeat(129)}/terminate`, 'invalid-user-id'],
  ] as const)('are not asked for nonsense: %s %s', async ([method, path, id]) => {
    const { status, body } = await api(method, `/apps/${APP.id}${path}`);
    expect([status, body.error]).toEqual([400, id]);
    expect(String(body.message).length).toBeGreaterThan(20);
  });

  test('look again at apps', async () => {
    expect((await api('POST', '/purge')).body).toEqual({ purged: true });
    expect((await api('POST', '/apps/any/purge')).body).toEqual({ purged: true });
  });
});
