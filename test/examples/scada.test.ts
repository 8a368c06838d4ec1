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

test('the page without a library shows readings', async () => {
  const plain = await browser.newPage();
  await plain.goto(`${example.url}plain.html`);
  await plain.locator('#state[data-state="connected"]').waitFor();
  await plain.locator('#log li:nth-child(40)').waitFor();
  const lines = await plain.locator('#log li span').allTextContents();
  expect(lines).toHaveLength(40);
  for (const line of lines) expect(line).toMatch(/^[a-z.]+ \d+\.\d\d (m³\/h|%|bar|pH|°C)$/);
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
  const client = await faultsOnPhone(browser, `${example.url}test-websocket-client.html`, (phone) =>
    phone.locator('#send').waitFor(),
  );
  expect(client).toEqual([]);
});

test('a tag that is beyond a limit is coloured and listed, and whoever acknowledges it shows that to every window', async () => {
  const [first, second] = [await browser.newPage(), await browser.newPage()];
  await Promise.all([first.goto(example.url), second.goto(example.url)]);
  const newest = first.locator('#alarms > [data-state="new"]').first();
  await newest.waitFor();
  const tag = (await newest.getAttribute('data-alarm')) ?? '';
  // The list changes all the time: from here on it is this one.
  const row = `#alarms > [data-alarm="${tag}"]`;
  const alarm = first.locator(row);
  // Both at the same moment: they change together.
  const { text, tone, card, limit } = await first.evaluate<Record<'text' | 'tone' | 'card' | 'limit', string>>(`(() => {
    const alarm = document.querySelector('${row}');
    const card = document.querySelector('[data-tag="${tag}"]').parentElement;
    return {
      text: alarm.textContent,
      tone: alarm.dataset.tone,
      card: card.dataset.tone ?? '',
      limit: card.querySelector('.limit').textContent,
    };
  })()`);
  expect(text).toMatch(
    new RegExp(`^\\d\\d:\\d\\d:\\d\\d(Alarm|Warning)${tag} [\\d.]+ \\S+, (below|above) [\\d.]+(still|back since) `),
  );
  expect(['warn', 'bad']).toContain(tone);
  expect(card).toBe(text.includes('still') ? tone : '');
  expect(limit).toMatch(text.includes('still') ? /^(low|high), limit [\d.]+$/ : /^([\d.]+ to|up to) [\d.]+$/);
  await second.locator(row).waitFor();
  const shown = [await textsOf(first, row), await textsOf(second, row)];
  await first.locator('#operator').fill('Ayu');
  // By keyboard, as in a control room.
  await alarm.locator('button').focus();
  await first.keyboard.press('Enter');
  // A value that is back leaves no row to say who it was, and one that is beyond its limit again is a new alarm.
  for (const texts of shown) {
    await untilEqual(
      async () => (await texts()).some((text) => text === '' || text.includes('acknowledged by Ayu at ')),
      true,
    );
  }
  await Promise.all([first.close(), second.close()]);
});

