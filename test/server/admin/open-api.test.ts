import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { APP } from '../../support/broker.ts';
import { type AdminBroker, startAdminBroker } from './admin-broker.ts';

type Json = Readonly<Record<string, unknown>>;
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: Json;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: Content }>>;
}
interface Content {
  readonly 'application/json': { readonly schema: Json };
  readonly [type: string]: { readonly schema: Json };
}
interface Document {
  readonly openapi: string;
  readonly info: Json;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
  readonly security: unknown;
}

const TOKEN = '0123456789abcdef';
const headers = { Authorization: `Bearer ${TOKEN}` };
let broker: AdminBroker;
let document: Document;
let operations: readonly (Operation & { readonly path: string; readonly method: string })[];
beforeAll(async () => {
  broker = await startAdminBroker({ settings: { 'admin.token': TOKEN } });
  document = (await broker.api('GET', '/openapi.json', undefined, headers)).body as unknown as Document;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method })),
  );
});
afterAll(() => broker.stop());

/** As OpenAPI 3.1 has it: JSON Schema 2020-12. */
function compile(schema: Json): ValidateFunction {
  const text = JSON.stringify(schema).replaceAll('"#/components/schemas/', '"#/$defs/');
  return new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true, formats: { uri: true } }).compile({
    $defs: document.components.schemas,
    ...JSON.parse(text),
  });
}

function find(method: string, path: string): Operation {
  const operation = document.paths[path]?.[method];
  if (!operation) throw new Error(`${method} ${path} is not described`);
  return operation;
}

describe('the OpenAPI document', () => {
  test('has the form of OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)));
    expect([valid, errors]).toEqual([true, undefined]);
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: 'Kulkul admin API', version: '1.2.3' });
    expect(document.security).toEqual([{ token: [] }]);
    expect(Object.keys(document).sort()).toEqual(['components', 'info', 'openapi', 'paths', 'security']);
    for (const { operationId, path, parameters, responses, summary } of operations) {
      expect(summary.length).toBeGreaterThan(5);
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(parameters.flatMap((each) => (each.in === 'path' && each.required ? [each.name] : []))).toEqual(named);
      expect(Object.keys(responses)).toEqual([expect.stringMatching(/^20[01]$/), 'default']);
      for (const { description } of Object.values(responses)) expect(description).toBeTruthy();
      expect(operationId).toMatch(/^[a-z]\w*$/);
    }
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  });

  test('describes every route, and no other', async () => {
    const { body } = await broker.api('GET', '/', undefined, headers);
    const listed = (body.routes as string[]).map((line) => line.split(/ +/).slice(0, 2).join(' '));
    const described = operations.map(
      ({ method, path }) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
    );
    expect(described.sort()).toEqual(listed.sort());
    for (const { method, path, responses } of operations) {
      const isStream = responses[200]?.content['text/event-stream'] !== undefined;
      const { status, body: answer } = await broker.api(
        // A stream would not end.
        isStream ? 'HEAD' : method.toUpperCase(),
        path.replace(/\{\w+\}/g, 'x'),
        undefined,
        headers,
      );
      expect([method, path, status, answer.error]).not.toEqual([method, path, status, 'not-found']);
    }
    // One of them has made an app.
    await broker.api('DELETE', `/apps/${APP.id}x`, undefined, headers);
  });

  test('holds schemas that are valid', () => {
    const schemas: Json[] = operations.flatMap(({ requestBody, responses, parameters }) => [
      ...[requestBody, ...Object.values(responses)].flatMap((part) =>
        part ? Object.values(part.content).map(({ schema }) => schema) : [],
      ),
      ...parameters.map(({ schema }) => schema),
    ]);
    expect(schemas.length).toBeGreaterThan(40);
    // Many routes have the same: to compile one takes long.
    const texts = [...schemas, ...Object.values(document.components.schemas)].map((schema) => JSON.stringify(schema));
    for (const text of new Set(texts)) compile(JSON.parse(text) as Json);
  });

  test('says what is answered', async () => {
    const calls = [
      [
        'post',
        '/apps',
        {
          id: 'made',
          auth: { jwt: { keys: [{ secret: 's'.repeat(32) }] } },
          channels: [{ name: 'a', subscribe: 'token' }],
          webhooks: [{ url: 'http://127.0.0.1:1/', event_types: ['cache_miss'] }],
        },
      ],
      ['get', '/apps', undefined],
      ['get', '/apps/{id}', undefined],
      ['patch', '/apps/{id}', { name: 'n', maxConnections: null }],
      ['post', '/apps/{id}/keys', undefined],
      ['post', '/apps/{id}/disable', undefined],
      ['get', '/apps/{id}/usage', undefined],
      ['get', '/apps/{id}/webhooks', undefined],
      ['post', '/apps/{id}/webhooks/test', { channel: 'a' }],
      ['get', '/nodes', undefined],
      ['get', '/apps/{id}/channels', undefined],
      ['get', '/apps/{id}/channels/{channel}', undefined],
      ['get', '/apps/{id}/connections', undefined],
      ['get', '/console/session', undefined],
      ['post', '/apps/{id}/purge', undefined],
      ['delete', '/apps/{id}/channels/{channel}/subscriptions', undefined],
      ['get', '/apps/{id}/users/{user}', undefined],
      ['post', '/apps/{id}/users/{user}/force_reconnect', undefined],
      ['post', '/apps/{id}/users/{user}/terminate', undefined],
      ['delete', '/apps/{id}', undefined],
      ['get', '/', undefined],
      ['get', '/openapi.json', undefined],
    ] as const;
    for (const [method, path, body] of calls) {
      const { requestBody, responses } = find(method, path);
      const called = path.replace('{id}', 'made').replace(/\{\w+\}/g, 'x');
      const answer = await broker.api(method.toUpperCase(), called, body, headers);
      const described = responses[answer.status]?.content['application/json'].schema ?? {};
      const validate = compile(described);
      expect([path, answer.status, validate(answer.body), validate.errors]).toEqual([path, answer.status, true, null]);
      if (body && requestBody) {
        const accepts = compile(requestBody.content['application/json'].schema);
        expect([path, accepts(body), accepts.errors]).toEqual([path, true, null]);
        expect([path, accepts({ ...body, unknown: 1 })]).toEqual([path, false]);
      }
    }
    const refused = await broker.api('POST', '/apps', { nam: 1 }, headers);
    const validate = compile(find('post', '/apps').responses.default?.content['application/json'].schema ?? {});
    expect([validate(refused.body), validate.errors]).toEqual([true, null]);
    expect(validate({ error: 1 })).toBe(false);
  });

  test('knows no files of the server, and says what each option means', () => {
    const text = JSON.stringify(document);
    expect(text).not.toContain('publicKeyFile');
    expect(text).toContain('Open connections at once. -1: no limit, 0: none may connect.');
  });
});
