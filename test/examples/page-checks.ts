import type { Browser, Locator, Page } from 'playwright-core';

/** What the pages are in the dark: `--ground`. */
const DARK = 'rgb(18, 22, 26)';

/**
 * How far a plot's line goes: on how many rows and columns of its canvas its colour is, how many columns without it are in its widest gap, and how many
 * gaps it has.
 * Axes and letters are grey.
 *
 * @param color - a CSS variable of the look: `--accent`
 */
export async function extentOf(
  plot: Locator,
  color: string,
): Promise<{ rows: number; columns: number; widestGap: number; gaps: number }> {
  return plot.locator('canvas').evaluate((canvas, variable) => {
    const { ownerDocument: document } = canvas;
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.color = `var(${variable})`;
    const wanted = document.defaultView.getComputedStyle(probe).color.match(/\d+/g)?.map(Number) ?? [];
    probe.remove();
    const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    const rows = new Set<number>();
    const columns = new Set<number>();
    for (let at = 0; at < pixels.length; at += 4) {
      if (wanted.some((part: number, index: number) => pixels[at + index] !== part)) continue;
      rows.add(Math.floor(at / 4 / canvas.width));
      columns.add((at / 4) % canvas.width);
    }
    const inOrder = [...columns].sort((a, b) => a - b);
    const widths = inOrder.slice(1).map((column, index) => column - (inOrder[index] ?? column) - 1);
    // A steep part of a line is on fewer columns.
    const gaps = widths.filter((width) => width > 10).length;
    return { rows: rows.size, columns: columns.size, widestGap: Math.max(0, ...widths), gaps };
  }, color);
}

/** How many gaps a plot's line has: places without its colour, more than a few columns wide, between others that have it. */
export async function gapsOf(plot: Locator, color: string): Promise<number> {
  return plot.locator('canvas').evaluate((canvas, variable) => {
    const { ownerDocument: document } = canvas;
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.color = `var(${variable})`;
    const wanted = document.defaultView.getComputedStyle(probe).color.match(/\d+/g)?.map(Number) ?? [];
    probe.remove();
    const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    const columns = new Set<number>();
    for (let at = 0; at < pixels.length; at += 4) {
      // Of a line that lies askew only some pixels have the colour itself; what is nearly clear has any.
      if (
        pixels[at + 3] > 128 &&
        wanted.every((part: number, index: number) => Math.abs(pixels[at + index] - part) < 60)
      )
        columns.add((at / 4) % canvas.width);
    }
    const sorted = [...columns].sort((a, b) => a - b);
    return sorted.filter((column, index) => index > 0 && column - (sorted[index - 1] ?? column) > 3).length;
  }, color);
}

/** Notes what the plots of a page write, for `labelsOf`; before the page is opened. */
export async function recordLabels(page: Page): Promise<void> {
  await page.addInitScript(`{
    const { clearRect, fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.clearRect = function (...area) {
      this.canvas.labels = [];
      clearRect.apply(this, area);
    };
    CanvasRenderingContext2D.prototype.fillText = function (...label) {
      this.canvas.labels.push(label[0]);
      fillText.apply(this, label);
    };
  }`);
}

/** What stands at the axes of a plot. */
export function labelsOf(plot: Locator): Promise<string[]> {
  return plot.locator('canvas').evaluate((canvas) => canvas.labels);
}

/** A page on a phone of somebody who likes it dark, or the reasons why it is none: empty when all is well. */
export async function faultsOnPhone(
  browser: Browser,
  url: string,
  untilShown: (page: Page) => Promise<unknown>,
): Promise<string[]> {
  const page = await browser.newPage({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  await page.goto(url);
  await untilShown(page);
  const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  const background = await page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
  await page.close();
  return [
    ...(overflow > 0 ? [`${overflow} px too wide`] : []),
    ...(background === DARK ? [] : [`its background is ${background}`]),
  ];
}

/** Has the scripts of a page say something else in one place, such as the key of an app that there is not. */
export async function changeScripts(page: Page, from: string, to: string): Promise<void> {
  await page.route(/\/(main|plain)\.ts$/, async (route) => {
    const response = await route.fetch();
    const text = await response.text();
    if (!text.includes(from)) throw new Error(`${response.url()} has no ${from}`);
    await route.fulfill({ response, body: text.replaceAll(from, to) });
  });
}

/** Has a page look for its broker elsewhere. */
export function moveBroker(page: Page, from: number, to: number): Promise<void> {
  return changeScripts(page, `"BROKER_PORT": "${from}"`, `"BROKER_PORT": "${to}"`);
}

/** From here on the timers of a page stand still; its clock is to be installed. */
export async function stopClock(page: Page): Promise<void> {
  // It can't stop in the past, and goes on until it does.
  await page.clock.pauseAt((await page.evaluate<number>('Date.now()')) + 10_000);
}
