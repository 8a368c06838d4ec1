import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApplication, type TestApplication } from '../support/application.ts';
import { bundlePages, launchBrowser } from '../support/browser.ts';
import { interruptionScenarios } from './scenarios/connection.ts';
import { echoScenarios } from './scenarios/echo.ts';
import { pusherJsScenarios } from './scenarios/pusher-js.ts';

let application: TestApplication;
let browser: Browser;
let page: Page;
const pageErrors: string[] = [];
beforeAll(async () => {
  const pages = await bundlePages(new URL('scenarios/page.ts', import.meta.url));
  application = await startApplication(pages);
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
  for (const { title, expected } of [...pusherJsScenarios, ...echoScenarios, ...interruptionScenarios]) {
    test(title, async () => {
      const call = [title, application.world].map((argument) => JSON.stringify(argument)).join();
      expect(await page.evaluate(`runScenario(${call})`)).toEqual(expected);
    });
  }

  test('nothing was thrown in the page', () => {
    expect(pageErrors).toEqual([]);
  });
});
