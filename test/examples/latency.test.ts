import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atLength } from '../support/at-length.ts';
import { launchBrowser } from '../support/browser.ts';
import { untilEqual } from '../support/until.ts';
import { extentOf, faultsOnPhone } from './page-checks.ts';
import { type Example, reportFigures, runExample, startExample, textsOf } from './start-example.ts';

const LANES = ['websocket', 'sse'] as const;

let example: Example;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  [example, browser] = await Promise.all([startExample('latency'), launchBrowser()]);
  page = await browser.newPage();
  await page.goto(example.url);
});

afterAll(() => browser.close());

function figure(lane: string, name: string): Locator {
  return page.locator(`#${lane} [data-figure="${name}"]`);
}

function pill(lane: string, state: string): Locator {
  return page.locator(`#${lane} .pill[data-state="${state}"]`);
}

test('both lanes show how long it took to connect, each message, average and 95th percentile', async () => {
  for (const lane of LANES) {
    await pill(lane, 'connected').waitFor();
    await page.locator(`#${lane} .messages tbody tr:nth-child(10)`).waitFor();
    for (const name of ['connect', 'last', 'average', 'p95']) {
      expect(await figure(lane, name).textContent()).toMatch(/^-?\d+(\.\d)? ms$/);
    }
    const numbers = await page.locator(`#${lane} .messages tbody td:nth-child(2)`).allTextContents();
    expect(numbers).toHaveLength(10);
    const latest = Number(numbers[0]);
    expect(numbers.map(Number)).toEqual(numbers.map((_, index) => latest - index));
    const text = async (name: string) => (await figure(lane, name).textContent())?.replace(' ms', '') ?? null;
    reportFigures(`latency, ${lane}`, {
      connect: await text('connect'),
      'event to screen, average': await text('average'),
      '95 % within': await text('p95'),
    });
  }
});

test('the latencies of both lanes are drawn, over all of their width', async () => {
  for (const lane of LANES) {
    const { columns } = await extentOf(page.locator(`#${lane} .plot`), '--accent');
    expect({ lane, isDrawn: columns > 200 }).toEqual({ lane, isDrawn: true });
  }
});

atLength(undefined, test)?.('it fits a phone, and is dark for those who like it', async () => {
  const faults = await faultsOnPhone(browser, example.url, async (phone) => {
    for (const lane of LANES) await phone.locator(`#${lane} .messages tbody tr:nth-child(10)`).waitFor();
    // One button wrapped on to a line of its own; with the longest of states it stuck out.
    const bars = await phone.locator('.lane .bar').evaluateAll((lanes) =>
      lanes.map((bar) => {
        bar.querySelector('.pill').textContent = 'No connection: trying again';
        const button = bar.querySelector('[data-do="disconnect"]');
        const isFirstLine = button.offsetTop <= bar.querySelector('h2').offsetTop;
        return { isFirstLine, overflow: bar.scrollWidth - bar.clientWidth };
      }),
    );
    expect(bars).toEqual(Array(2).fill({ isFirstLine: true, overflow: 0 }));
  });
  expect(faults).toEqual([]);
});

test('only the WebSocket has an echo, which also tells how the clocks differ', async () => {
  await page.locator('#websocket [data-figure="echo"]', { hasText: 'ms' }).waitFor();
  await page.locator('#offset', { hasText: /browser's/ }).waitFor();
  expect(await figure('sse', 'echo').textContent()).toBe('–');
});

test('a lane that is disconnected gets no messages, until it is connected again', async () => {
  for (const lane of LANES) {
    await page.locator(`#${lane} [data-do="disconnect"]`).click();
    await pill(lane, 'off').waitFor();
  }
  // What was on its way is drawn by then.
  const other = await browser.newPage();
  await other.goto(example.url);
  await other.locator('#sse .messages tbody tr:nth-child(3)').waitFor();
  const before = await Promise.all(LANES.map((lane) => figure(lane, 'messages').textContent()));
  const seen = await other.locator('#sse [data-figure="messages"]').textContent();
  await other.locator(`#sse [data-figure="messages"]:not(:text-is("${seen}"))`).waitFor();
  expect(await Promise.all(LANES.map((lane) => figure(lane, 'messages').textContent()))).toEqual(before);
  await other.close();
  for (const [index, lane] of LANES.entries()) {
    await page.locator(`#${lane} [data-do="connect"]`).click();
    await pill(lane, 'connected').waitFor();
    await page.locator(`#${lane} [data-figure="messages"]:not(:text-is("${before[index]}"))`).waitFor();
  }
});

test('both lanes say that the broker is away, and go on by themselves when it is back', async () => {
  const states = await Promise.all(LANES.map((lane) => textsOf(page, `#${lane} .pill`)));
  example.killBroker();
  await example.process.printed(/can't be reached \(.+\): trying again/);
  await example.process.printed(/^The broker runs again/);
  await example.process.printed(/^producer {2}The broker at 127\.0\.0\.1:\d+ is back/);
  const away = ['Live', 'No connection: trying again', 'Live'];
  for (const shown of states) await untilEqual(shown, away);
  for (const lane of LANES) {
    const before = await figure(lane, 'messages').textContent();
    await page.locator(`#${lane} [data-figure="messages"]:not(:text-is("${before}"))`).waitFor();
  }
});

test('a lane that is refused says so, and does not try again by itself', async () => {
  const refused = await browser.newPage();
  await refused.route('**/latency', (route) =>
    route.request().resourceType() === 'document' ? route.continue() : route.fulfill({ status: 403, body: 'no' }),
  );
  await refused.routeWebSocket('**/latency', (socket) => socket.close({ code: 4009, reason: 'Not allowed here' }));
  await refused.goto(example.url);
  await refused.locator('#sse .pill[data-state="refused"]', { hasText: 'Refused by the broker' }).waitFor();
  await refused.locator('#websocket .pill[data-state="refused"]', { hasText: 'Refused: Not allowed here' }).waitFor();
  for (const lane of LANES) await refused.locator(`#${lane} [data-do="connect"]`).waitFor();
  await refused.close();
});

test('a broken configuration stops the start and is named', async () => {
  const process = runExample('latency', { KULKUL_MAX_FRAME_BYTES: 'many' });
  expect((await process.exited).code).toBe(1);
  expect(process.stdout).toMatch(/^broker .*maxFrameBytes.*many/m);
  expect(process.stderr).toContain('The broker could not start');
});
