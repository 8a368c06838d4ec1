import { once } from 'node:events';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { atLength } from '../support/at-length.ts';
import { launchBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { startProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { untilEqual } from '../support/until.ts';
import { extentOf, faultsOnPhone } from './page-checks.ts';
import { startReader } from './python-reader.ts';
import { type Example, reportFigures, runExample, runProgram, startExample, textsOf } from './start-example.ts';

const NOTE = 'restored with password=hunter2 and Bearer abc.def';
const MASKED = 'A drill: restored with password=•••••• and Bearer ••••••';

let example: Example;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  // Any host uses more memory than that: an alert that is real, and that comes for certain.
  // The others come once at most, however busy this host is.
  const env = { MEMORY_ALERT: '0.1', ALERT_HYSTERESIS: '100', READ_EVERY_SECONDS: '1' };
  [example, browser] = await Promise.all([startExample('monitoring', env), launchBrowser()]);
  page = await browser.newPage();
  await page.goto(example.url);
});

afterAll(() => browser.close());

function drillUrl(): string {
  return /http:\/\/127\.0\.0\.1:\d+\/drill/.exec(example.process.stdout)?.[0] ?? '';
}

function startDrill(): Promise<Response> {
  return fetch(drillUrl(), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ note: NOTE }),
  });
}

/** Lines of the list of alerts, without their time, the latest first. */
function alertsOf(place: Page): Promise<string[]> {
  return place.locator('#alerts li').evaluateAll((lines) =>
    lines.map((line) =>
      [...line.children]
        .slice(1)
        .map((part) => part.textContent)
        .join(': '),
    ),
  );
}

test('shows the figures of this host, which change in place', async () => {
  await page.locator('#state[data-state="connected"]').waitFor();
  const figures = await textsOf(page, '[data-metric="cpu"] .figure');
  const read = await textsOf(page, '#read-at');
  await untilEqual(async () => (await read()).length >= 3, true);
  for (const metric of ['cpu', 'memory', 'disk']) {
    const text = await page.locator(`[data-metric="${metric}"] .figure`).textContent();
    expect(text).toMatch(/^\d+\.\d %$|^unknown$/);
  }
  expect(await page.locator('[data-metric="memory"] .detail').textContent()).toMatch(/^\S+ [kMGT]?B of \S+ [kMGT]?B$/);
  expect(await page.locator('[data-metric="cpu"]').count()).toBe(1);
  expect((await figures()).every((text) => /^(–|unknown|\d+\.\d %)$/.test(text))).toBe(true);
  reportFigures('monitoring', {
    connect: await page.locator('#connect-ms').textContent(),
    'event to screen': await page.locator('#event-ms').textContent(),
  });
});

test('shares and network are drawn over all of their width, and each line is seen', async () => {
  for (const [plot, color] of [
    ['#shares', '--accent'],
    ['#shares', '--warn'],
    ['#network', '--accent'],
    ['#network', '--warn'],
  ] as const) {
    // In and out may be the same: one of them is dashed.
    await untilEqual(async () => (await extentOf(page.locator(plot), color)).columns > 100, true);
  }
});

atLength(undefined, test)?.('it fits a phone, and is dark for those who like it', async () => {
  const faults = await faultsOnPhone(browser, example.url, async (phone) => {
    await phone.locator('[data-metric="memory"][data-tone="bad"]').waitFor();
    await phone.locator('#alerts li').first().waitFor();
  });
  expect(faults).toEqual([]);
});

test('a real figure over its limit is an alert, and its tile says so', async () => {
  await untilEqual(
    async () => (await alertsOf(page)).some((line) => /^Alert: Memory is at .+ %, the limit is 0\.1 %$/.test(line)),
    true,
  );
  await page.locator('[data-metric="memory"][data-tone="bad"]').waitFor();
});

test('a drill is an alert and then a recovery, toasted and listed, without the secrets of its note', async () => {
  const toasts = await textsOf(page, 'body');
  await page.locator('#note').fill(NOTE);
  await page.locator('#drill button').click();
  await page.locator('.toasts [data-tone="bad"]', { hasText: MASKED }).waitFor();
  await page.locator('.toasts [data-tone="good"]', { hasText: 'The drill is over' }).waitFor();
  const isOfDrill = (line: string): boolean => line.includes('drill');
  const expected = ['Recovery: The drill is over', `Alert: ${MASKED}`];
  await untilEqual(async () => (await alertsOf(page)).filter(isOfDrill), expected);
  expect((await toasts()).join('\n')).not.toMatch(/hunter2|abc\.def/);
});

