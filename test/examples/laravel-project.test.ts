import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';
import type { ProxyProcess } from '../support/proxy-process.ts';
import { untilEqual } from '../support/until.ts';
import { environment } from './laravel/project.ts';
import { serveProject } from './laravel/served-project.ts';
import { reportFigures } from './start-example.ts';

const env = environment();
const apps = [{ id: env.REVERB_APP_ID, key: env.REVERB_APP_KEY, secret: env.REVERB_APP_SECRET }];
let brokerPort: number;
let broker: BrokerProcess;
let laravel: ProxyProcess;
let browser: Browser;
let operator: Page;
let viewer: Page;
const consoleLines: string[] = [];

beforeAll(async () => {
  brokerPort = await freePort();
  [broker, laravel, browser] = await Promise.all([
    startProcess({ apps, port: brokerPort }),
    serveProject(brokerPort),
    launchBrowser(),
  ]);
});

afterAll(() => browser.close());

function url(path: string): string {
  return `http://127.0.0.1:${laravel.port}${path}`;
}

/** In a browser of their own, logged in to the project. */
async function openAs(role: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  page.on('console', (message) => consoleLines.push(message.text()));
  await page.goto(url(`/test/login/${role}`));
  expect(new URL(page.url()).pathname).toBe('/admin/rvm-dashboard');
  await page.locator('#state', { hasText: 'connected' }).waitFor();
  return page;
}

const row = (page: Page, id: string) => page.locator(`#${id}`);
const button = (page: Page, id: string, name: string) => row(page, id).getByRole('button', { name });
const status = (page: Page, id: string, text: string) => row(page, id).locator('td:nth-child(3)', { hasText: text });

test('the page of the controller has the whole table, and the figures for an operator', async () => {
  operator = await openAs('operator');
  await untilEqual(() => operator.locator('#machines tr').count(), 12);
  await row(operator, 'RVM-03').getByText('40 %').waitFor();
  expect(consoleLines).toContain('Real-time listeners setup successfully');
  expect((await fetch(url('/test/publish-figures'))).status).toBe(200);
  await operator.locator('#figures', { hasText: '7 bottles, Rp 1.400 deposit' }).waitFor();
});

test('a viewer is refused the figures by routes/channels.php, and sees the machines', async () => {
  viewer = await openAs('viewer');
  await untilEqual(() => viewer.locator('#machines tr').count(), 12);
  await viewer.locator('#figures', { hasText: 'Your role does not see the figures.' }).waitFor();
});

test('a status that an operator sets is shown in the other window, and not sent back to the own one', async () => {
  await operator.evaluate(`Echo.connector.pusher.bind_global((event) => (window.events ??= []).push(event))`);
  await operator.evaluate(`document.addEventListener('click', () => { window.pressedAt = Date.now(); }, true)`);
  const shown = viewer.evaluate<number>(`new Promise((resolve) => {
    const row = document.getElementById('RVM-05');
    new MutationObserver(() => row.children[2].textContent === 'jammed' && resolve(Date.now()))
      .observe(row, { childList: true, characterData: true, subtree: true });
  })`);
  await button(operator, 'RVM-05', 'jammed').click();
  await status(operator, 'RVM-05', 'jammed').waitFor();
  const pressedAt = await operator.evaluate<number>('window.pressedAt');
  reportFigures('laravel', { 'button to the other window': (await shown) - pressedAt });
  // What was to come of the change has come before this.
  await fetch(url('/test/publish-figures'));
  const events = () => operator.evaluate<string[]>('window.events');
  await untilEqual(async () => (await events()).includes('dashboard.data.updated'), true);
  expect(await events()).not.toContain('rvm.status.updated');
});

test('a viewer who presses a button is refused in words', async () => {
  await button(viewer, 'RVM-06', 'full').click();
  const words = "Only operators, technicians and administrators set a machine's status: you are logged in as viewer.";
  await viewer.locator('#notice', { hasText: words }).waitFor();
  const { machines } = (await (await fetch(url('/api/rvm/snapshot'))).json()) as { machines: { status: string }[] };
  expect(machines[5]?.status).toBe('online');
});

test('the Bearer token opens channels, and the X-CSRF-TOKEN the routes of the application', async () => {
  const statusOf = (path: string, headers: string) =>
    operator.evaluate<number>(`fetch('${path}', {
      method: 'POST',
      headers: { Accept: 'application/json', ...(${headers}) },
      body: new URLSearchParams({ socket_id: '1.2', channel_name: 'private-admin-dashboard', status: 'online' }),
    }).then(({ status }) => status)`);
  const both = 'Echo.options.auth.headers';
  expect(await statusOf('/broadcasting/auth', both)).toBe(200);
  expect(await statusOf('/broadcasting/auth', `{ 'X-CSRF-TOKEN': ${both}['X-CSRF-TOKEN'] }`)).toBe(401);
  expect(await statusOf('/api/rvm/machines/RVM-01/status', both)).toBe(200);
  expect(await statusOf('/api/rvm/machines/RVM-01/status', `{ Authorization: ${both}.Authorization }`)).toBe(419);
});

test('after an outage of the broker the table is whole again: what it had kept is asked of the application', async () => {
  await broker.kill();
  await button(operator, 'RVM-07', 'offline').click();
  await viewer.locator('#notice', { hasText: 'No WebSocket: asking every 3 seconds.' }).waitFor();
  await row(viewer, 'RVM-07')
    .locator('td', { hasText: /^offline$/ })
    .waitFor();
  broker = await startProcess({ apps, port: brokerPort });
  await viewer.locator('#state', { hasText: 'connected' }).waitFor();
  await untilEqual(() => viewer.locator('#notice').textContent(), '');
  await button(operator, 'RVM-07', 'online').click();
  await row(viewer, 'RVM-07')
    .locator('td', { hasText: /^online$/ })
    .waitFor();
});
