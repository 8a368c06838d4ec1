import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestApplication } from '../../support/application.ts';
import { bundlePages, launchBrowser } from '../../support/browser.ts';
import type { Scenario } from './stage.ts';

/** Plays scenarios in a page of an application, in a real Chromium. */
export function playInChromium(
  start: (files: ReadonlyMap<string, string>) => Promise<TestApplication>,
  scenarios: readonly Scenario[],
): void {
  let application: TestApplication;
  let browser: Browser;
  let page: Page;
  const pageErrors: string[] = [];
  beforeAll(async () => {
    application = await start(await bundlePages(new URL('page.ts', import.meta.url)));
    browser = await launchBrowser();
    page = await browser.newPage();
    page.on('pageerror', (error) => pageErrors.push(error.message));
    await page.goto(application.world.backendUrl);
  });
  afterAll(async () => {
    await browser.close();
    await application.stop();
  });

  describe('in Chromium', () => {
    for (const { title, expected } of scenarios) {
      test(title, async () => {
        const call = [title, application.world].map((argument) => JSON.stringify(argument)).join();
        expect(await page.evaluate(`runScenario(${call})`)).toEqual(expected);
      });
    }

    test('nothing was thrown in the page', () => {
      expect(pageErrors).toEqual([]);
    });
  });
}