test('the list of alerts is there again after a reload, and for whoever comes later', async () => {
  const before = await alertsOf(page);
  expect(before.length).toBeGreaterThanOrEqual(3);
  await page.reload();
  await page.locator('#alerts li').first().waitFor();
  expect((await alertsOf(page)).slice(-before.length)).toEqual(before);
  await page.locator('[data-metric="memory"] .figure', { hasText: '%' }).waitFor();
  expect(await page.locator('.toasts > *', { hasText: 'drill' }).count()).toBe(0);

  const client = await RawClient.connect(`ws://127.0.0.1:${example.brokerPort}`, { key: 'monitoring-key' });
  for (const [channel, event] of [
    ['cache-alerts', 'alerts'],
    ['cache-monitor', 'metrics_update'],
  ] as const) {
    await client.subscribed(channel);
    // What is published from then on is of a later time.
    const enteredAt = Date.now();
    const { data } = await client.next(event);
    const { sentAt } = JSON.parse(String(data)) as { sentAt: number };
    expect({ channel, isFromBefore: sentAt <= enteredAt }).toEqual({ channel, isFromBefore: true });
  }
  await client.close();
});

test('a plain WebSocket reads the same, from the last reading on', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${example.brokerPort}/monitor`);
  const messages: { event: string; channel: string; data: Record<string, unknown> }[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  await once(socket, 'message');
  expect(messages[0]).toMatchObject({ event: 'metrics_update', channel: 'cache-monitor' });
  expect(messages[0]?.data).toMatchObject({ host: expect.any(String), uptimeSeconds: expect.any(Number) });
  expect((await startDrill()).status).toBe(202);
  await untilEqual(() => messages.some(({ event, data }) => event === 'recovery' && data.metric === 'drill'), true);
  // A busy host may raise an alert of its own meanwhile.
  const drills = messages.filter(({ data }) => data.metric === 'drill');
  expect(drills.map(({ event }) => event)).toEqual(['alert', 'recovery']);
  expect(JSON.stringify(messages)).not.toMatch(/hunter2|abc\.def/);
  socket.close();
});

test('the reader in Python prints readings and alerts, and nothing secret', async () => {
  const reader = startReader(`ws://127.0.0.1:${example.brokerPort}/monitor`);
  onTestFinished(() => reader.stop());
  await untilEqual(() => reader.lines.length > 0, true);
  expect((await startDrill()).status).toBe(202);
  await untilEqual(() => reader.lines.includes('recovery: The drill is over'), true);
  expect(reader.lines).toContain(`alert: ${MASKED}`);
  const readings = reader.lines.filter((line) => !/^(alert|recovery): /.test(line));
  expect(readings.length).toBeGreaterThanOrEqual(2);
  for (const line of readings) expect(line).toMatch(/^cpu [\d.]+ %, memory [\d.]+ %$/);
});

test('a drill is refused to the pages of others, and with a note that is too long', async () => {
  const post = (body: unknown, headers = {}): Promise<Response> =>
    fetch(drillUrl(), { method: 'POST', headers, body: JSON.stringify(body) });
  const stranger = await post({}, { Origin: 'https://elsewhere.test' });
  expect([stranger.status, await stranger.json()]).toEqual([403, { error: 'Not from https://elsewhere.test.' }]);
  const long = await post({ note: 'x'.repeat(201) });
  expect([long.status, await long.json()]).toEqual([422, { error: 'Give a note of up to 200 characters, or none.' }]);
});

// pusher-js tries again a quarter of a minute after an attempt that failed.
test('says that the broker is away, and has the list again when it is back', { timeout: 90_000 }, async () => {
  const states = await textsOf(page, '#state');
  const alerts = await alertsOf(page);
  example.killBroker();
  await untilEqual(states, ['Live', 'No connection: trying again', 'Live']);
  await untilEqual(async () => {
    const visitor = await browser.newPage();
    await visitor.goto(example.url);
    await visitor.locator('#state[data-state="connected"]').waitFor();
    await visitor.locator('[data-metric="memory"] .figure', { hasText: '%' }).waitFor();
    const seen = await alertsOf(visitor);
    await visitor.close();
    return seen.slice(-alerts.length);
  }, alerts);
});

test('a limit that is no number is named, and nothing runs', async () => {
  const process = runExample('monitoring', { CPU_ALERT: 'high' });
  expect((await process.exited).code).toBe(1);
  expect(process.stdout).toContain('CPU_ALERT is "high": it takes a number from 0 to 100.');
});

test('a producer without a broker says so, and goes on when there is one', async () => {
  const port = await freePort();
  const producer = runProgram('monitoring/producer.mjs', {
    APP_ID: 'monitoring',
    APP_KEY: 'monitoring-key',
    APP_SECRET: 'monitoring-secret',
    BROKER_PORT: String(port),
    DRILL_PORT: '0',
    PAGE_PORT: '1',
    READ_EVERY_SECONDS: '1',
  });
  await producer.printed(
    new RegExp(`^The broker at 127.0.0.1:${port} can't be reached \\(ECONNREFUSED\\): trying again`),
  );
  await startProcess({ port, apps: [{ id: 'monitoring', key: 'monitoring-key', secret: 'monitoring-secret' }] });
  await producer.printed(new RegExp(`^The broker at 127.0.0.1:${port} is back`));
});
