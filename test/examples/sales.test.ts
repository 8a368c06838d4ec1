import { once } from 'node:events';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { launchBrowser } from '../support/browser.ts';
import { temporaryFolder } from '../support/process.ts';
import { untilEqual } from '../support/until.ts';
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
  database = new ShopDatabase(file);
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

test('whoever reads the feed gets the four figures that SQLite has, the last ones at once and then each new one', async () => {
  const early = readFeed(example);
  const sent = [await nextFigures(early)];
  const openedAt = performance.now();
  const late = readFeed(example);
  expect((await nextFigures(late)).figures).toEqual(sent[0]?.figures);
  reportFigures('sales, plain feed', { 'figures after': Math.round(performance.now() - openedAt) });
  const [one, other] = await Promise.all([nextFigures(early), nextFigures(late)]);
  expect(one.figures).toEqual(other.figures);
  for (const { figures, atMs } of [...sent, one]) {
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
  while (new Set(sent.map(({ figures }) => figures.daily_sales)).size < 3) sent.push(await nextFigures(reader));
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
    const heights = await page.locator(`#${plot} canvas`).evaluate((canvas) => {
      const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      // Amber is the line of yesterday, which is complete at any time; axes and letters are grey.
      const rows = new Set<number>();
      for (let at = 0; at < pixels.length; at += 4) {
        const isAmber = pixels[at] === 154 && pixels[at + 1] === 97 && pixels[at + 2] === 0;
        if (isAmber) rows.add(Math.floor(at / 4 / canvas.width));
      }
      return rows.size;
    });
    // A day without orders would be a line along the bottom.
    expect(heights).toBeGreaterThan(50);
  }
});

test('it fits a phone, and is dark for those who like it', async () => {
  const phone = await browser.newPage({ viewport: { width: 400, height: 800 }, colorScheme: 'dark' });
  await phone.goto(example.url);
  await pill('connected', phone).waitFor();
  await phone.locator('#orders tr:nth-child(8)').waitFor();
  const overflow = await phone.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  const background = await phone.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
  expect(overflow).toBeLessThanOrEqual(0);
  expect(background).toBe('rgb(18, 22, 26)');
  await phone.close();
});

test('a broker that goes is shown, and when it is back the figures go on from what the till wrote meanwhile', async () => {
  const states = await textsOf(page, '#state');
  const before = database.count;
  example.killBroker();
  await pill('unavailable').waitFor();
  await pill('connected').waitFor();
  expect(await states()).toEqual(['Live', 'No connection: trying again', 'Live']);
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
