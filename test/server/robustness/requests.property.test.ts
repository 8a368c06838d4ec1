import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hmacHex } from '../../../auth/hmac.ts';
import { atLength } from '../../support/at-length.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { CHANNELS, SEED } from './arbitraries.ts';
import { RawSocket } from './raw-socket.ts';
import { expectNothingLeft, Witness } from './witness.ts';

let broker: TestBroker;
let witness: Witness;
beforeAll(async () => {
  broker = await startBroker({ 'httpApi.requestLimitInMb': 0.05, 'httpApi.bodyTimeoutSeconds': 1 });
  witness = await Witness.start(broker);
});
afterAll(async () => {
  await witness.leave();
  await expectNothingLeft(broker);
  broker.kill();
});

/** Whatever a request is, it can only be answered with one of these. 500 is not among them; 505 is for what is no HTTP/1.1. */
const STATUSES = [200, 202, 204, 400, 401, 403, 404, 405, 408, 413, 429, 431, 505];

/** Statuses of all answers on a connection, which must be well-formed. */
function statusesOf(answers: string): number[] {
  return [...answers.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));
}

const anyText = fc.string({ unit: 'binary', maxLength: 30 });
const urlText = fc.oneof(
  anyText.map(encodeURIComponent.bind(undefined)),
  fc.constantFrom('%', '%zz', '%e0%a4%a', '%00', '..', '.', '', '%2f', '%F0%9F', 'a b'.replace(' ', '%20'), '+'),
  fc.string({ maxLength: 20 }).map((text) => text.replace(/[^!-~]|[?#]/g, '')),
);
const segment = fc.oneof(
  fc.constantFrom('apps', APP.id, 'events', 'batch_events', 'channels', 'users', 'stats', 'terminate_connections'),
  fc.constantFrom(...CHANNELS).map(encodeURIComponent),
  urlText,
);
const path = fc.oneof(
  fc.array(segment, { maxLength: 7 }).map((segments) => `/${segments.join('/')}`),
  fc.tuple(fc.constantFrom('channels', 'users'), segment, segment).map((rest) => `/apps/${APP.id}/${rest.join('/')}`),
  fc.constantFrom(`/apps/${APP.id}/events`, `/apps/${APP.id}/batch_events`, `/apps/${APP.id}/channels`),
  fc.constantFrom('/', '/ready', '/usage', '//', '/apps//events', `/app/${APP.key}`),
);
const parameter = fc.tuple(
  fc.oneof(
    fc.constantFrom('info', 'name', 'data', 'channels[]', 'channels[0]', 'filter_by_prefix', '__proto__'),
    urlText,
  ),
  fc.oneof(fc.constantFrom('user_count', 'cache', 'presence-', 'subscription_count'), urlText),
);
const query = fc.array(parameter, { maxLength: 4 });

const value: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...CHANNELS, '', '1.2', 'user_count'),
  fc.jsonValue({ maxDepth: 2 }),
);
const event = fc.record(
  {
    name: value,
    data: value,
    channel: value,
    channels: fc.oneof(fc.array(value), value),
    socket_id: value,
    info: value,
  },
  { requiredKeys: [] },
);
const body = fc.oneof(
  event.map((fields) => JSON.stringify(fields)),
  fc.oneof(fc.array(event, { maxLength: 12 }), value).map((batch) => JSON.stringify({ batch })),
  fc.json(),
  anyText,
  fc.constant(''),
  fc
    .integer({ min: 1, max: 20_000 })
    .map((depth) => `{"name":"e","channel":"c","data":${'['.repeat(depth)}${']'.repeat(depth)}}`),
  fc.integer({ min: 1, max: 80_000 }).map((length) => `{"name":"e","channel":"c","data":"${'x'.repeat(length)}"}`),
  fc.constant('{"__proto__":{"name":"e"},"channel":"c","data":"d"}'),
);
const method = fc.constantFrom('GET', 'POST', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'BREW', 'get');

interface Signable {
  readonly method: string;
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Path and query with a signature that is right, whatever the parameters are. */
function signed({ method: verb, path: signedPath, query: pairs, body: text }: Signable): string {
  const plain = pairs.filter(([name]) => /^[a-z_]+$/.test(name) && !name.startsWith('auth_'));
  const all = new Map<string, string>([
    ...plain.map(([name, given]) => [name, decoded(given)] as const),
    ['auth_key', APP.key],
    ['auth_timestamp', String(Math.floor(Date.now() / 1000))],
    ['auth_version', '1.0'],
  ]);
  if (text !== '') all.set('body_md5', createHash('md5').update(text).digest('hex'));
  const sorted = [...all].sort(([a], [b]) => (a < b ? -1 : 1));
  const canonical = sorted.map(([name, given]) => `${name}=${given}`).join('&');
  const signature = hmacHex(APP.secret, `${verb}\n${signedPath}\n${canonical}`);
  const written = [...sorted, ['auth_signature', signature] as const];
  return `${signedPath}?${written.map(([name, given]) => `${name}=${encodeURIComponent(given)}`).join('&')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replaceAll('%', '');
  }
}

const unsigned = ({ path: plainPath, query: pairs }: Signable): string =>
  pairs.length === 0 ? plainPath : `${plainPath}?${pairs.map((pair) => pair.join('=')).join('&')}`;

const framing = fc.constantFrom('length', 'length', 'length', 'chunked', 'short', 'long', 'both', 'none', 'bad length');

/** Head and body on the wire; the length that is told may be a lie. */
function encode(verb: string, target: string, text: string, how: string): Buffer {
  const bytes = Buffer.from(text);
  const length =
    { short: Math.max(0, bytes.length - 1), long: bytes.length + 10, 'bad length': '1e3' }[how] ?? bytes.length;
  const headers = ['Host: x', 'Content-Type: application/json'];
  if (how !== 'none' && how !== 'chunked') headers.push(`Content-Length: ${length}`);
  if (how === 'chunked' || how === 'both') headers.push('Transfer-Encoding: chunked');
  const head = Buffer.from(`${verb} ${target} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
  if (how !== 'chunked') return Buffer.concat([head, bytes]);
  const size = Buffer.from(`${bytes.length.toString(16)}\r\n`);
  const last = Buffer.from(bytes.length === 0 ? '\r\n' : '\r\n0\r\n\r\n');
  return Buffer.concat([head, size, bytes, last]);
}

const request = fc.record({ method, path, query, body, isSigned: fc.boolean(), framing });

test('a request of any form is answered in one of the documented ways or cut off', async () => {
  const property = fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 3 }), async (requests) => {
    await witness.publish();
    const raw = await RawSocket.open(broker.port);
    for (const { isSigned, framing: how, ...parts } of requests) {
      raw.write(encode(parts.method, isSigned ? signed(parts) : unsigned(parts), parts.body, how));
    }
    const [answers] = await Promise.all([raw.finish(), witness.publish()]);
    for (const status of statusesOf(answers)) expect(STATUSES).toContain(status);
    await witness.missedNothing();
  });
  await fc.assert(property, { seed: SEED, numRuns: atLength(200, 600) });
});

test('a signed request with a body of any content is answered, and never with 500', async () => {
  const seen = new Set<number>();
  const target = fc.constantFrom('events', 'batch_events', 'channels/c/events', 'users/u/terminate_connections');
  const property = fc.asyncProperty(target, body, query, async (rest, text, pairs) => {
    const parts = { method: 'POST', path: `/apps/${APP.id}/${rest}`, query: pairs, body: text };
    const answer = await fetch(`${broker.url}${signed(parts)}`, { method: 'POST', body: text });
    const line = await answer.text();
    expect(STATUSES).toContain(answer.status);
    expect(answer.status).not.toBe(401);
    seen.add(answer.status);
    if (answer.status >= 400) expect(line).toMatch(/^[^\n]{15,}$/);
  });
  await fc.assert(property, { seed: SEED, numRuns: atLength(200, 600) });
  expect([...seen].sort()).toEqual([200, 202, 400, 413]);
});
