import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({}, [
    { id: '1', key: 'known', secret: 's', feeds: [{ path: '/feed', channel: 'private-a' }] },
  ]);
});
afterAll(() => broker.kill());

/** As long as a request can be. */
const HEADERS = {
  'User-Agent': `\u009b31m${'u'.repeat(6000)}`,
  Origin: `https://${'o'.repeat(5000)}`,
  'X-Forwarded-For': '1.2.3.4, '.repeat(500),
};

// Cause: each refusal was logged with all that the client had sent. Symptom: clients that were refused wrote 190 MB of log in 5 seconds.
test.for([
  ['to an unknown app', (url: string) => `${url}/app/unknown-${'k'.repeat(1000)}`],
  ['to no path', (url: string) => `${url}/${'p'.repeat(1000)}`],
  ['to a feed that takes a token', (url: string) => `${url}/feed`],
] as const)('300 refused connections %s write a few short lines', async ([, urlOf]) => {
  const before = broker.log.length;
  const url = urlOf(broker.wsUrl);
  await Promise.all(Array.from({ length: 300 }, () => new RawClient(url, { headers: HEADERS }).closed()));
  const lines = broker.log.slice(before);
  expect(lines[0]).toMatchObject({ msg: 'connection refused' });
  expect(lines.length).toBeLessThan(30);
  for (const line of lines) expect(JSON.stringify(line).length).toBeLessThan(2000);
});
