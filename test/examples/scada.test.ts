import type { Browser, Page } from 'playwright-core';
import Pusher from 'pusher';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { launchBrowser } from '../support/browser.ts';
import { RawClient } from '../support/raw-client.ts';
import { untilEqual } from '../support/until.ts';
import { type Example, reportFigures, startExample, textsOf } from './start-example.ts';

const APP = { appId: '12345', key: 'scada_dashboard_key_2024', secret: 'scada_dashboard_secret_2024' };
const TAGS = ['inlet.flow', 'outlet.flow', 'tank.level', 'pump.pressure', 'water.ph', 'motor.temperature'];
const CLIENTS = 100;
const BROADCASTS = 20;

let example: Example;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  [example, browser] = await Promise.all([startExample('scada'), launchBrowser()]);
  page = await browser.newPage();
  await page.goto(example.url);
});

afterAll(() => browser.close());

async function numberIn(selector: string): Promise<number> {
  return Number((await page.locator(selector).textContent())?.replaceAll(/\D/g, ''));
}

test('the Echo page shows every tag, whose value changes in place', async () => {
  await page.locator('#state[data-state="connected"]').waitFor();
  for (const tag of TAGS) {
    await page.locator(`[data-tag="${tag}"]`).waitFor();
    const values = await textsOf(page, `[data-tag="${tag}"]`);
    await untilEqual(async () => new Set(await values()).size >= 3, true);
    expect((await values()).every((value) => /^-?\d+\.\d\d$/.test(value))).toBe(true);
  }
  expect(await page.locator('#tags > *').count()).toBe(TAGS.length);
  expect(await page.locator('.plot canvas').count()).toBe(3);
});

test('batches and readings count up, and each batch says how large it is', async () => {
  const [readings, batches] = [await numberIn('#readings'), await numberIn('#batches')];
  await untilEqual(
    async () => (await numberIn('#readings')) > readings && (await numberIn('#batches')) > batches,
    true,
  );
  expect(await page.locator('#last-batch').textContent()).toMatch(/^25 readings at \d\d:\d\d:\d\d$/);
  reportFigures('scada', {
    connect: await page.locator('#connect-ms').textContent(),
    'event to screen': await page.locator('#event-ms').textContent(),
  });
});

test('the button connects anew, and values go on changing', async () => {
  const states = await textsOf(page, '#state');
  const clickedAt = await page.evaluate<number>('performance.now()');
  await page.locator('#reconnect').click();
  await untilEqual(states, ['Live', 'Connecting …', 'Live']);
  // It was the age of the page.
  const elapsedMs = (await page.evaluate<number>('performance.now()')) - clickedAt;
  expect(await numberIn('#connect-ms')).toBeLessThanOrEqual(Math.ceil(elapsedMs));
  const values = await textsOf(page, '[data-tag="inlet.flow"]');
  await untilEqual(async () => (await values()).length >= 3, true);
});

test('the page without a library shows readings, and comes back by itself when the broker was away', async () => {
  const plain = await browser.newPage();
  await plain.goto(`${example.url}plain.html`);
  await plain.locator('#state[data-state="connected"]').waitFor();
  await plain.locator('#log li:nth-child(40)').waitFor();
  const lines = await plain.locator('#log li span').allTextContents();
  expect(lines).toHaveLength(40);
  for (const line of lines) expect(line).toMatch(/^[a-z.]+ \d+\.\d\d (m³\/h|%|bar|pH|°C)$/);
  const states = await textsOf(plain, '#state');
  example.killBroker();
  await example.process.printed(/^producer .*can't be reached/);
  await untilEqual(async () => (await states()).includes('No connection: trying again'), true);
  await plain.locator('#state[data-state="connected"]').waitFor();
  const log = await textsOf(plain, '#log');
  await untilEqual(async () => (await log()).length >= 3, true);
  await plain.close();
});

test('the configuration is a flat soketi.json, and the address of the hand-written client has nothing else in it', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${example.brokerPort}/app/scada_dashboard_key_2024`);
  const events: string[] = [];
  socket.on('message', (data) => events.push((JSON.parse(String(data)) as { event: string }).event));
  socket.on('open', () => socket.send('{"event":"pusher:subscribe","data":{"channel":"scada-realtime"}}'));
  await untilEqual(
    () => events.slice(0, 3),
    ['pusher:connection_established', 'pusher_internal:subscription_succeeded', 'scada.data.received'],
  );
  socket.close();
});

test(`a broadcast reaches ${CLIENTS} clients`, async () => {
  const address = `ws://127.0.0.1:${example.brokerPort}`;
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => RawClient.connect(address, { key: APP.key })),
  );
  await Promise.all(clients.map((client) => client.subscribed('broadcast')));
  const publisher = new Pusher({ ...APP, host: '127.0.0.1', port: String(example.brokerPort), useTLS: false });
  const times: number[] = [];
  for (let round = 0; round < BROADCASTS; round += 1) {
    const startedAt = performance.now();
    const received = Promise.all(clients.map((client) => client.next('broadcast')));
    await publisher.trigger('broadcast', 'broadcast', { round });
    for (const { data } of await received) expect(JSON.parse(String(data))).toEqual({ round });
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  reportFigures(`scada, from trigger to the last of ${CLIENTS} clients`, {
    median: times[BROADCASTS / 2]?.toFixed(1) ?? null,
    worst: times.at(-1)?.toFixed(1) ?? null,
  });
  await Promise.all(clients.map((client) => client.close()));
});
