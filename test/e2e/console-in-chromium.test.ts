import axe, { type RunOptions } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyPairsOf } from '../../server/config/app-options.ts';
import { type AdminBroker, startAdminBroker } from '../server/admin/admin-broker.ts';
import { trigger } from '../support/api-client.ts';
import { FULL_APP } from '../support/broker.ts';
import { launchBrowser } from '../support/browser.ts';
import { RawClient } from '../support/raw-client.ts';
import { WebhookTarget } from '../support/webhook-target.ts';

const ALL = 'token-that-may-do-everything';
const READ = 'token-that-may-only-read-here';
const PHONE = { width: 390, height: 780 };
const DESKTOP = { width: 1280, height: 800 };
const APP = FULL_APP.id;
/** Every view, with a text that is there once it has what it shows. */
const VIEWS: readonly (readonly [address: string, text: string])[] = [
  ['overview', 'Nodes and workers'],
  [`channels?app=${APP}`, 'presence-room'],
  [`channels?app=${APP}&channel=presence-room`, 'Members'],
  [`sockets?app=${APP}`, 'Open for'],
  [`create?app=${APP}`, 'Nothing sent yet'],
  [`webhooks?app=${APP}`, 'Send a test'],
  ['apps', 'Enabled'],
  [`apps?app=${APP}`, 'Limits'],
];

let broker: AdminBroker;
let target: WebhookTarget;
let browser: Browser;
let page: Page;
/** Who is connected while views are looked at. */
let member: RawClient;
/** What the browser complained about, such as styles that the content security policy forbids. */
const complaints: string[] = [];

