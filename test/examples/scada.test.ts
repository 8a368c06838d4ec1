import type { Browser, Locator, Page } from 'playwright-core';
import Pusher from 'pusher';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { atLength } from '../support/at-length.ts';
import { launchBrowser } from '../support/browser.ts';
import { RawClient } from '../support/raw-client.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { untilEqual } from '../support/until.ts';
import {
  changeScripts,
  extentOf,
  faultsOnPhone,
  labelsOf,
  moveBroker,
  recordLabels,
  stopClock,
} from './page-checks.ts';
import { type Example, reportFigures, startExample, textsOf } from './start-example.ts';

const APP = { appId: '12345', key: 'scada_dashboard_key_2024', secret: 'scada_dashboard_secret_2024' };
const TAGS = ['inlet.flow', 'outlet.flow', 'tank.level', 'pump.pressure', 'water.ph', 'motor.temperature'];
const BATCH_SIZE = 60;
const CLIENTS = 100;
const BROADCASTS = 20;

interface Summary {
  readonly tag: string;
  readonly count: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

let example: Example;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  [example, browser] = await Promise.all([startExample('scada'), launchBrowser()]);
  page = await browser.newPage();
  await recordLabels(page);
  await page.goto(example.url);
});

afterAll(() => browser.close());

function pill(of: Page, state: string): Locator {
  return of.locator(`#state[data-state="${state}"]`);
}

/** Data of the next event of a channel to which the client subscribes. */
async function nextOf<T>(client: RawClient, channel: string, event: string): Promise<() => Promise<T>> {
  await client.subscribed(channel);
  return async () => {
    const { channel: from, data } = await client.next(event);
    expect(from).toBe(channel);
    return JSON.parse(String(data)) as T;
  };
}

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

test('the plots are drawn over all of their width, and tell the last values, and each second once', async () => {
  for (const [plot, color] of [
    ['#flow', '--accent'],
    ['#flow', '--warn'],
    ['#pressure', '--accent'],
    ['#latency', '--good'],
  ] as const) {
    const { columns } = await extentOf(page.locator(plot), color);
    expect({ plot, isDrawn: columns > 200 }).toEqual({ plot, isDrawn: true });
  }
  // With ticks between the seconds, a label stood there several times.
  const times = (await labelsOf(page.locator('#flow'))).filter((label) => /^\d\d:\d\d:\d\d$/.test(label));
  expect(times.length).toBeGreaterThan(0);
  expect(times).toEqual([...new Set(times)]);
  // It was "Time: –, Inlet: –" unless the pointer was there.
  const legend = await page.locator('#flow .u-value').allTextContents();
  expect(legend).toEqual([expect.stringMatching(/^\d\d:\d\d:\d\d$/), ...Array(2).fill(expect.stringMatching(/^\d+/))]);
});

test('batches and readings count up, and each batch says how large it is', async () => {
  const [readings, batches] = [await numberIn('#readings'), await numberIn('#batches')];
  await untilEqual(
    async () => (await numberIn('#readings')) > readings && (await numberIn('#batches')) > batches,
    true,
  );
  expect(await page.locator('#last-batch').textContent()).toMatch(
    new RegExp(`^${BATCH_SIZE} readings at \\d\\d:\\d\\d:\\d\\d$`),
  );
  reportFigures('scada', {
    connect: await page.locator('#connect-ms').textContent(),
    'event to screen': await page.locator('#event-ms').textContent(),
  });
});

// Each of six tags was read every 120 ms and summed up every 100 ms: each sum was of one reading.
test('sums are of several readings of each tag, on both channels that have them', async () => {
  for (const [channel, event] of [
    ['scada-aggregated', 'scada.aggregated.updated'],
    ['scada-realtime', 'scada.data.received'],
  ] as const) {
    const client = await RawClient.connect(`ws://127.0.0.1:${example.brokerPort}`, { key: APP.key });
    const next = await nextOf<{ tags: Summary[]; sentAt: number }>(client, channel, event);
    let areOfSeveral = false;
    // The first window after a pause of a busy machine may be a short one.
    while (!areOfSeveral) {
      const { tags, ...others } = await next();
      expect(others).toEqual({ sentAt: expect.any(Number) });
      expect(tags.map(({ tag }) => tag)).toEqual(TAGS);
      for (const { low, mean, high } of tags)
        expect([low, mean, high]).toEqual([low, mean, high].toSorted((a, b) => a - b));
      areOfSeveral = tags.every(({ count }) => count > 1);
    }
    await client.close();
  }
});

