import { writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Backend } from '../support/backend.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import { bundlePages, launchBrowser } from '../support/browser.ts';
import { startProcess, temporaryFolder } from '../support/process.ts';
import { Authority } from '../support/tls.ts';
import { forceTlsScenario } from './scenarios/connection.ts';
import { play } from './scenarios/play.ts';
import type { World } from './scenarios/stage.ts';

let backend: Backend;
let browser: Browser;
let world: World;
beforeAll(async () => {
  const authority = await Authority.create();
  const { cert, key } = await authority.issue();
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key);
  const apps = [{ ...FULL_APP, forceTls: true }];
  const ssl = { 'ssl.certPath': join(folder, 'cert.pem'), 'ssl.keyPath': join(folder, 'key.pem') };
  const [plain, secure] = await Promise.all([startProcess({ apps }), startProcess({ apps, settings: ssl })]);
  backend = await Backend.start(secure, {
    files: await bundlePages(new URL('scenarios/page.ts', import.meta.url)),
    sdk: { useTLS: true, agent: new Agent({ ca: authority.cert }) },
  });
  browser = await launchBrowser();
  world = {
    key: APP.key,
    wsHost: 'localhost',
    wsPort: plain.port,
    wssPort: secure.port,
    backendUrl: backend.url,
  };
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await browser.close();
  await backend.stop();
});

test('pusher-js in Node comes back over wss:// when the app accepts TLS only', async () => {
  // pusher-js has no option for it: the WebSocket library in it trusts the authorities of Node.
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  expect(await play(forceTlsScenario, world)).toEqual(forceTlsScenario.expected);
});

test('pusher-js in Chromium comes back over wss:// when the app accepts TLS only', async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(world.backendUrl);
  const call = [forceTlsScenario.title, world].map((argument) => JSON.stringify(argument)).join();
  expect(await page.evaluate(`runScenario(${call})`)).toEqual(forceTlsScenario.expected);
});
