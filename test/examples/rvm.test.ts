import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Browser, Page } from 'playwright-core';
import Sdk from 'pusher';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { atLength } from '../support/at-length.ts';
import { launchBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { untilEqual } from '../support/until.ts';
import { changeScripts, extentOf, faultsOnPhone, labelsOf, recordLabels } from './page-checks.ts';
import { type Example, reportFigures, runProgram, startExample, textsOf } from './start-example.ts';

interface System {
  readonly port: number;
  readonly pagePort: number;
  readonly pagePath: string;
  env(ports: Readonly<Record<string, string>>): Record<string, string>;
}

const { default: system } = (await import(new URL('../../examples/rvm/system.mjs', import.meta.url).href)) as {
  default: System;
};

let example: Example;
let browser: Browser;
/** What a guest has seen from the beginning: of the table, and of the corner with the toasts. */
let machines: () => Promise<string[]>;
let toasts: () => Promise<string[]>;
const open = new Map<string, Page>();

beforeAll(async () => {
  // Logins that outlive the tests, however slow the machine is.
  [example, browser] = await Promise.all([startExample('rvm', { TOKEN_SECONDS: '3600' }), launchBrowser()]);
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

/**
 * With so many bottles, never as many as the time before, a plot that chooses its own range leaves zero out. The times of all points are in
 * `window.drawn`.
 */
function plotThousands(page: Page): Promise<void> {
  const add = 'plot.add(sentAt, 1000 + (sentAt % 100_000) / 1000)';
  return changeScripts(page, 'plot.add(sentAt, returned)', `(window.drawn ??= []).push(sentAt), ${add}`);
}

/** A page that was opened by an earlier test. */
function opened(name: string): Page {
  const page = open.get(name);
  if (!page) throw new Error(`nobody has opened a page as ${name}`);
  return page;
}

async function logIn(name: string, role: string, prepare?: (page: Page) => Promise<void>): Promise<Page> {
  const page = await openPage(name, prepare);
  await page.locator('#name').fill(name);
  await page.locator('#role').selectOption(role);
  await page.locator('#login button').click();
  return page;
}

/** What the system's own programs publish with. */
function sdkOf({ brokerPort }: Example): Sdk {
  const { REVERB_APP_ID: appId = '', REVERB_APP_KEY: key = '', REVERB_APP_SECRET: secret = '' } = system.env({});
  return new Sdk({ appId, key, secret, host: '127.0.0.1', port: String(brokerPort), useTLS: false });
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
  const operator = opened('operator');
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
  const operator = opened('operator');
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
test.each(['operator', 'viewer'])('a login as %s that ends says so, and the page asks for it again', async (role) => {
  // With a broker of its own, which there is not: only its logins are wanted, which are of the same secret.
  const [login, away] = [String(await freePort()), String(await freePort())];
  const ports = { BROKER_HOST: '127.0.0.1', BROKER_PORT: away, APPLICATION_PORT: login };
  const application = runProgram('rvm/application.mjs', { ...system.env(ports), ...ports, TOKEN_SECONDS: '3' });
  await application.printed(/^Application/);
  const page = await openPage('Ketut');
  await page.route('**/api/login', (route) => route.continue({ url: `http://127.0.0.1:${login}/api/login` }));
  await page.locator('#role').selectOption(role);
  await page.locator('#login button').click();
  await page.locator('#ended', { hasText: 'Your login has ended: log in again.' }).waitFor();
  const isVisible = (id: string) => page.locator(`#${id}`).isVisible();
  expect(await isVisible('login')).toBe(true);
  for (const id of ['account', 'dashboard', 'refused', 'watching'])
    expect([id, await isVisible(id)]).toEqual([id, false]);
  await page.unroute('**/api/login');
  await page.locator('#login button').click();
  await page.locator(role === 'operator' ? '#dashboard' : '#refused').waitFor();
  expect(await isVisible('ended')).toBe(false);
  await page.close();
  await application.kill();
});

// Bottles were counted from zero when the broker had answered: those that came before that were lost.
test('bottles that come while the broker takes its time are of the next figures', async () => {
  const figures: { bottles: number; returned: number }[] = [];
  let answerFirst = (): void => {};
  let steps = 0;
  const broker = createServer(async (request, response) => {
    const { batch } = (await json(request)) as { batch: { name: string; data: string }[] };
    const [{ name = '', data = '' } = {}] = batch;
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
  const ports = { BROKER_HOST: '127.0.0.1', BROKER_PORT: String(port), APPLICATION_PORT: String(await freePort()) };
  const application = runProgram('rvm/application.mjs', { ...system.env(ports), ...ports });
  await untilEqual(() => figures.length >= 2, true);
  await application.kill();
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

describe('what its users type and read', () => {
  test('broker, page and Echo are where they expect them', async () => {
    expect([system.port, system.pagePort, system.pagePath]).toEqual([8080, 8000, '/admin/rvm-dashboard']);
    const page = await logIn('Putu', 'admin');
    expect(new URL(page.url()).pathname).toBe('/admin/rvm-dashboard');
    const options = 'Echo.options';
    expect(await page.evaluate(`${options}.broadcaster`)).toBe('reverb');
    expect(await page.evaluate(`[${options}.key, ${options}.wsHost, ${options}.wsPort]`)).toEqual([
      'rvm-key',
      'localhost',
      example.brokerPort,
    ]);
    await page.goto(new URL('/', example.url).href);
    await page.waitForURL('**/admin/rvm-dashboard');
    await page.close();
  });

  test('key, host and port come from REVERB_ variables, which the broker takes, too', async () => {
    const port = String(await freePort());
    const reverb = { REVERB_APP_KEY: 'another-key', REVERB_HOST: '127.0.0.1', REVERB_PORT: port };
    const others = { RVM_PAGE_PORT: '0', RVM_APPLICATION_PORT: '0' };
    const none = { port: undefined, pagePort: undefined };
    const { url, brokerPort } = await startExample('rvm', { ...reverb, ...others }, none);
    expect(brokerPort).toBe(Number(port));
    const page = await browser.newPage();
    await page.goto(url);
    await page.locator('#state[data-state="connected"]').waitFor();
    const options = await page.evaluate('[Echo.options.key, Echo.options.wsHost, Echo.options.wsPort]');
    expect(options).toEqual(['another-key', '127.0.0.1', brokerPort]);
    await page.locator('#machines tr:nth-child(12)').waitFor();
    await page.close();
  });

  test('a request for a channel brings the Bearer token and the X-CSRF-TOKEN of the page', async () => {
    const headers: Record<string, string>[] = [];
    const page = await logIn('Made', 'technician', async (opened) => {
      opened.on('request', (request) => {
        if (request.url().endsWith('/broadcasting/auth')) headers.push(request.headers());
      });
    });
    await page.locator('#dashboard').waitFor();
    const csrf = await page.locator('meta[name="csrf-token"]').getAttribute('content');
    expect(csrf).toMatch(/^[\da-f-]{36}$/);
    expect(headers.length).toBeGreaterThanOrEqual(3);
    for (const { authorization, 'x-csrf-token': token } of headers) {
      expect(authorization).toMatch(/^Bearer \w+\.\w+\./);
      expect(token).toBe(csrf);
    }
    const form = new URLSearchParams({ socket_id: '1.2', channel_name: 'private-admin-dashboard' });
    const url = new URL('/broadcasting/auth', example.url);
    const { authorization = '' } = headers[0] ?? {};
    const answer = await fetch(url, {
      method: 'POST',
      body: form,
      headers: { authorization, 'x-csrf-token': 'other' },
    });
    expect([answer.status, await answer.json()]).toEqual([
      419,
      { message: 'This page is of an earlier start: load it again.' },
    ]);
    await page.close();
  });

  test('the console says that the listeners are set up, and a handler that throws does not stop the next event', async () => {
    const lines: string[] = [];
    const page = await openPage('developer', async (opened) => {
      opened.on('console', (message) => lines.push(`${message.type()} ${message.text()}`));
      opened.on('pageerror', (error) => lines.push(`uncaught ${error}`));
    });
    await page.locator('#machines tr:nth-child(12)').waitFor();
    expect(lines).toContain('log Real-time listeners setup successfully');
    const sdk = sdkOf(example);
    const strange = { id: 'RVM-99', place: 'Mars', fill: 0, bottles: 0, changedAt: Date.now() };
    await sdk.trigger('rvm-status', 'rvm.status.updated', { ...strange, status: 'melted' });
    await sdk.trigger('rvm-status', 'rvm.status.updated', { ...strange, status: 'online' });
    await page.locator('#machines tr[data-machine="RVM-99"]', { hasText: 'Online' }).waitFor();
    const errors = lines.filter((line) => !/^(log|debug)/.test(line));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^error The handler of rvm\.status\.updated failed: TypeError/);
    await page.close();
  });
});

// A page that had just been opened showed one machine after the other, for eight seconds.
test('a page that opens has the whole table and the chart without any of the events that follow', async () => {
  const kept: string[] = [];
  const page = await logIn('Komang', 'operator', (opening) =>
    opening.routeWebSocket(/\/app\//, (socket) => {
      const broker = socket.connectToServer();
      broker.onMessage((frame) => {
        const { event } = JSON.parse(String(frame)) as { event: string };
        kept.push(event);
        if (!event.endsWith('.updated')) socket.send(frame);
      });
    }),
  );
  await page.locator('#dashboard').waitFor();
  await untilEqual(() => page.locator('#machines tr').count(), 12);
  await page.locator('#bottles', { hasText: /^[\d.,]+$/ }).waitFor();
  await untilEqual(async () => (await extentOf(page.locator('#returned'), '--accent')).columns > 200, true);
  // The page leaves the channel of the snapshots: from there on rows tell the same in fewer bytes.
  const sinceSnapshot = () => kept.slice(kept.lastIndexOf('dashboard.snapshot'));
  await untilEqual(() => sinceSnapshot().filter((event) => event === 'dashboard.data.updated').length >= 2, true);
  await page.close();
});

/** Presses a button that changes a machine. */
async function setTo(page: Page, machine: string, status: string): Promise<void> {
  await page.locator(`tr[data-machine="${machine}"] [data-set="${status}"]`).click();
}

/** What the machine is not: a status of its own would change nothing. */
async function anotherStatus(page: Page, machine: string): Promise<string> {
  const current = await page.locator(`tr[data-machine="${machine}"]`).getAttribute('data-status');
  return current === 'jammed' ? 'full' : 'jammed';
}

test("an operator sets a machine's status, and every other window shows it", async () => {
  const operator = opened('operator');
  const others = [opened('guest'), opened('Wayan')];
  const status = await anotherStatus(operator, 'RVM-05');
  const shown = others.map((page) =>
    page.evaluate<number>(`new Promise((resolve) => {
      const row = document.querySelector('tr[data-machine="RVM-05"]');
      new MutationObserver(() => row.dataset.status === '${status}' && resolve(Date.now()))
        .observe(row, { attributes: true });
    })`),
  );
  await operator.evaluate(`document.addEventListener('keydown', () => { window.pressedAt = Date.now(); }, true)`);
  // With the keyboard.
  await operator.locator(`tr[data-machine="RVM-05"] [data-set="${status}"]`).press('Enter');
  const times = await Promise.all(shown);
  const pressedAt = await operator.evaluate<number>('window.pressedAt');
  reportFigures('rvm', Object.fromEntries(times.map((at, index) => [`button to window ${index + 1}`, at - pressedAt])));
  const row = operator.locator(`tr[data-machine="RVM-05"][data-status="${status}"]`);
  await row.waitFor();
  expect(await row.locator('[aria-pressed="true"]').getAttribute('data-set')).toBe(status);
});

test('who may not set a status is told so in words, and nothing changes', async () => {
  const refusals = [
    ['Wayan', "Only operators, technicians and administrators set a machine's status: you are logged in as viewer."],
    ['guest', "Log in to set a machine's status."],
  ] as const;
  for (const [name, words] of refusals) {
    const page = opened(name);
    const corner = await textsOf(page, '.toasts');
    const answer = page.waitForResponse('**/api/rvm/machines/RVM-07/status');
    await setTo(page, 'RVM-07', 'jammed');
    expect((await answer).status()).toBe(name === 'guest' ? 401 : 403);
    await untilEqual(async () => (await corner()).some((text) => text.includes(words)), true);
  }
});

test('what the application does not know is refused in words', async () => {
  const login = await fetch(new URL('/api/login', example.url), {
    method: 'POST',
    body: JSON.stringify({ name: 'Script', role: 'admin' }),
  });
  const { token } = (await login.json()) as { token: string };
  const ask = async (id: string, body: string, authorization = `Bearer ${token}`) => {
    const url = new URL(`/api/rvm/machines/${id}/status`, example.url);
    const answer = await fetch(url, { method: 'POST', headers: { authorization }, body });
    return [answer.status, ((await answer.json()) as { message?: string }).message];
  };
  expect(await ask('RVM-01', '{"status":"melted"}')).toEqual([
    422,
    'A status is one of online, full, jammed, offline.',
  ]);
  expect(await ask('RVM-01', 'null')).toEqual([422, 'A status is one of online, full, jammed, offline.']);
  expect(await ask('RVM-77', '{"status":"full"}')).toEqual([404, 'There is no machine RVM-77.']);
  expect(await ask('RVM-01', '{"status":"full"}', 'Bearer x.y.z')).toEqual([401, "Log in to set a machine's status."]);
});

function opacityOf(page: Page, selector: string): Promise<string> {
  return page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).opacity`);
}

test('after an outage of the broker the table is whole again, with what changed in the meantime, and the chart goes on', async () => {
  const [operator, guest, viewer] = [opened('operator'), opened('guest'), opened('Wayan')];
  // This one is cut off from the application, too.
  await viewer.route('**/api/rvm/snapshot', (route) => route.abort());
  const killedAt = Date.now();
  example.killBroker();
  for (const page of [operator, guest, viewer]) await page.locator('#state[data-state="unavailable"]').waitFor();
  expect(await viewer.locator('.since').textContent()).toMatch(/^since \d\d:\d\d$/);
  expect(await opacityOf(viewer, '#machines')).toBe('0.45');
  const status = await anotherStatus(operator, 'RVM-11');
  await setTo(operator, 'RVM-11', status);
  for (const page of [operator, guest, viewer]) {
    await page.locator(`tr[data-machine="RVM-11"][data-status="${status}"]`).waitFor();
    await page.locator('#state[data-state="connected"]').waitFor();
  }
  reportFigures('rvm', { 'from the end of the broker to all pages connected': Date.now() - killedAt });
  expect(await viewer.locator('.since').textContent()).toBe('');
  expect(await opacityOf(viewer, '#machines')).toBe('1');
  await viewer.unroute('**/api/rvm/snapshot');
  const bottles = await textsOf(operator, '#bottles');
  await untilEqual(async () => (await bottles()).length >= 3, true);
  await untilEqual(() => operator.locator('#polling').textContent(), '');
  // Each point once, in order, and none missing.
  const [drawn, measured] = await operator.evaluate<[number[], number[]]>(`
    fetch('/api/rvm/snapshot', { headers: Echo.options.auth.headers })
      .then((answer) => answer.json())
      .then(({ dashboard }) => [window.drawn, dashboard.history.map(([sentAt]) => sentAt)])
  `);
  const last = drawn.at(-1) ?? 0;
  const kept = drawn.filter((sentAt) => sentAt >= (measured[0] ?? 0));
  expect(kept).toEqual(measured.filter((sentAt) => sentAt <= last));
});

/** Figures of a minute, of which nobody measured those of half a minute. */
function historyWithHole(): [number, number][] {
  const now = Date.now();
  return [60, 58, 56, 54, 20, 18, 16, 14].map((seconds) => [now - seconds * 1000, 10]);
}

// The line went straight on, as if somebody had measured that.
test('where there are no figures the line has a gap', async () => {
  const page = await logIn('Kadek', 'operator', (opening) =>
    opening.routeWebSocket(/\/app\//, (socket) => {
      const broker = socket.connectToServer();
      broker.onMessage((frame) => {
        const { data, ...message } = JSON.parse(String(frame)) as { event: string; data?: string };
        if (message.event === 'dashboard.data.updated') return;
        if (message.event !== 'dashboard.snapshot') return socket.send(frame);
        const { figures } = JSON.parse(data ?? '{}') as { figures: object };
        socket.send(JSON.stringify({ ...message, data: JSON.stringify({ figures, history: historyWithHole() }) }));
      });
    }),
  );
  await page.locator('#dashboard').waitFor();
  const extent = () => extentOf(page.locator('#returned'), '--accent');
  await untilEqual(async () => (await extent()).columns > 50, true);
  expect((await extent()).widestGap).toBeGreaterThan(200);
  await page.close();
});

test('while the page asks instead, the latest is not dimmed', async () => {
  const page = await browser.newPage();
  let isBlocked = false;
  let cut = async (): Promise<void> => {};
  await page.routeWebSocket(/\/app\//, async (socket) => {
    cut = () => socket.close();
    if (isBlocked) await cut();
    else socket.connectToServer();
  });
  await page.goto(example.url);
  await page.locator('#machines tr:nth-child(12)').waitFor();
  isBlocked = true;
  await cut();
  await page.locator('body[data-stale]').waitFor();
  await page.locator('#polling', { hasText: 'No WebSocket' }).waitFor();
  await untilEqual(() => opacityOf(page, '#machines'), '1');
  await page.close();
});

// In a network that lets no WebSocket pass, the page stood still.
test('without WebSocket the page asks for the snapshot again and again, says so, and comes back', async () => {
  let isBlocked = true;
  const page = await browser.newPage();
  await page.routeWebSocket(/\/app\//, async (socket) => {
    if (isBlocked) await socket.close();
    else socket.connectToServer();
  });
  await page.goto(example.url);
  const polling = page.locator('#polling');
  await polling.filter({ hasText: /^No WebSocket since \d\d:\d\d:\d\d: this page asks .* every 3 seconds/ }).waitFor();
  expect(await page.locator('#machines tr').count()).toBe(12);
  const seen = await textsOf(page, '#machines');
  await untilEqual(async () => (await seen()).length >= 2, true);
  isBlocked = false;
  await page.locator('#state[data-state="connected"]').waitFor();
  await untilEqual(() => polling.textContent(), '');
  await page.close();
});

test('a browser that has no WebSocket at all shows the figures of those who may see them', async () => {
  const page = await browser.newPage();
  await page.addInitScript('delete window.WebSocket');
  await page.goto(example.url);
  await page.locator('#login button').click();
  await page.locator('#dashboard').waitFor();
  await page.locator('#bottles', { hasText: /^[\d.,]+$/ }).waitFor();
  await page.locator('#polling', { hasText: 'No WebSocket' }).waitFor();
  await page.close();
});

test('whoever logs out sees the machines, and no figures any more', async () => {
  const page = opened('operator');
  await page.locator('#account button').click();
  await page.locator('#login').waitFor();
  expect(await page.locator('#dashboard').isVisible()).toBe(false);
  expect(await page.locator('#watching').isVisible()).toBe(false);
  await page.locator('#state[data-state="connected"]').waitFor();
});