test('a batch has its readings in their order, and the next one goes on from there', async () => {
  const client = await RawClient.connect(`ws://127.0.0.1:${example.brokerPort}`, { key: APP.key });
  const next = await nextOf<{ from: number; to: number; count: number }>(
    client,
    'scada-batch',
    'scada.batch.processed',
  );
  const [first, second] = [await next(), await next()];
  expect(first).toMatchObject({ count: BATCH_SIZE, to: first.from + BATCH_SIZE - 1 });
  expect(second.from).toBe(first.to + 1);
  await client.close();
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

test('the pages say at once that a broker does not answer, or is lost', async () => {
  for (const path of ['', 'plain.html']) {
    const wire = await TcpProxy.start(example.brokerPort);
    wire.silence();
    const visitor = await browser.newPage();
    await visitor.clock.install();
    await stopClock(visitor);
    await moveBroker(visitor, example.brokerPort, wire.port);
    await visitor.goto(`${example.url}${path}`);
    await pill(visitor, 'connecting').waitFor();
    if (path === '') {
      // It was ten seconds.
      await visitor.clock.fastForward(2000);
      await pill(visitor, 'unavailable').waitFor();
    }
    await visitor.clock.resume();
    wire.mend();
    await pill(visitor, 'connected').waitFor();
    await stopClock(visitor);
    const states = await textsOf(visitor, '#state');
    wire.cut();
    // Without any time that passes: pusher-js goes on calling itself connected for a second.
    await pill(visitor, 'unavailable').waitFor();
    wire.mend();
    await visitor.clock.resume();
    await pill(visitor, 'connected').waitFor();
    expect(await states()).toEqual(['Live', 'No connection: trying again', 'Live']);
    await visitor.close();
    await wire.close();
  }
});

test('the pages say why they are refused, and do not try again by themselves', async () => {
  for (const path of ['', 'plain.html']) {
    const refused = await browser.newPage();
    let sockets = 0;
    refused.on('websocket', (socket) => {
      if (socket.url().includes('/app/')) sockets += 1;
    });
    await refused.clock.install();
    await changeScripts(refused, APP.key, 'another');
    await refused.goto(`${example.url}${path}`);
    await pill(refused, 'refused').waitFor();
    const states = await textsOf(refused, '#state');
    await refused.clock.fastForward(60_000);
    expect(await states()).toEqual(['Refused by the broker']);
    expect(await refused.locator('#notice').textContent()).toMatch(/^The broker refuses this page: .*another/);
    expect(sockets).toBe(1);
    if (path === '') {
      await refused.locator('#reconnect').click();
      await untilEqual(states, ['Refused by the broker', 'Connecting …', 'Refused by the broker']);
    }
    await refused.close();
  }
});

atLength(undefined, test)?.('the pages fit a phone, and are dark for those who like it', async () => {
  const dashboard = await faultsOnPhone(browser, example.url, (phone) => phone.locator('[data-tag]').nth(5).waitFor());
  expect(dashboard).toEqual([]);
  const plain = await faultsOnPhone(browser, `${example.url}plain.html`, (phone) =>
    phone.locator('#log li:nth-child(40)').waitFor(),
  );
  expect(plain).toEqual([]);
});

test('a page is told none of the secrets', async () => {
  const script = await (await fetch(`${example.url}main.ts`)).text();
  expect(script).toContain('BROKER_PORT');
  expect(script).not.toContain(APP.secret);
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
  // Its plots would be drawn by the processors whose time is told here.
  await page.close();
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
