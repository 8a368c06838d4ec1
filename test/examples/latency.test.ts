import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { atLength } from '../support/at-length.ts';
import { launchBrowser } from '../support/browser.ts';
import { RawClient } from '../support/raw-client.ts';
import { StreamReader } from '../support/stream-reader.ts';
import { untilEqual } from '../support/until.ts';
import { extentOf, faultsOnPhone, labelsOf, recordLabels } from './page-checks.ts';
import { type Example, reportFigures, runExample, startExample, textsOf } from './start-example.ts';

const LANES = ['websocket', 'sse'] as const;

interface Message {
  readonly message: string;
  readonly sentAt: number;
}

let example: Example;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  [example, browser] = await Promise.all([startExample('latency'), launchBrowser()]);
  page = await browser.newPage();
  await recordLabels(page);
  await page.goto(example.url);
});

afterAll(() => browser.close());

function figure(lane: string, name: string): Locator {
  return page.locator(`#${lane} [data-figure="${name}"]`);
}

function pill(lane: string, state: string): Locator {
  return page.locator(`#${lane} .pill[data-state="${state}"]`);
}

function parsed(text: string): Message {
  const message = JSON.parse(text) as Message;
  // The two fields and no others.
  expect(message).toEqual({ message: expect.any(String), sentAt: expect.any(Number) });
  return message;
}

describe('a client of the user', () => {
  test('is greeted at the root, hears messages and status, and is alone in hearing its echo', async () => {
    const [first, second] = [0, 1].map(() => new RawClient(`ws://localhost:${example.brokerPort}`));
    if (!first || !second) throw new Error('no clients');
    for (const client of [first, second]) {
      expect(parsed(await client.nextText()).message).toBe('WebSocket connection established');
    }
    first.ws.send('hello');
    const heard: Record<'first' | 'second', string[]> = { first: [], second: [] };
    const isWhole = (): boolean =>
      Object.values(heard).every(
        (texts) =>
          texts.some((text) => text.startsWith('Message ')) && texts.some((text) => text.startsWith('Status: ')),
      );
    while (!isWhole()) {
      heard.first.push(parsed(await first.nextText()).message);
      if (heard.first.at(-1) !== 'Echo: hello') heard.second.push(parsed(await second.nextText()).message);
    }
    expect(heard.first.filter((text) => text.startsWith('Echo: '))).toEqual(['Echo: hello']);
    expect(heard.second.filter((text) => text.startsWith('Echo: '))).toEqual([]);
    await first.close();
    await second.close();
  });

  test('reads the same by SSE on the port of the page, as onmessage sees it', async () => {
    const stream = await StreamReader.open(`${example.url}api/sse`);
    const welcome = await stream.nextEvent();
    expect([welcome.event, parsed(welcome.data ?? '').message]).toEqual([undefined, 'SSE connection established']);
    const { event, data = '' } = await stream.nextEvent();
    expect(event).toBe('message');
    expect(parsed(data).message).toMatch(/^(Message \d+ from the server|Status: running for \d+ s)$/);
    stream.close();
  });

  test('may be in Python', async () => {
    const script = `
import asyncio, json, websockets
async def main():
    async with websockets.connect("ws://localhost:${example.brokerPort}") as socket:
        print(await socket.recv(), flush=True)
        await socket.send("from Python")
        while True:
            print(await socket.recv(), flush=True)
asyncio.run(main())`;
    const python = spawn(inject('python'), ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const seen: string[] = [];
    for await (const line of createInterface({ input: python.stdout })) {
      seen.push(parsed(line).message);
      if (seen.includes('Echo: from Python')) break;
    }
    python.kill('SIGKILL');
    expect(seen[0]).toBe('WebSocket connection established');
  });

  test('asks at the root whether the broker is alive, as ever', async () => {
    expect(await (await fetch(`http://127.0.0.1:${example.brokerPort}/`)).text()).toBe('OK');
  });
});

test('both lanes show state, connection time, messages received, average latency and the last ten messages', async () => {
  for (const lane of LANES) {
    await pill(lane, 'connected').waitFor();
    await page.locator(`#${lane} .messages tbody tr:nth-child(10)`).waitFor();
    for (const name of ['connect', 'average']) {
      expect(await figure(lane, name).textContent()).toMatch(/^-?\d+(\.\d)? ms$/);
    }
    expect(Number(await figure(lane, 'messages').textContent())).toBeGreaterThanOrEqual(10);
    const rows = page.locator(`#${lane} .messages tbody tr`);
    expect(await rows.count()).toBe(10);
    const texts = await page.locator(`#${lane} .messages tbody td:nth-child(2)`).allTextContents();
    const numbers = texts.flatMap((text) => /^Message (\d+) from the server$/.exec(text)?.[1] ?? []).map(Number);
    expect(numbers.length).toBeGreaterThan(3);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) - index));
    reportFigures(`latency, ${lane}`, {
      connect: (await figure(lane, 'connect').textContent())?.replace(' ms', '') ?? null,
      'event to screen, average': (await figure(lane, 'average').textContent())?.replace(' ms', '') ?? null,
    });
  }
});

