import jwt from 'jsonwebtoken';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { FULL_APP } from '../support/broker.ts';
import { bundlePages, launchBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';
import { cookieScenario } from './scenarios/token-endpoints.ts';

const SECRET = 'what the issuer of tokens signs with';

let broker: BrokerProcess;
let listed: Backend;
let unlisted: Backend;
let browser: Browser;
let context: BrowserContext;
let bundle: string;
beforeAll(async () => {
  const files = await bundlePages(new URL('scenarios/page.ts', import.meta.url));
  bundle = files.get('/page.js') ?? '';
  const port = await freePort();
  [listed, unlisted] = await Promise.all([Backend.start({ port }, { files }), Backend.start({ port }, { files })]);
  broker = await startProcess({
    port,
    settings: { 'cors.origin': [listed.url] },
    apps: [
      {
        ...FULL_APP,
        auth: { jwt: { keys: [{ secret: SECRET }], cookie: 'rvm_token' } },
        channels: [{ name: 'private-admin-dashboard', subscribe: { roles: ['operator'] } }],
      },
    ],
  });
  browser = await launchBrowser();
  context = await browser.newContext();
  // Cookies know no ports: all pages of the host have it, as those of one site do.
  const token = jwt.sign({ sub: '42', roles: ['operator'] }, SECRET, { expiresIn: '1h' });
  await context.addCookies([{ name: 'rvm_token', value: token, url: broker.url }]);
});
afterAll(async () => {
  await browser.close();
  await Promise.all([listed.stop(), unlisted.stop()]);
});

const FIELDS = 'socket_id=1.2&channel_name=private-admin-dashboard';

/** What the broker answered a page that asks with the user's cookies, and what of it the page saw. */
async function ask(page: Page, mode: 'cors' | 'no-cors'): Promise<unknown> {
  const endpoint = `${broker.url}/broadcasting/auth`;
  const answered = page.waitForResponse((response) => response.request().method() === 'POST');
  const init = {
    method: 'POST',
    mode,
    credentials: 'include',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: FIELDS,
  };
  const seen = page.evaluate(
    `fetch(${JSON.stringify(endpoint)}, ${JSON.stringify(init)}).then(({ status }) => status, ({ name }) => name)`,
  );
  return { answered: (await answered).status(), seen: await seen };
}

async function pageOf(url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

test("pusher-js on a page of the broker's own origin is let in by the cookie", async () => {
  const page = await pageOf(broker.url);
  await page.addScriptTag({ content: bundle });
  const world = { key: FULL_APP.key, wsHost: '127.0.0.1', wsPort: broker.port, wssPort: broker.port, backendUrl: '' };
  const call = [cookieScenario.title, world].map((argument) => JSON.stringify(argument)).join();
  expect(await page.evaluate(`runScenario(${call})`)).toBe(cookieScenario.expected);
});

test('a page of an origin that is configured may use the cookie', async () => {
  expect(await ask(await pageOf(listed.url), 'cors')).toEqual({ answered: 200, seen: 200 });
});

test('a page of another origin may not use the cookie', async () => {
  // A browser hides the answer from such a page. That would not matter to a request that has an effect.
  expect(await ask(await pageOf(unlisted.url), 'no-cors')).toEqual({ answered: 403, seen: 0 });
});