beforeAll(async () => {
  target = await WebhookTarget.start();
  broker = await start(0);
  browser = await launchBrowser();
  const context = await browser.newContext({
    viewport: DESKTOP,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('console', (message) => {
    // Answers with errors are part of what is tried.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  page.on('pageerror', ({ message }) => complaints.push(message));
  member = await RawClient.connect(broker.wsUrl);
  await member.subscribed('presence-room', JSON.stringify({ user_id: 'ana', user_info: { name: 'Ana' } }));
});
afterAll(async () => {
  await browser.close();
  await broker.stop();
  await target.stop();
});

/** @param adminPort - 0: any */
function start(adminPort: number): Promise<AdminBroker> {
  return startAdminBroker({
    settings: {
      'admin.port': adminPort,
      'admin.token': ALL,
      'admin.tokens': [{ name: 'support', token: READ, access: 'read' }],
    },
    apps: [{ ...FULL_APP, name: 'Shop', webhooks: [{ url: target.url, event_types: ['channel_occupied'] }] }],
  });
}

const button = (name: string) => page.getByRole('button', { name, exact: true });
const shows = (text: string) => page.getByText(text, { exact: false }).first().waitFor();
const open = (address: string) => page.goto(`${broker.adminUrl}/console#/${address}`);

async function signIn(token: string): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await button('Sign in').click();
  await page.getByRole('navigation').waitFor();
}

/**
 * What axe finds, in words.
 *
 * @param rule - the only one that is looked at
 */
async function violations(rule?: string): Promise<readonly string[]> {
  if (await page.evaluate('!window.axe')) await page.evaluate(axe.source);
  const options: RunOptions = rule === undefined ? {} : { runOnly: [rule] };
  const { violations: found } = await page.evaluate(
    (given) => (globalThis as unknown as { axe: typeof axe }).axe.run(given),
    { ...options, resultTypes: ['violations' as const] },
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

describe('the console', () => {
  test('takes a token for a session, and says when it does not know one', async () => {
    await open('overview');
    await page.getByLabel('Token').waitFor();
    expect(await violations()).toEqual([]);
    await page.getByLabel('Token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    expect(await page.getByLabel('Token').getAttribute('aria-invalid')).toBe('true');
    await signIn(ALL);
    const cookies = await page.context().cookies();
    expect(cookies).toMatchObject([{ name: 'kulkul_console', httpOnly: true, sameSite: 'Strict' }]);
  });

  test('fits a phone, and axe finds nothing, in any view and in both colors', async () => {
    for (const [address, text] of VIEWS) {
      await open(address);
      await shows(text);
      expect([address, ...(await violations())]).toEqual([address]);
      await page.emulateMedia({ colorScheme: 'dark' });
      expect([address, ...(await violations('color-contrast'))]).toEqual([address]);
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize(PHONE);
      const wide = await page.locator('html').evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
      expect([address, wide]).toEqual([address, 0]);
      await page.setViewportSize(DESKTOP);
    }
  });

  test('has a menu on a phone, which Escape closes', async () => {
    await page.setViewportSize(PHONE);
    await button('Menu').click();
    await page.getByRole('navigation').getByRole('link', { name: 'Sockets' }).waitFor();
    expect(await violations()).toEqual([]);
    await page.keyboard.press('Escape');
    await expect.poll(() => button('Menu').getAttribute('aria-expanded')).toBe('false');
    await page.setViewportSize(DESKTOP);
  });

  test('is used by keyboard: to the content, into a question and out of it', async () => {
    await open(`sockets?app=${APP}&socket=${member.socketId}`);
    await page.reload();
    await shows('presence-room');
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toBe('Skip to content');
    await page.keyboard.press('Enter');
    expect(await page.locator(':focus').getAttribute('id')).toBe('main');
    await button('Disconnect').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    expect(await violations()).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await page.locator(':focus').textContent()).toBe('Disconnect');
  });
});

describe('the live log', () => {
  test('shows what happens, and only what meets the filter', async () => {
    await open('log');
    await shows('Nothing has happened yet');
    const client = await visitor('private-orders');
    const { socketId } = client;
    const rows = page.locator('.log-space [role=row]');
    await rows.filter({ hasText: 'private-orders' }).first().waitFor();
    // Visitors of the tests before may still be going.
    const connected = rows.filter({ hasText: /(?<!dis)connected/ });
    await connected.waitFor();
    await button('Subscriptions').click();
    await connected.waitFor({ state: 'detached' });
    expect(await rows.filter({ hasText: 'private-orders' }).count()).toBe(1);
    expect(await violations()).toEqual([]);
    // Arrow keys go to a row, Enter shows it.
    await page.getByRole('grid').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const details = page.getByRole('complementary');
    await details.getByText(socketId).waitFor();
    await details.getByRole('button', { name: 'Copy as curl' }).click();
    await expect
      .poll(() => page.evaluate('navigator.clipboard.readText()'))
      .toBe(`curl -s -H @admin.header '${broker.adminUrl}/apps/${APP}/connections/${socketId}'`);
    expect(await violations()).toEqual([]);
    await client.close();
  });

  test('holds still while it is paused, and says how much is new', async () => {
    await open('log?show=events');
    await page.reload();
    await shows('Nothing that meets the filter yet');
    await publish('first');
    const rows = page.locator('.log-space [role=row]');
    await rows.filter({ hasText: 'first' }).waitFor();
    await button('Pause').click();
    await publish('second');
    await button('1 new').waitFor();
    expect(await rows.filter({ hasText: 'second' }).count()).toBe(0);
    await button('Resume').click();
    await rows.filter({ hasText: 'second' }).waitFor();
  });
});

describe('channels and sockets', () => {
  test('a channel is found by the beginning of its name, with its kind, members and last event', async () => {
    const client = await visitor('cache-prices');
    await publish('price', 'cache-prices', '{"eur":12.50}');
    await open(`channels?app=${APP}`);
    await page.getByRole('searchbox').fill('cache-');
    await page.getByRole('link', { name: 'presence-room' }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'cache-prices' }).click();
    await shows('"eur"');
    await open(`channels?app=${APP}&channel=presence-room`);
    await page.getByRole('link', { name: 'ana' }).waitFor();
    await client.close();
  });

  test('a socket is taken out of a channel, and disconnected, after a question', async () => {
    const client = await visitor('orders');
    await open(`sockets?app=${APP}`);
    await page.getByRole('link', { name: client.socketId }).click();
    await page.getByRole('row', { name: 'orders' }).getByRole('button', { name: 'Unsubscribe' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Unsubscribe' }).click();
    await shows('It is in no channel');
    await button('Disconnect').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
    await client.closed();
    await page.getByRole('alert').first().waitFor();
  });

  test('a user is removed from a presence channel', async () => {
    const client = await RawClient.connect(broker.wsUrl);
    await client.subscribed('presence-other', JSON.stringify({ user_id: 'bob' }));
    await open(`channels?app=${APP}&channel=presence-other`);
    await page.getByRole('row', { name: 'bob' }).getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    const { event } = await client.next();
    expect(event).toBe('pusher:subscription_error');
    await client.close();
  });
});

test('an event that is created reaches whoever is subscribed, and the answer says how many', async () => {
  const client = await visitor('news');
  await open(`create?app=${APP}`);
  await page.getByLabel('Channels', { exact: true }).fill('news');
  await page.getByLabel('Event', { exact: true }).fill('article');
  await page.getByRole('textbox', { name: 'Data' }).fill('{"title": }');
  await shows('This is no JSON');
  expect(await violations()).toEqual([]);
  await page.getByRole('textbox', { name: 'Data' }).fill('{"title":"Hello"}');
  await button('Send').click();
  // The count of subscribers comes before it.
  await client.next('pusher_internal:subscription_count');
  expect(await client.next('article')).toMatchObject({ channel: 'news', data: '{"title":"Hello"}' });
  await page.getByRole('row', { name: 'article' }).getByText('1 connection').waitFor();
  await client.close();
});

test('a webhook is tested, and its request is shown with the answer', async () => {
  await open(`webhooks?app=${APP}`);
  await button('Send a test').click();
  await page.getByRole('dialog').getByText('Accepted, with status 200').waitFor();
  expect(target.received.some(({ headers }) => headers['x-kulkul-test'] === '1')).toBe(true);
  expect(await violations()).toEqual([]);
  await page.keyboard.press('Escape');
});

test('an app is created, changed and deleted, and its secret is shown once', async () => {
  await open('apps');
  await button('New app').click();
  await page.getByLabel('Id', { exact: true }).fill('not an id');
  await button('Create').click();
  await page.getByRole('alert').first().waitFor();
  await page.getByLabel('Id', { exact: true }).fill('new-shop');
  await button('Create').click();
  await shows('Copy the secret now');
  const made = (await broker.listed.find('new-shop'))?.app;
  const [pair] = made ? keyPairsOf(made) : [];
  await page.getByRole('region', { name: 'Laravel .env' }).getByText(`PUSHER_APP_SECRET=${pair?.secret}`).waitFor();
  expect(await violations()).toEqual([]);
  await button('Done').click();
  await page.getByLabel('Connections, at once').fill('7');
  await page.getByLabel('Client events', { exact: false }).first().check();
  await button('Save').click();
  await shows('Saved');
  expect((await broker.listed.find('new-shop'))?.app).toMatchObject({ maxConnections: 7, enableClientMessages: true });
  await button('Delete').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('link', { name: 'new-shop' }).waitFor({ state: 'detached' });
  expect(await broker.listed.find('new-shop')).toBeUndefined();
});

test('who may only read sees no button that would be refused', async () => {
  await button('Sign out').click();
  await signIn(READ);
  await shows('Read only');
  for (const [address, text] of VIEWS.filter(([view]) => !view.startsWith('create') && !view.startsWith('webhooks'))) {
    await open(address);
    await shows(text);
    const names = await page.getByRole('button').allTextContents();
    expect([address, names.filter((name) => CHANGES.test(name))]).toEqual([address, []]);
  }
  expect(await page.getByRole('link', { name: 'Send an event' }).count()).toBe(0);
  await open(`create?app=${APP}`);
  await shows('Your token may only read');
});

test('a broker that goes away is waited for, and asks again who one is when it is back', async () => {
  const port = Number(new URL(broker.adminUrl).port);
  await broker.stop();
  await shows('The broker does not answer');
  expect(await violations()).toEqual([]);
  broker = await start(port);
  await button('Try now').click();
  await shows('Your session has ended');
});

test('nothing that the content security policy forbids was tried, and nothing failed', () => {
  expect(complaints).toEqual([]);
});

/** What buttons that change something say. */
const CHANGES = /disconnect|unsubscribe|revoke|remove|send|delete|disable|save|add|new|reconnect|end all/i;

async function visitor(channel: string): Promise<RawClient> {
  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed(channel);
  return client;
}

async function publish(name: string, channel = 'orders', data = '{}'): Promise<void> {
  const { status } = await trigger(broker.url, { name, channels: [channel], data });
  expect(status).toBe(200);
}