test('the verdict says what both averages come to', async () => {
  const time = String.raw`-?\d+(\.\d)? ms`;
  const verdict = await page.locator('#verdict').textContent();
  expect(verdict).toMatch(new RegExp(`^WebSocket ${time}, SSE ${time}: (no difference you could feel|.+ slower)$`));
});

test('the latencies of both lanes are drawn, over all of their width and on one scale', async () => {
  const scales: string[][] = [];
  for (const lane of LANES) {
    const plot = page.locator(`#${lane} .plot`);
    const { columns } = await extentOf(plot, '--accent');
    expect({ lane, isDrawn: columns > 200 }).toEqual({ lane, isDrawn: true });
    scales.push((await labelsOf(plot)).filter((label) => label.endsWith(' ms')));
  }
  expect(scales[0]?.length).toBeGreaterThan(1);
  expect(scales[1]).toEqual(scales[0]);
});

test('what is sent comes back and is shown, by keyboard alone, and tells how the clocks differ', async () => {
  await page.locator('#text').focus();
  await page.locator('#text').fill('good morning');
  await page.keyboard.press('Enter');
  await page.locator('#echo', { hasText: /^Echo: good morning \(\d+(\.\d)? ms there and back\)$/ }).waitFor();
  await page.locator('#websocket .messages td', { hasText: 'Echo: good morning' }).first().waitFor();
  expect(await figure('websocket', 'echo').textContent()).toMatch(/ ms$/);
  expect(await figure('sse', 'echo').textContent()).toBe('–');
  expect(await page.locator('#sse .messages td', { hasText: 'Echo: ' }).count()).toBe(0);
  await page.locator('#offset', { hasText: /browser's/ }).waitFor();
});

atLength(undefined, test)?.('it fits a phone, and is dark for those who like it', async () => {
  const faults = await faultsOnPhone(browser, example.url, async (phone) => {
    for (const lane of LANES) await phone.locator(`#${lane} .messages tbody tr:nth-child(3)`).waitFor();
    // One button wrapped on to a line of its own; with the longest of states it stuck out.
    const bars = await phone.locator('.lane').evaluateAll((lanes) =>
      lanes.map((lane) => {
        const [bar, below] = lane.querySelectorAll('.bar');
        lane.querySelector('.pill').textContent = 'No connection: trying again';
        lane.querySelector('.since').textContent = 'since 07:04';
        const button = bar.querySelector('[data-do="disconnect"]');
        const isFirstLine = button.offsetTop <= bar.querySelector('h2').offsetTop;
        const overflow = Math.max(bar.scrollWidth - bar.clientWidth, below.scrollWidth - below.clientWidth);
        return { isFirstLine, overflow };
      }),
    );
    expect(bars).toEqual(Array(2).fill({ isFirstLine: true, overflow: 0 }));
  });
  expect(faults).toEqual([]);
});

test('a lane that is disconnected gets no messages and says since when it is old, until it is connected again', async () => {
  for (const lane of LANES) {
    await page.locator(`#${lane} [data-do="disconnect"]`).focus();
    await page.keyboard.press('Enter');
    await pill(lane, 'off').waitFor();
    expect(await page.locator(`#${lane}[data-stale] .since`).textContent()).toMatch(/^since \d\d:\d\d$/);
  }
  await page.locator('#text').press('Enter');
  await page.locator('#echo', { hasText: 'Not sent: the WebSocket is not connected.' }).waitFor();
  // What was on its way is drawn by then.
  const other = await browser.newPage();
  await other.goto(example.url);
  await other.locator('#sse .messages tbody tr:nth-child(3)').waitFor();
  const before = await Promise.all(LANES.map((lane) => figure(lane, 'messages').textContent()));
  const seen = await other.locator('#sse [data-figure="messages"]').textContent();
  await other.locator(`#sse [data-figure="messages"]:not(:text-is("${seen}"))`).waitFor();
  expect(await Promise.all(LANES.map((lane) => figure(lane, 'messages').textContent()))).toEqual(before);
  await other.close();
  for (const [index, lane] of LANES.entries()) {
    await page.locator(`#${lane} [data-do="connect"]`).click();
    await pill(lane, 'connected').waitFor();
    expect(await page.locator(`#${lane}[data-stale]`).count()).toBe(0);
    await page.locator(`#${lane} [data-figure="messages"]:not(:text-is("${before[index]}"))`).waitFor();
  }
});

test('both lanes say that the broker is away, and go on by themselves when it is back, with a gap in the line', async () => {
  const states = await Promise.all(LANES.map((lane) => textsOf(page, `#${lane} .pill`)));
  example.killBroker();
  await example.process.printed(/^The broker runs again/);
  const away = ['Live', 'No connection: trying again', 'Live'];
  for (const shown of states) await untilEqual(shown, away);
  for (const lane of LANES) {
    const before = await figure(lane, 'messages').textContent();
    await page.locator(`#${lane} [data-figure="messages"]:not(:text-is("${before}"))`).waitFor();
  }
  const messages = await page.locator('#sse .messages td:nth-child(2)').first().textContent();
  await page.reload();
  // What was there before is there at once, and the line is broken where the broker was away.
  await page
    .locator('#sse .messages td:nth-child(2)', { hasText: messages ?? '?' })
    .first()
    .waitFor();
  for (const lane of LANES) {
    const points = await page.evaluate<[number, number | null][]>(
      `JSON.parse(localStorage.getItem('plot latency ${lane}'))`,
    );
    const values = points.map(([, value]) => value);
    expect(values.slice(values.findIndex((value) => value !== null)).indexOf(null)).toBeGreaterThan(0);
  }
});

test('a lane that is refused says so, and does not try again by itself', async () => {
  const refused = await browser.newPage();
  await refused.route('**/api/sse', (route) => route.fulfill({ status: 403, body: 'no' }));
  await refused.routeWebSocket(/:\d+\/$/, (socket) =>
    socket.url().endsWith(`:${example.brokerPort}/`)
      ? socket.close({ code: 4009, reason: 'Not allowed here' })
      : socket.connectToServer(),
  );
  await refused.goto(example.url);
  await refused.locator('#sse .pill[data-state="refused"]', { hasText: 'Refused by the broker' }).waitFor();
  await refused.locator('#websocket .pill[data-state="refused"]', { hasText: 'Refused: Not allowed here' }).waitFor();
  for (const lane of LANES) await refused.locator(`#${lane} [data-do="connect"]:enabled`).waitFor();
  await refused.close();
});

test('a broken configuration stops the start and is named', async () => {
  const process = runExample('latency', { KULKUL_MAX_FRAME_BYTES: 'many' });
  expect((await process.exited).code).toBe(1);
  expect(process.stdout).toMatch(/^broker .*maxFrameBytes.*many/m);
  expect(process.stderr).toContain('The broker could not start');
});
