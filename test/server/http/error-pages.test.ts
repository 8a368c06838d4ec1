/** Cause: an error named itself only in a header that Laravel does not show. Symptom: whoever read `Pusher error: Invalid signature …` had to search for what to do. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { errorsInCode } from '../errors/catalogue.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ pathPrefix: '/ws' });
});
afterAll(() => broker.kill());

test('each error of the code has a page at its address, which says what to do', async () => {
  const { text } = await call(broker.url, 'GET', '/errors');
  const addresses = [...text.matchAll(/ (\/errors\/\S+)$/gm)].map(([, address = '']) => address);
  const ids = new Set([...errorsInCode()].map((name) => name.split(' ')[1] ?? ''));
  expect(addresses.toSorted()).toEqual([...ids].map((id) => `/errors/${id}`).toSorted());
  for (const address of addresses) {
    const page = await call(broker.url, 'GET', address);
    expect(page.status).toBe(200);
    expect(page.text).toMatch(/^[a-z0-9-]+\n\n.+, .+\n\n {2}says {3}\S.*\n {2}to do {2}\S.*\n/);
    expect(page.text).not.toMatch(/`|\*\*|\]\(/);
  }
});

test('the address stands in the message that Laravel shows, and leads to the page, below the prefix, too', async () => {
  const answer = await fetch(`${broker.url}/ws/apps/${APP.id}/events?auth_key=x`, { method: 'POST' });
  const address = /\(more: (\/errors\/[a-z-]+)\)$/.exec(await answer.text())?.[1];
  expect(address).toBe('/errors/unknown-auth-key');
  for (const prefix of ['', '/ws']) {
    const page = await fetch(`${broker.url}${prefix}${address}`);
    expect(page.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await page.text()).toMatch(
      /^unknown-auth-key\n\nHTTP API, 401\n\n {2}says {3}Unknown auth_key: .*\n {2}to do {2}Compare PUSHER_APP_KEY/,
    );
  }
});

test('an id that stands for several refusals explains each, and one that is none is not found', async () => {
  const { text } = await call(broker.url, 'GET', '/errors/app-disabled');
  expect(text.match(/^\S.*, \S+$/gm)).toEqual(['HTTP API, 403', 'Connections, 4003']);
  expect(await call(broker.url, 'GET', '/errors/nothing')).toMatchObject({
    status: 404,
    text: 'There is no error nothing: GET /errors lists them',
  });
});
