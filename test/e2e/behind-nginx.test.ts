import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findTarget } from '../../server/client/target.ts';
import { examine } from '../../server/doctor/doctor.ts';
import { trigger } from '../support/api-client.ts';
import { APP, startBroker } from '../support/broker.ts';
import { DOCUMENTED } from '../support/documented-proxies.ts';
import { Front } from '../support/front.ts';
import { startProcess } from '../support/process.ts';
import { untilEqual } from '../support/until.ts';

beforeAll(() => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
});
afterAll(() => {
  vi.unstubAllEnvs();
});

// With the native part that Kulkul had before, nothing behind it was ever answered, as it sets headers with _ in their names.
test("nginx with the block that Laravel's documentation gives for Reverb serves a client over wss and a backend over https", async () => {
  const broker = await startProcess();
  const front = await Front.start(DOCUMENTED["nginx by Laravel's block for Reverb"], [broker.port]);
  const visitor = await front.arrive('8.6', 'ann');
  const answer = await trigger(front.url, { name: 'e', channel: 'news', data: 'through nginx' });
  expect(answer).toMatchObject({ status: 200, text: '{}' });
  await untilEqual(() => visitor.received, ['through nginx']);
  expect([visitor.members, visitor.states, visitor.errors]).toEqual([['ann'], ['connected'], []]);
  visitor.leave();
});

test.each<[string, (config: string) => string, readonly string[]]>([
  ['it speaks HTTP/1.0', (config) => config.replace(/proxy_http_version 1.1;/g, ''), ['http-1.0']],
  ['it passes on WebSockets alone', (config) => config.replace('^/(apps?|users)/', '^/app/'), ['apps-not-forwarded']],
  [
    'it passes on backends alone',
    (config) => config.replace('^/(apps?|users)/', '^/apps/'),
    ['websocket-not-forwarded'],
  ],
  [
    'it looks for the broker elsewhere',
    (config) => config.replace(/127\.0\.0\.1:\d+;\n/, '127.0.0.1:1;\n'),
    ['broker-down'],
  ],
])('doctor finds what is wrong with a real nginx: %s', async (_, change, ids) => {
  const broker = await startBroker();
  const front = await Front.start(DOCUMENTED['nginx with a host name of its own'], [broker.port], { change });
  const flags = { url: front.url, app: APP.id, key: APP.key, secret: APP.secret };
  const target = findTarget(flags, {}, '/', () => expect.unreachable());
  const parts = { target, config: undefined, openFiles: undefined, timeoutMs: 5000, now: Date.now };
  const { findings, proxy } = await examine(parts, () => {});
  const found = findings.filter(({ level }) => level === 'failure').map(({ id }) => id);
  expect(found).toEqual(['certificate-chain-incomplete', ...ids]);
  expect(proxy ?? 'nginx').toMatch(/^nginx/);
  broker.kill();
});
