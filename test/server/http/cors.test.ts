import { afterAll, expect, test } from 'vitest';
import { call, trigger } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';

const ORIGIN = 'https://app.example';
const PATH = `/apps/${APP.id}/channels`;
const METHODS = 'GET, POST, PUT, DELETE, OPTIONS';

const open = await startBroker();
const listed = await startBroker({ 'cors.origin': [ORIGIN, 'https://other.example'] });
const withoutCredentials = await startBroker({ 'cors.origin': [ORIGIN], 'cors.credentials': false });
afterAll(() => {
  for (const broker of [open, listed, withoutCredentials]) broker.kill();
});

const none = { allowed: null, credentials: null, vary: null };

async function headersOf({ url }: TestBroker, origin: string | undefined, method = 'GET') {
  const { headers } = await fetch(`${url}${PATH}`, { method, ...(origin !== undefined && { headers: { origin } }) });
  return {
    allowed: headers.get('access-control-allow-origin'),
    credentials: headers.get('access-control-allow-credentials'),
    vary: headers.get('vary'),
  };
}

test('an open API answers any page with *, and never with credentials', async () => {
  expect(await headersOf(open, ORIGIN)).toEqual({ ...none, allowed: '*' });
  expect(await headersOf(open, undefined)).toEqual(none);
});

test('a list of origins is answered with the one that asks', async () => {
  expect(await headersOf(listed, ORIGIN)).toEqual({ allowed: ORIGIN, credentials: 'true', vary: 'Origin' });
  expect(await headersOf(listed, 'https://other.example')).toMatchObject({ allowed: 'https://other.example' });
  expect(await headersOf(listed, 'https://evil.example')).toEqual({ ...none, vary: 'Origin' });
  expect(await headersOf(withoutCredentials, ORIGIN)).toEqual({ ...none, allowed: ORIGIN, vary: 'Origin' });
});

test.for([
  ['open', open, '*'],
  ['listed', listed, ORIGIN],
] as const)('a preflight is answered without a body (%s)', async ([, { url }, allowed]) => {
  const { status, headers } = await fetch(`${url}${PATH}`, {
    method: 'OPTIONS',
    headers: { origin: ORIGIN, 'access-control-request-method': 'POST' },
  });
  expect(status).toBe(204);
  expect(headers.get('content-length')).toBeNull();
  expect(headers.get('access-control-allow-origin')).toBe(allowed);
  expect(headers.get('access-control-allow-methods')).toBe(METHODS);
  expect(headers.get('access-control-allow-headers')).toContain('Content-Type');
  expect(headers.get('access-control-max-age')).toBe('86400');
});

test('answers of every kind carry the header', async () => {
  const headers = { origin: ORIGIN };
  const body = { name: 'e', channel: 'c', data: '' };
  const answers = [
    await call(listed.url, 'GET', PATH, { headers }),
    await call(listed.url, 'GET', '/apps/none/channels', { headers }),
    await trigger(listed.url, body, { headers }),
    await trigger(listed.url, {}, { headers }),
    await trigger(listed.url, { ...body, data: 'x'.repeat(200_000) }, { headers }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 404, 200, 400, 413]);
  for (const answer of answers) expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN);
});
