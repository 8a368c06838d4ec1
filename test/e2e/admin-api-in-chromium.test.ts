import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AdminBroker, startAdminBroker } from '../server/admin/admin-broker.ts';
import { launchBrowser } from '../support/browser.ts';

let broker: AdminBroker;
let pages: Server;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  broker = await startAdminBroker();
  pages = createServer((_request, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html>'));
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  browser = await launchBrowser();
  page = await browser.newPage();
});
afterAll(async () => {
  await browser.close();
  pages.closeAllConnections();
  pages.close();
  await broker.stop();
});

const ids = async (): Promise<unknown[]> =>
  ((await broker.api('GET', '/apps')).body.apps as { id: string }[]).map(({ id }) => id);

test('a page of another port, which needs no permission for such requests, changes nothing and reads nothing', async () => {
  const before = await ids();
  const seen: number[] = [];
  page.on('response', (response) => {
    if (response.url().startsWith(broker.adminUrl)) seen.push(response.status());
  });
  await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
  const outcome = await page.evaluate(async (url) => {
    // Those that a browser sends without asking first: without a body, with one that passes for a form, and by a form.
    const simple = await Promise.allSettled([
      fetch(`${url}/apps`, { method: 'POST', mode: 'no-cors' }),
      fetch(`${url}/apps/12345/disable`, { method: 'POST', mode: 'no-cors' }),
      fetch(`${url}/apps`, { method: 'POST', mode: 'no-cors', body: '{"id":"evil"}' }),
    ]);
    const readable = await fetch(`${url}/apps`).then(
      (answer) => answer.text(),
      () => 'not readable',
    );
    const deleted = await fetch(`${url}/apps/12345`, { method: 'DELETE' }).then(
      () => 'sent',
      () => 'not sent',
    );
    return { simple: simple.map(({ status }) => status), readable, deleted };
  }, broker.adminUrl);
  expect(outcome).toEqual({
    simple: ['fulfilled', 'fulfilled', 'fulfilled'],
    readable: 'not readable',
    deleted: 'not sent',
  });
  await page.setContent(
    `<form method="POST" action="${broker.adminUrl}/apps/12345/disable"><button>go</button></form>`,
  );
  await page.click('button');
  await page.waitForURL(`${broker.adminUrl}/**`);
  expect(new Set(seen)).toEqual(new Set([403]));
  expect(await ids()).toEqual(before);
  expect((await broker.api('GET', '/apps/12345')).body.enabled).toBe(true);
});

test('a person may look at it by typing its address', async () => {
  const own = await browser.newPage();
  const answer = await own.goto(`${broker.adminUrl}/apps`);
  expect(answer?.status()).toBe(200);
});
