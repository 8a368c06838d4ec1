import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API_ROUTES } from '../../../server/http/routes.ts';
import { type ApiAnswer, call, lineOf } from '../../support/api-client.ts';
import { askAuth, startTokenBroker, TOKEN_APP, type TokenBroker } from '../../support/auth-client.ts';
import { APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { NOW_SECONDS } from '../../support/tokens.ts';

type Json = Readonly<Record<string, unknown>>;
type Content = Readonly<Record<string, { readonly schema: Json }>>;
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Json }[];
  readonly security: readonly Json[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

let broker: TokenBroker;
let client: RawClient;
let text: string;
let paths: Paths;
let schemas: Json;
beforeAll(async () => {
  broker = await startTokenBroker({}, [TOKEN_APP]);
  client = await RawClient.connect(broker.wsUrl);
  await client.subscribed('presence-room', '{"user_id":"1","user_info":{"name":"Ann"}}');
  await client.subscribed('cache-news');
  text = await (await fetch(`${broker.url}/openapi.json`)).text();
  const document = JSON.parse(text) as { paths: Paths; components: { schemas: Json } };
  paths = document.paths;
  schemas = document.components.schemas;
});
afterAll(async () => {
  await client.close();
  broker.kill();
});

const described = (path: string): string => path.replace(/:(\w+)/g, '{$1}');

function find(method: string, path: string): Operation {
  const operation = paths[described(path)]?.[method.toLowerCase()];
  if (!operation) throw new Error(`${method} ${path} is not described`);
  return operation;
}

/** As OpenAPI 3.1 has it: JSON Schema 2020-12. */
function compile(schema: Json): ValidateFunction {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true });
  return ajv.compile(
    JSON.parse(JSON.stringify({ $defs: schemas, ...schema }).replaceAll('"#/components/schemas/', '"#/$defs/')),
  );
}

test('the OpenAPI document is valid, and the one in docs/', async () => {
  const { valid, errors } = await new Validator().validate(JSON.parse(text));
  expect([valid, errors]).toEqual([true, undefined]);
  // Written anew by: npx vitest run test/server/http/open-api.test.ts -u
  await expect(`${JSON.stringify(JSON.parse(text), null, 2)}\n`).toMatchFileSnapshot('../../../docs/openapi.json');
});

test('it describes every route of the table with what it asks for, and no other', () => {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(operations.sort()).toEqual(API_ROUTES.map(({ method, path }) => `${method} ${described(path)}`).sort());
  const signed = { authKey: [], authTimestamp: [], authVersion: [], authSignature: [] };
  const asked = { signature: [signed], 'signature or token': [signed, { token: [] }], token: [{ token: [] }, {}] };
  const ids = new Set<string>();
  for (const { method, path, access, query = {}, body, status = 200 } of API_ROUTES) {
    const { operationId, security, parameters, requestBody, responses } = find(method, path);
    ids.add(operationId);
    expect(security).toEqual(access === 'anybody' ? [] : asked[access]);
    const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => `path ${name}`);
    const inQuery = Object.keys(query).map((name) => `query ${name}`);
    expect(parameters.map((each) => `${each.in} ${each.name}`)).toEqual([...names, ...inQuery]);
    expect(requestBody?.required).toBe(body?.isRequired);
    expect(Object.keys(responses)).toEqual([String(status), 'default']);
  }
  expect(ids.size).toBe(API_ROUTES.length);
});

test('each path is refused with 405 where its method is another, and names those that it has', async () => {
  const methods = new Map<string, string[]>();
  for (const { method, path } of API_ROUTES) methods.set(path, [...(methods.get(path) ?? []), method]);
  for (const [path, allowed] of methods) {
    const url = `${broker.url}${path.replace(/:\w+/g, 'x')}`;
    const answer = await fetch(url, { method: 'PUT' });
    const allow = allowed.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
    expect([path, answer.status, answer.headers.get('allow')]).toEqual([path, 405, allow]);
    expect(await lineOf(answer)).toBe(`PUT is not possible here: use ${allowed.join(' or ')}`);
  }
});

const signed =
  (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    options: { body?: unknown; params?: Record<string, string> } = {},
  ) =>
  (): Promise<ApiAnswer> =>
    call(broker.url, method, path, { timestamp: NOW_SECONDS, ...options });
const asToken = (method: string, path: string) => (): Promise<ApiAnswer> =>
  askAuth(broker, {
    method,
    path,
    fields: { socket_id: '1.2', channel_name: 'presence-room', app_key: APP.key },
  });
