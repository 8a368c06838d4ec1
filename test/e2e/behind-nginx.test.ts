import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { trigger } from '../support/api-client.ts';
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
