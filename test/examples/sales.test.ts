import { once } from 'node:events';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { atLength } from '../support/at-length.ts';
import { launchBrowser } from '../support/browser.ts';
import { temporaryFolder } from '../support/process.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until, untilEqual } from '../support/until.ts';
import { extentOf, faultsOnPhone, moveBroker } from './page-checks.ts';
import { type Figures, ShopDatabase } from './shop-database.ts';
import { type Example, reportFigures, runExample, startExample, textsOf } from './start-example.ts';

const FIGURES = ['daily_sales', 'monthly_sales', 'daily_orders', 'monthly_orders'] as const;
const RUPIAH = new Intl.NumberFormat('id-ID', { style: 'currency', currency: 'IDR', maximumFractionDigits: 0 });
const COUNT = new Intl.NumberFormat('id-ID');

let example: Example;
let browser: Browser;
let page: Page;
let database: ShopDatabase;

beforeAll(async () => {
  const file = join(temporaryFolder(), 'shop.db');
  [example, browser] = await Promise.all([startExample('sales', { SALES_DATABASE: file }), launchBrowser()]);
  page = await openPage(example);
  // By then the till has written its file.
  await page.locator('#orders tr:nth-child(8)').waitFor();
  database = await ShopDatabase.open(file);
});

afterAll(async () => {
  await browser?.close();
  database?.close();
});

async function openPage({ url }: Example): Promise<Page> {
  const opened = await browser.newPage();
  await opened.goto(url);
  return opened;
}

function pill(state: string, of = page) {
  return of.locator(`#state[data-state="${state}"]`);
}

/** Reads the feed as any script would: no key, no token, nothing sent. */
function readFeed({ brokerPort }: Example): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${brokerPort}/api/v1/dashboard/ws`);
}

async function nextFigures(reader: WebSocket): Promise<{ figures: Figures; atMs: number }> {
  const [data] = (await once(reader, 'message')) as [Buffer];
  return { figures: JSON.parse(data.toString()) as Figures, atMs: Date.now() };
}

/** Keeps all that comes. */
class FigureReader {
  readonly all: { readonly figures: Figures; readonly atMs: number }[] = [];
  readonly #socket: WebSocket;

  constructor(of: Example) {
    this.#socket = readFeed(of);
    this.#socket.on('message', (data: Buffer) => {
      this.all.push({ figures: JSON.parse(data.toString()) as Figures, atMs: Date.now() });
    });
  }

  get figures(): readonly Figures[] {
    return this.all.map(({ figures }) => figures);
  }

  close(): void {
    this.#socket.close();
  }
}

test('whoever reads the feed gets the four figures that SQLite has, the last ones at once and then each new one', async () => {
  const early = new FigureReader(example);
  await until(() => early.all.length > 0);
  const openedAt = performance.now();
  const late = new FigureReader(example);
  await until(() => late.all.length > 0);
  reportFigures('sales, plain feed', { 'figures after': Math.round(performance.now() - openedAt) });
  await until(() => late.all.length > 1);
  // The dashboard may have sent new ones while it connected: it has what the other one has, from some point on.
  const seen = late.figures.slice(0, 2);
  await until(() => early.figures.some((_, from) => isDeepStrictEqual(early.figures.slice(from, from + 2), seen)));
  for (const { figures, atMs } of early.all) {
    expect(Object.keys(figures)).toEqual(FIGURES);
    expect(figures).toEqual(database.figuresAt(atMs, figures));
  }
  early.close();
  late.close();
});

test('the page shows them in Rupiah, each change in the same place', async () => {
  await pill('connected').waitFor();
  const places = await page.locator('.figure').elementHandles();
  const [sales, orders] = await Promise.all([textsOf(page, '#daily_sales'), textsOf(page, '#monthly_orders')]);
  const reader = readFeed(example);
  const sent = [await nextFigures(reader)];
  while (new Set(sent.map(({ figures }) => figures.daily_sales)).size < 3) {
    database.sell(150_000);
    sent.push(await nextFigures(reader));
  }
  reader.close();
  const last = sent.at(-1)?.figures;
  if (!last) throw new Error('no figures');
  await untilEqual(() => page.locator('#monthly_sales').textContent(), RUPIAH.format(last.monthly_sales));
  expect(await page.locator('#daily_orders').textContent()).toBe(COUNT.format(last.daily_orders));
  const rupiah = sent.map(({ figures }) => RUPIAH.format(figures.daily_sales));
  expect(rupiah[0]).toMatch(/^Rp\s\d{1,3}(\.\d{3})*$/);
  expect((await sales()).slice(-2)).toEqual([...new Set(rupiah)].slice(-2));
  expect(await orders()).toContain(COUNT.format(last.monthly_orders));
  for (const place of places) expect(await place.evaluate((element) => element.isConnected)).toBe(true);
  reportFigures('sales, page', {
    connect: await page.locator('#connect-ms').textContent(),
    'event to screen': await page.locator('#event-ms').textContent(),
  });
});

test('the latest orders are those of the database, the newest on top', async () => {
  const rows = await page.locator('#orders tr').evaluateAll((lines) =>
    lines.map(({ dataset, cells }) => ({
      id: Number(dataset.order),
      items: cells[2].textContent,
      total: cells[4].textContent,
    })),
  );
  const newest = Number(rows[0]?.id);
  expect(rows).toEqual(
    Array.from({ length: 8 }, (_, index) => {
      const { id, items, total } = database.order(newest - index);
      return { id, items, total: RUPIAH.format(total) };
    }),
  );
});

test('the hours of the days are drawn', async () => {
  for (const plot of ['sales-plot', 'orders-plot']) {
    // Yesterday's line is complete at any time; a day without orders would be a line along the bottom.
    const { rows } = await extentOf(page.locator(`#${plot}`), '--warn');
    expect(rows).toBeGreaterThan(50);
    // The present hour, while no pointer is over the plot.
    expect(await page.locator(`#${plot} .u-value`).first().textContent()).toMatch(/^\d\d\.00$/);
  }
});