const open = (path: string) => async (): Promise<ApiAnswer> => {
  const answer = await fetch(`${broker.url}${path}`);
  return { status: answer.status, text: await lineOf(answer), headers: answer.headers };
};

const EVENT = { name: 'e', channels: ['news', 'presence-room'], data: 'd', info: 'subscription_count' };
const BATCH = { batch: [{ name: 'e', channel: 'presence-room', data: { a: 1 }, info: 'user_count' }] };
const of = (path: string): string => `/apps/${APP.id}${path}`;
const AUTH = API_ROUTES.filter(({ access }) => access === 'token');

/** A request of each route, by what stands in the table. */
const REQUESTS: Readonly<Record<string, () => Promise<ApiAnswer>>> = {
  'POST /apps/:app/events': signed('POST', of('/events'), { body: EVENT }),
  'POST /apps/:app/batch_events': signed('POST', of('/batch_events'), { body: BATCH }),
  'GET /apps/:app/channels': signed('GET', of('/channels'), {
    params: { filter_by_prefix: 'presence-', info: 'user_count' },
  }),
  'GET /apps/:app/channels/:channel': signed('GET', of('/channels/cache-news'), { params: { info: 'cache' } }),
  'GET /apps/:app/channels/:channel/users': signed('GET', of('/channels/presence-room/users'), {
    params: { with_user_info: '1' },
  }),
  'GET /apps/:app/connections': signed('GET', of('/connections')),
  'GET /apps/:app/users/:user': signed('GET', of('/users/1')),
  'POST /apps/:app/users/:user/force_reconnect': signed('POST', of('/users/1/force_reconnect'), { body: {} }),
  'POST /apps/:app/users/:user/terminate_connections': signed('POST', of('/users/1/terminate_connections'), {
    body: {},
  }),
  'DELETE /apps/:app/channels/:channel/users/:user': signed('DELETE', of('/channels/news/users/1')),
  'DELETE /apps/:app/channels/:channel/sockets/:socket': signed('DELETE', of('/channels/news/sockets/1.2')),
  'DELETE /apps/:app/channels/:channel/subscriptions': signed('DELETE', of('/channels/news/subscriptions')),
  'POST /apps/:app/channels/:channel/events': signed('POST', of('/channels/news/events'), {
    body: 'raw',
    params: { name: 'e' },
  }),
  'GET /apps/:app/channels/:channel/stats': signed('GET', of('/channels/presence-room/stats')),
  'POST /users/:user/terminate_connections': signed('POST', '/users/1/terminate_connections', { body: {} }),
  'GET /': open('/'),
  'GET /live': open('/live'),
  'GET /up': open('/up'),
  'GET /ready': open('/ready'),
  'GET /accept-traffic': open('/accept-traffic'),
  'GET /usage': open('/usage'),
  'GET /errors': open('/errors'),
  'GET /errors/:error': open('/errors/invalid-signature'),
  'GET /openapi.json': open('/openapi.json'),
  ...Object.fromEntries(
    AUTH.map(({ method, path }) => [`${method} ${path}`, asToken(method, path.replace(':app', APP.id))]),
  ),
};

describe('what it says is what is answered', () => {
  test.for(API_ROUTES.map(({ method, path }) => [method, path] as const))('%s %s', async ([method, path]) => {
    const answer = await REQUESTS[`${method} ${path}`]?.();
    const { content = {} } = find(method, path).responses[String(answer?.status)] ?? {
      content: { none: { schema: {} } },
    };
    const [[type, { schema }] = ['', { schema: {} }]] = Object.entries(content);
    expect(answer?.headers.get('content-type')?.split(';')[0]).toBe(type === '' ? 'application/json' : type);
    if (type === '') {
      expect(answer?.text).toBe('');
      return;
    }
    const validate = compile(schema);
    const value: unknown = type === 'application/json' ? JSON.parse(String(answer?.text)) : answer?.text;
    expect([validate(value), validate.errors]).toEqual([true, null]);
    expect(validate(type === 'application/json' ? 'text' : 1)).toBe(false);
  });
});

test('bodies that it describes are taken, and others are not described', () => {
  const event = compile(find('POST', '/apps/:app/events').requestBody?.content['application/json']?.schema ?? {});
  expect([event(EVENT), event({ name: 'e', data: 1, channel: 'c' })]).toEqual([true, true]);
  expect([event({ name: 'e', data: '' }), event({ data: '', channel: 'c' })]).toEqual([false, false]);
  const batch = compile(find('POST', '/apps/:app/batch_events').requestBody?.content['application/json']?.schema ?? {});
  expect([batch(BATCH), batch({ batch: [{ name: 'e', data: '' }] }), batch({})]).toEqual([true, false, false]);
});
