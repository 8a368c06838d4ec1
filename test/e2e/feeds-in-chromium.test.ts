import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { FEEDS_APP, openSocket, publish, token } from '../server/feeds/feeds-app.ts';
import { launchBrowser } from '../support/browser.ts';
import { freePort } from '../support/free-port.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';

let browser: Browser;
let page: Page;
let port: number;
let broker: BrokerProcess;
/** What the page has told, oldest first. */
const told: unknown[] = [];
let wake = (): void => {};

const start = (drainSeconds = 0): Promise<BrokerProcess> =>
  startProcess({ apps: [FEEDS_APP], port, settings: { 'drain.seconds': drainSeconds } });

beforeAll(async () => {
  port = await freePort();
  broker = await start();
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await broker.kill();
});
afterEach(async () => {
  await page.close();
});
beforeEach(async () => {
  told.length = 0;
  page = await browser.newPage();
  await page.exposeFunction('tell', (what: unknown) => {
    told.push(what);
    wake();
  });
});

/** The next that the page tells. */
async function next(): Promise<unknown> {
  while (told.length === 0) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  return told.shift();
}

/** Has the page read a stream, and tell all that it hears of it. */
const readStream = (url: string, event: string): Promise<unknown> =>
  page.evaluate(`{
    const source = new EventSource(${JSON.stringify(url)});
    source.addEventListener('open', () => tell('open'));
    source.addEventListener('error', () => tell(source.readyState === EventSource.CLOSED ? 'closed' : 'comes back'));
    source.addEventListener('message', ({ data }) => tell({ message: data }));
    source.addEventListener(${JSON.stringify(event)}, ({ data, lastEventId }) => tell({ data, hasId: lastEventId !== '' }));
  }`);

test('EventSource gets events by name, the last one first, and text of any kind', async () => {
  await publish(broker.url, 'state', 'before', 'state.changed');
  await page.goto(broker.url);
  await readStream('/feeds/last', 'state.changed');
  expect(await next()).toBe('open');
  expect(await next()).toEqual({ data: 'before', hasId: true });
  for (const data of ['{"a": 1}', 'two\nlines', '', 'ü\u2028💡', 'x'.repeat(90_000)]) {
    await publish(broker.url, 'state', data, 'state.changed');
    expect(await next()).toEqual({ data, hasId: true });
  }
  await publish(broker.url, 'state', 'plain', 'message');
  expect(await next()).toEqual({ message: 'plain' });
});

test('EventSource of another origin reads, too, and is told of a refusal by the end', async () => {
  await page.goto(`http://localhost:${port}/`);
  await readStream(`${broker.url}/feeds/private?token=${token()}`, 'e');
  expect(await next()).toBe('open');
  await publish(broker.url, 'private-news', 'x');
  expect(await next()).toEqual({ data: 'x', hasId: true });
  await readStream(`${broker.url}/feeds/private`, 'e');
  expect(await next()).toBe('closed');
});

test('a WebSocket of a page reads data, gets echoes, and sees why it was refused', async () => {
  await page.goto(broker.url);
  await page.evaluate(`{
    const socket = new WebSocket('ws://' + location.host + '/feeds/echo');
    socket.onopen = () => socket.send('ping');
    socket.onmessage = ({ data }) => tell(data);
    const refused = new WebSocket('ws://' + location.host + '/feeds/private');
    refused.onclose = ({ code, reason, wasClean }) => tell({ code, reason, wasClean });
  }`);
  const heard = [await next(), await next()];
  expect(heard).toContainEqual(expect.stringMatching(/^\{"message":"Echo: ping","sentAt":\d+\}$/));
  expect(heard).toContainEqual({ code: 4009, reason: expect.stringContaining('takes a token'), wasClean: true });
  await publish(broker.url, 'news', '{"a":1}');
  expect(await next()).toBe('{"a":1}');
});

// A browser gives a stream up for good when it is answered with any status but 200, which a broker that stops would do.
test('EventSource comes back by itself when the broker is started again, also while the old one still stops', async () => {
  await broker.kill();
  broker = await start(4);
  await page.goto(broker.url);
  await readStream('/feeds/last', 'e');
  expect(await next()).toBe('open');
  await publish(broker.url, 'state', 'one');
  expect(await next()).toEqual({ data: 'one', hasId: true });
  // Those who are moved off one after the other keep the broker stopping while the page asks again: at a closed port.
  for (let count = 0; count < 9; count += 1) await openSocket(broker, '/feeds/data');
  broker.signal('SIGTERM');
  expect(await next()).toBe('comes back');
  await broker.exited;
  broker = await start();
  await publish(broker.url, 'state', 'two');
  // How often it asked the old broker is not told here; the new one begins with the last event.
  let item = await next();
  while (item === 'open' || item === 'comes back') item = await next();
  expect(item).toEqual({ data: 'two', hasId: true });
});