// With more digits than a month had in its first days, the figure went over the edge of its card.
test('figures of eleven digits fit their cards', async () => {
  for (const width of [1280, 1181, 1180, 390]) {
    await page.setViewportSize({ width, height: 800 });
    const overflows = await page.locator('.figure').evaluateAll((figures) =>
      figures.map((figure) => {
        const text = figure.textContent;
        figure.textContent = 'Rp 88.888.888.888';
        const overflow = figure.scrollWidth - figure.clientWidth;
        figure.textContent = text;
        return overflow;
      }),
    );
    expect({ width, overflows }).toEqual({ width, overflows: [0, 0, 0, 0] });
  }
});

atLength(undefined, test)?.('it fits a phone, and is dark for those who like it', async () => {
  const faults = await faultsOnPhone(browser, example.url, (phone) =>
    phone.locator('#orders tr:nth-child(8)').waitFor(),
  );
  expect(faults).toEqual([]);
});

test('a feed that has no answer yet is told from one that is lost, and comes back by itself', async () => {
  const wire = await TcpProxy.start(example.brokerPort);
  wire.silence();
  const visitor = await browser.newPage();
  await moveBroker(visitor, example.brokerPort, wire.port);
  await visitor.goto(example.url);
  await pill('connecting', visitor).waitFor();
  const states = await textsOf(visitor, '#state');
  wire.mend();
  await pill('connected', visitor).waitFor();
  wire.cut();
  await pill('unavailable', visitor).waitFor();
  wire.mend();
  await pill('connected', visitor).waitFor();
  expect(await states()).toEqual(['Connecting …', 'Live', 'No connection: trying again', 'Live']);
  await visitor.close();
  await wire.close();
});

test('a broker that goes is shown, and when it is back the figures go on from what was sold meanwhile', async () => {
  const states = await textsOf(page, '#state');
  // Of the month, as on the page: on its first day that is less than what the shop ever sold.
  const before = database.ordersThisMonth;
  const notes = await textsOf(page, '.since');
  const killedAt = Date.now();
  example.killBroker();
  // A broker that starts quickly is back before somebody who looks now and then sees that it was away.
  await untilEqual(async () => (await states()).length >= 2, true);
  database.sell(150_000);
  await untilEqual(states, ['Live', 'No connection: trying again', 'Live']);
  reportFigures('sales', { 'from the end of the broker to a page that is connected': Date.now() - killedAt });
  // In the time of the shop, as all times on the page.
  const minute = new Intl.DateTimeFormat('id-ID', { timeStyle: 'short', timeZone: 'Asia/Makassar' });
  const [, note = '', none] = await notes();
  const minutes = [killedAt - 60_000, killedAt].map((at) => `since ${minute.format(at)}`);
  expect(minutes).toContain(note);
  expect(none).toBe('');
  const shown = async () => Number((await page.locator('#monthly_orders').textContent())?.replaceAll('.', ''));
  await untilEqual(async () => (await shown()) > before, true);
});

test('a page that is refused says why, and does not try again', async () => {
  // A page has two feeds: there is no room for a second one.
  const full = await startExample('sales', {
    SALES_DATABASE: join(temporaryFolder(), 'shop.db'),
    KULKUL_DEFAULT_APP_MAX_CONNECTIONS: '2',
  });
  const welcome = await openPage(full);
  await pill('connected', welcome).waitFor();
  const refused = await browser.newPage();
  let sockets = 0;
  refused.on('websocket', (socket) => {
    if (socket.url().includes('/api/v1/')) sockets += 1;
  });
  await refused.clock.install();
  await refused.goto(full.url);
  await pill('refused', refused).waitFor();
  expect(await refused.locator('#state').textContent()).toBe('Refused by the broker');
  expect(await refused.locator('#notice').textContent()).toMatch(/^The broker refuses this page: .*quota/);
  await untilEqual(() => sockets, 2);
  await refused.clock.fastForward(60_000);
  expect(sockets).toBe(2);
  await Promise.all([welcome.close(), refused.close()]);
});

test('a database that can not be opened is named', async () => {
  const file = join(temporaryFolder(), 'missing', 'shop.db');
  const process = runExample('sales', { SALES_DATABASE: file });
  expect(await process.exited).toEqual({ code: 1, signal: null });
  expect(process.stdout).toContain(`The shop's database ${file} can't be opened: `);
});