test('the plant refuses what is no acknowledgement, and pages of others', async () => {
  const post = (body: string, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${example.url}api/acknowledge`, { method: 'POST', body, headers });
  expect((await post('{"tag":"nothing","by":"Ayu"}')).status).toBe(409);
  for (const body of ['', '{', 'null', '{"tag":"water.ph"}', '{"tag":"water.ph","by":" "}'])
    expect({ body, status: (await post(body)).status }).toEqual({ body, status: 400 });
  expect((await post('{"tag":"water.ph","by":"Eve"}', { Origin: 'http://evil.example' })).status).toBe(403);
});

test('what was there before is there when the page is opened', async () => {
  const late = await browser.newPage();
  // Nothing that is sent from now on comes to it.
  await moveBroker(late, example.brokerPort, 1);
  await late.goto(example.url);
  await late.locator('[data-tag="water.ph"]').waitFor();
  for (const [plot, color] of [
    ['#flow', '--accent'],
    ['#pressure', '--accent'],
  ] as const) {
    await untilEqual(async () => (await extentOf(late.locator(plot), color)).columns > 200, true);
  }
  for (const tag of TAGS) expect(await late.locator(`[data-tag="${tag}"]`).textContent()).toMatch(/^\d+\.\d\d$/);
  await late.close();
});

// pusher-js waited out 15 seconds after an attempt at a closed port, and the line went straight across the outage.
test('after an outage the pages are back by themselves, with a gap in the lines; until then they say that, and how old the values are', async () => {
  const plain = await browser.newPage();
  await plain.goto(`${example.url}plain.html`);
  await plain.locator('#log li').first().waitFor();
  const plainStates = await textsOf(plain, '#state');
  const visitor = await browser.newPage();
  await visitor.goto(example.url);
  await pill(visitor, 'connected').waitFor();
  await visitor.locator('#event-ms', { hasText: /\d/ }).waitFor();
  const gaps = async () => (await extentOf(visitor.locator('#pressure'), '--accent')).gaps;
  const gapsBefore = await gaps();
  const [since, states] = [await textsOf(visitor, '.since'), await textsOf(visitor, '#state')];
  example.killBroker();
  await pill(visitor, 'unavailable').waitFor();
  expect(await visitor.locator('body').getAttribute('data-stale')).toBe('');
  await example.process.printed(/^The broker runs again/);
  const backAt = performance.now();
  await pill(visitor, 'connected').waitFor();
  reportFigures('scada', { 'back after the broker': (performance.now() - backAt).toFixed(0) });
  expect(await states()).toEqual(['Live', 'No connection: trying again', 'Live']);
  expect(await since()).toEqual(['', expect.stringMatching(/^since \d\d:\d\d$/), '']);
  await untilEqual(async () => (await gaps()) > gapsBefore, true);
  await visitor.close();
  await example.process.printed(/^producer .*can't be reached/);
  await pill(plain, 'connected').waitFor();
  expect(await plainStates()).toContain('No connection: trying again');
  const log = await textsOf(plain, '#log');
  await untilEqual(async () => (await log()).length >= 3, true);
  await plain.close();
});

async function openTestClient(): Promise<Page> {
  const client = await browser.newPage();
  await client.clock.install();
  await client.goto(`${example.url}test-websocket-client.html`);
  return client;
}

function linesOf(client: Page, direction: string): () => Promise<string[]> {
  return () => client.locator(`#log > [data-direction="${direction}"] code`).allTextContents();
}

test('the test client connects, subscribes, sends, and shows each frame', async () => {
  const client = await openTestClient();
  expect(await client.locator('#url').inputValue()).toBe(`ws://localhost:${example.brokerPort}/app/${APP.key}`);
  expect(await client.locator('#subscribe').isDisabled()).toBe(true);
  await client.locator('#url').press('Enter');
  await pill(client, 'connected').waitFor();
  await client.locator('#channel').fill('scada-batch');
  await client.locator('#subscribe').click();
  await client.locator('#log code', { hasText: 'scada.batch.processed' }).first().waitFor();
  await client.locator('#unsubscribe').click();
  await client.locator('#message').fill('{"event":"client-x","channel":"scada-data","data":{}}');
  await client.locator('#send').click();
  await client.locator('#log code', { hasText: 'pusher:error' }).waitFor();
  expect((await linesOf(client, 'out')()).toReversed()).toEqual([
    '{"event":"pusher:subscribe","data":{"channel":"scada-batch"}}',
    '{"event":"pusher:unsubscribe","data":{"channel":"scada-batch"}}',
    '{"event":"client-x","channel":"scada-data","data":{}}',
  ]);
  expect((await linesOf(client, 'in')()).some((text) => text.includes('subscription_succeeded'))).toBe(true);
  await client.locator('#disconnect').click();
  expect(await client.locator('#state').textContent()).toBe('Disconnected');
  await client.close();
});

test('the test client has a heartbeat every 30 s, and connects anew when nothing answers it', async () => {
  const wire = await TcpProxy.start(example.brokerPort);
  const client = await openTestClient();
  await stopClock(client);
  await client.locator('#url').fill(`ws://127.0.0.1:${wire.port}/app/${APP.key}`);
  await client.locator('#connect').click();
  await pill(client, 'connected').waitFor();
  await client.clock.runFor(29_999);
  expect(await linesOf(client, 'out')()).toEqual([]);
  await client.clock.runFor(1);
  expect(await linesOf(client, 'out')()).toEqual(['{"event":"pusher:ping","data":{}}']);
  await client.locator('#log code', { hasText: 'pusher:pong' }).waitFor();
  wire.silence();
  await client.clock.runFor(60_000);
  await pill(client, 'unavailable').waitFor();
  wire.mend();
  await client.clock.runFor(1000);
  await pill(client, 'connected').waitFor();
  await client.close();
  await wire.close();
});

test('the test client gives up after ten attempts, one second apart, and Connect tries again', async () => {
  const wire = await TcpProxy.start(example.brokerPort);
  const client = await openTestClient();
  await client.locator('#url').fill(`ws://127.0.0.1:${wire.port}/app/${APP.key}`);
  await client.locator('#connect').click();
  await pill(client, 'connected').waitFor();
  await stopClock(client);
  let sockets = 0;
  client.on('websocket', () => {
    sockets += 1;
  });
  const closed = async () => (await linesOf(client, 'info')()).filter((line) => line.startsWith('Closed: ')).length;
  await wire.close();
  for (let attempt = 1; attempt <= 10; attempt += 1) {
    await untilEqual(closed, attempt);
    expect(await client.locator('#state').textContent()).toBe(`No connection: attempt ${attempt} of 10`);
    await client.clock.runFor(999);
    expect(sockets).toBe(attempt - 1);
    await client.clock.runFor(1);
  }
  await untilEqual(closed, 11);
  expect(await client.locator('#notice').textContent()).toContain('after 10 attempts');
  await client.clock.runFor(60_000);
  expect(sockets).toBe(10);
  await client.locator('#url').fill(`ws://127.0.0.1:${example.brokerPort}/app/${APP.key}`);
  await client.locator('#connect').click();
  await pill(client, 'connected').waitFor();
  await client.close();
});

// Each publish can be seen: by whom, where to, how large, and how many were there.
test('with the level debug the broker logs each publish', async () => {
  const talking = await startExample('scada', { KULKUL_LOG_LEVEL: 'debug' });
  const line = await talking.process.printed(/^broker .*"msg":"event published"/);
  expect(JSON.parse(line.replace(/^broker +/, ''))).toMatchObject({
    app: APP.appId,
    ip: '127.0.0.1',
    event: expect.stringMatching(/^scada\./),
    bytes: expect.any(Number),
    channels: [expect.stringMatching(/^(cache-)?scada-/)],
    subscribersHere: 0,
  });
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
