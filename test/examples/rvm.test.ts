import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { untilEqual } from '../support/until.ts';
import { type Example, reportFigures, startExample, textsOf } from './start-example.ts';

let example: Example;
let browser: Browser;
/** What a guest has seen from the beginning: of the table, and of the corner with the toasts. */
let machines: () => Promise<string[]>;
let toasts: () => Promise<string[]>;
const open = new Map<string, Page>();

beforeAll(async () => {
  [example, browser] = await Promise.all([startExample('rvm'), launchBrowser()]);
});

afterAll(() => browser.close());

async function openPage(name: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(example.url);
  await page.locator('#state[data-state="connected"]').waitFor();
  open.set(name, page);
  return page;
}

async function logIn(name: string, role: string): Promise<Page> {
  const page = await openPage(name);
  await page.locator('#name').fill(name);
  await page.locator('#role').selectOption(role);
  await page.locator('#login button').click();
  return page;
}

function watchingOn(page: Page): Promise<string[]> {
  return page
    .locator('#members .pill')
    .allTextContents()
    .then((names) => names.sort());
}

test('everybody sees the machines, without a login, and cells change in place', async () => {
  const page = await openPage('guest');
  machines = await textsOf(page, '#machines');
  toasts = await textsOf(page, '.toasts');
  await page.locator('#machines tr:nth-child(3)').waitFor();
  const row = await page.locator('#machines tr').first().getAttribute('data-machine');
  await page.evaluate('window.isSamePage = true');
  const machine = page.locator(`#machines tr[data-machine="${row}"]`);
  const kept = await machine.elementHandle();
  await untilEqual(async () => (await machines()).length >= 8, true);
  expect(await kept?.evaluate((element) => element.isConnected)).toBe(true);
  expect(await page.evaluate('window.isSamePage')).toBe(true);
  expect(await page.locator('#dashboard').isVisible()).toBe(false);
  expect(await machine.locator('td').nth(3).textContent()).toMatch(/^\d+ %$/);
  reportFigures('rvm', {
    connect: await page.locator('#connect-ms').textContent(),
    'event to screen': await page.locator('#event-ms').textContent(),
  });
});

test('a viewer is told why the figures are not for them, and still sees the machines', async () => {
  const page = await logIn('Wayan', 'viewer');
  await page.locator('#refused').waitFor();
  expect(await page.locator('#refusal').textContent()).toBe(
    'The figures are for operators, technicians and administrators. ' +
      'You are logged in as viewer: ask an administrator for another role.',
  );
  expect(await page.locator('#dashboard').isVisible()).toBe(false);
  await page.locator('#machines tr').first().waitFor();
});

test.each(['operator', 'technician', 'admin', 'super-admin'])(
  'a login as %s shows the figures, which change',
  async (role) => {
    const page = await logIn(role, role);
    await page.locator('#dashboard').waitFor();
    expect(await page.locator('#refused').isVisible()).toBe(false);
    await page.locator('#bottles', { hasText: /^[\d.,]+$/ }).waitFor();
    expect(await page.locator('#machines tr').count()).toBe(12);
    expect(await page.locator('#deposit').textContent()).toMatch(/^Rp\s[\d.]+$/);
    const online = Number(await page.locator('#online').textContent());
    expect(online + Number(await page.locator('#trouble').textContent())).toBe(12);
    const bottles = await textsOf(page, '#bottles');
    await untilEqual(async () => (await bottles()).length >= 2, true);
    if (role !== 'operator') await page.close();
  },
);

test('a machine that changes is a toast, and its cell says the same', async () => {
  // The last one in the corner is new, unless only the first ones have gone.
  const changes = async () =>
    (await toasts()).flatMap((text, index, all) => {
      const before = all[index - 1];
      const [, machine, place, word] = /(RVM-\d\d) ([^:]+): (online|full|jammed|offline)$/.exec(text) ?? [];
      const isNew = before !== undefined && !before.endsWith(text);
      return isNew && machine && place && word ? [{ machine, place, word }] : [];
    });
  await untilEqual(async () => (await changes()).length > 0, true);
  const [change = { machine: '', place: '', word: '' }] = await changes();
  const row = new RegExp(`${change.machine}${change.place}${change.word}\\d`, 'i');
  expect((await machines()).some((text) => row.test(text))).toBe(true);
});

test('who is watching is seen by all of them, and who leaves is gone', async () => {
  const operator = open.get('operator');
  if (!operator) throw new Error('nobody is logged in as an operator');
  await untilEqual(() => watchingOn(operator), ['Wayan, viewer', 'operator, operator']);
  const made = await logIn('Made', 'technician');
  await untilEqual(() => watchingOn(operator), ['Made, technician', 'Wayan, viewer', 'operator, operator']);
  await untilEqual(() => watchingOn(made), ['Made, technician', 'Wayan, viewer', 'operator, operator']);
  await made.close();
  await untilEqual(() => watchingOn(operator), ['Wayan, viewer', 'operator, operator']);
});

test('whoever logs out sees the machines, and no figures any more', async () => {
  const page = open.get('operator');
  if (!page) throw new Error('nobody is logged in as an operator');
  await page.locator('#account button').click();
  await page.locator('#login').waitFor();
  expect(await page.locator('#dashboard').isVisible()).toBe(false);
  expect(await page.locator('#watching').isVisible()).toBe(false);
  await page.locator('#state[data-state="connected"]').waitFor();
});
