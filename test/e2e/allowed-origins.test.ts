import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { FULL_APP } from '../support/broker.ts';
import { launchBrowser } from '../support/browser.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';

let broker: BrokerProcess;
let backend: Backend;
let browser: Browser;
beforeAll(async () => {
  broker = await startProcess({ apps: [{ ...FULL_APP, allowedOrigins: ['http://localhost:*'] }] });
  backend = await Backend.start(broker, { files: new Map([['/', '<!doctype html><title>Application</title>']]) });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await backend.stop();
});

/** What a page of an origin sees when it connects, subscribes at once, and pings once it is let in. */
async function seenFrom(host: string): Promise<unknown> {
  const page = await browser.newPage();
  await page.goto(`http://${host}:${backend.port}`);
  const seen: unknown = await page.evaluate(`new Promise((resolve) => {
    const frames = [];
    const socket = new WebSocket('${broker.wsUrl}/app/${FULL_APP.key}?protocol=7');
    socket.onopen = () => socket.send('{"event":"pusher:subscribe","data":{"channel":"scada"}}');
    socket.onmessage = ({ data }) => {
      const { event } = JSON.parse(data);
      frames.push(event);
      if (event === 'pusher_internal:subscription_succeeded') socket.close(1000);
    };
    socket.onclose = ({ code, reason, wasClean }) => resolve({ frames, code, reason, wasClean });
  })`);
  await page.close();
  return seen;
}

test('a page of an allowed origin connects and subscribes', async () => {
  expect(await seenFrom('localhost')).toEqual({
    frames: ['pusher:connection_established', 'pusher_internal:subscription_succeeded'],
    code: 1000,
    reason: '',
    wasClean: true,
  });
});

test('a page of another origin is told so, closed for good, and gets nothing', async () => {
  expect(await seenFrom('127.0.0.1')).toEqual({
    frames: ['pusher:error'],
    code: 4009,
    reason: `Origin http://127.0.0.1:${backend.port} is not one of the app's allowedOrigins`,
    wasClean: true,
  });
  expect(await broker.logged('connection refused')).toMatchObject({
    code: 4009,
    origin: `http://127.0.0.1:${backend.port}`,
  });
});
