import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { atLength } from '../support/at-length.ts';
import { launchBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { untilEqual } from '../support/until.ts';
import { changeScripts, extentOf, faultsOnPhone, labelsOf, recordLabels } from './page-checks.ts';
import { type Example, reportFigures, runProgram, startExample, textsOf } from './start-example.ts';

const { default: system } = (await import(new URL('../../examples/rvm/system.mjs', import.meta.url).href)) as {
  default: { env: Record<string, string> };
};

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

async function openPage(name: string, prepare?: (page: Page) => Promise<void>): Promise<Page> {
  const page = await browser.newPage();
  await prepare?.(page);
  await recordLabels(page);
  await page.goto(example.url);
  await page.locator('#state[data-state="connected"]').waitFor();
  open.set(name, page);
  return page;
}

/** With so many bottles, never as many as the time before, a plot that chooses its own range leaves zero out. */
function plotThousands(page: Page): Promise<void> {
  return changeScripts(page, 'plot.add(sentAt, returned)', 'plot.add(sentAt, 1000 + (sentAt % 100_000) / 1000)');
}

async function logIn(name: string, role: string, prepare?: (page: Page) => Promise<void>): Promise<Page> {
  const page = await openPage(name, prepare);
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

const LET_IN = atLength(['operator'], ['operator', 'technician', 'admin', 'super-admin']);

test.each(LET_IN)('a login as %s shows the figures', async (role) => {
  const page = await logIn(role, role, plotThousands);
  await page.locator('#dashboard').waitFor();
  expect(await page.locator('#refused').isVisible()).toBe(false);
  await page.locator('#bottles', { hasText: /^[\d.,]+$/ }).waitFor();
  expect(await page.locator('#machines tr').count()).toBe(12);
  expect(await page.locator('#deposit').textContent()).toMatch(/^Rp\s[\d.]+$/);
  const online = Number(await page.locator('#online').textContent());
  expect(online + Number(await page.locator('#trouble').textContent())).toBe(12);
  if (role !== 'operator') await page.close();
});

test('figures change in place, and the bottles that were returned are drawn over all of the width, from zero', async () => {
  const operator = open.get('operator');
  if (!operator) throw new Error('nobody is logged in as an operator');
  const bottles = await textsOf(operator, '#bottles');
  await untilEqual(async () => (await bottles()).length >= 2, true);
  await untilEqual(async () => (await extentOf(operator.locator('#returned'), '--accent')).columns > 200, true);
  expect(await labelsOf(operator.locator('#returned'))).toContain('0');
  expect(await operator.locator('#returned .u-value').last().textContent()).toMatch(/^1\d\d\d/);
});

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

// Whoever opened a second window, with the name that the form has, was one and the same.
test('who is watching is seen by all of them, two of one name are two, and who leaves is gone', async () => {
  const operator = open.get('operator');
  if (!operator) throw new Error('nobody is logged in as an operator');
  const before = ['Wayan, viewer', 'operator, operator (you)'];
  await untilEqual(() => watchingOn(operator), before);
  const [one, two] = [await logIn('Ayu', 'technician'), await logIn('Ayu', 'technician')];
  await untilEqual(() => watchingOn(operator), ['Ayu, technician', 'Ayu, technician', ...before]);
  for (const page of [one, two]) {
    const seen = ['Ayu, technician', 'Ayu, technician (you)', 'Wayan, viewer', 'operator, operator'];
    await untilEqual(() => watchingOn(page), seen);
  }
  await one.close();
  await untilEqual(() => watchingOn(operator), ['Ayu, technician', ...before]);
  await two.close();
  await untilEqual(() => watchingOn(operator), before);
});

// The page stayed as it was, with a line for developers where the figures had been, and no way to log in.
test('a login that ends says so, and the page asks for it again', async () => {
  const port = await freePort();
  const pagePort = new URL(example.url).port;
  const login = runProgram('rvm/login.mjs', {
    ...system.env,
    LOGIN_PORT: String(port),
    PAGE_PORT: pagePort,
    TOKEN_SECONDS: '3',
  });
  await login.printed(/^Login at/);
  const page = await openPage('Ketut');
  await page.route('**/login', (route) => route.continue({ url: `http://127.0.0.1:${port}/login` }));
  await page.locator('#login button').click();
  await page.locator('#account').waitFor();
  await page.locator('#ended', { hasText: 'Your login has ended: log in again.' }).waitFor();
  const isVisible = (id: string) => page.locator(`#${id}`).isVisible();
  expect(await isVisible('login')).toBe(true);
  for (const id of ['account', 'dashboard', 'refused', 'watching'])
    expect([id, await isVisible(id)]).toEqual([id, false]);
  await page.unroute('**/login');
  await page.locator('#login button').click();
  await page.locator('#dashboard').waitFor();
  expect(await isVisible('ended')).toBe(false);
  await page.close();
});

// Bottles were counted from zero when the broker had answered: those that came before that were lost.
test('bottles that come while the broker takes its time are of the next figures', async () => {
  const figures: { bottles: number; returned: number }[] = [];
  let answerFirst = (): void => {};
  let steps = 0;
  const broker = createServer(async (request, response) => {
    const { name, data } = (await json(request)) as { name: string; data: string };
    const answer = (): void => void response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    if (name === 'dashboard.data.updated' && figures.push(JSON.parse(data)) === 1) {
      answerFirst = answer;
      return;
    }
    answer();
    steps += 1;
    if (steps === 3) answerFirst();
  }).listen(0, '127.0.0.1');
  await once(broker, 'listening');
  onTestFinished(() => void broker.close());
  const { port } = broker.address() as AddressInfo;
  const producer = runProgram('rvm/producer.mjs', { ...system.env, BROKER_PORT: String(port) });
  await untilEqual(() => figures.length >= 2, true);
  await producer.kill();
  const [first, second] = figures;
  expect(second?.bottles).toBeGreaterThan(first?.bottles ?? 0);
  expect(second?.returned).toBe((second?.bottles ?? 0) - (first?.bottles ?? 0));
});

atLength(undefined, test)?.('it fits a phone, and is dark for those who like it', async () => {
  const faults = await faultsOnPhone(browser, example.url, async (phone) => {
    await phone.locator('#login button').click();
    await phone.locator('#dashboard').waitFor();
    await phone.locator('#machines tr:nth-child(12)').waitFor();
    await phone.locator('#members .pill').first().waitFor();
  });
  expect(faults).toEqual([]);
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
