import { once } from 'node:events';
import type { Browser, Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { atLength } from '../support/at-length.ts';
import { launchBrowser } from '../support/browser.ts';
import { RawClient } from '../support/raw-client.ts';
import { StreamReader } from '../support/stream-reader.ts';
import { until, untilEqual } from '../support/until.ts';
import { extentOf, faultsOnPhone, gapsOf } from './page-checks.ts';
import { startReader } from './python-reader.ts';
import { type Example, reportFigures, runExample, runProgram, startExample, textsOf } from './start-example.ts';

const AGENT_TOKEN = 'monitoring-agent-token';
const SECRETS = /hunter2|abc\.def|s3cret/;
const READERS = 100;
const AGENTS = 10;
/** What the users of this system allow a reader to cost. */
const BYTES_PER_SECOND = 12_000;

interface Reading {
  readonly memory?: number;
  readonly info?: Readonly<Record<string, string>>;
  readonly unreadable?: readonly { readonly figure: string; readonly reason: string }[];
}

interface Message {
  readonly type: string;
  readonly subject?: string;
  readonly message?: string;
  readonly data?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

let example: Example;
let browser: Browser;
let page: Page;
let feedUrl: string;

beforeAll(async () => {
  // A busy machine would raise alerts of its own, which come whenever they like: once at most.
  const env = { AGENTS: String(AGENTS), ALERT_HYSTERESIS: '40', READ_EVERY_SECONDS: '1' };
  [example, browser] = await Promise.all([startExample('monitoring', env), launchBrowser()]);
  feedUrl = `${example.url.replace('http', 'ws')}ws`;
  page = await browser.newPage();
  await page.goto(example.url);
});

afterAll(() => browser.close());

async function get(path: string): Promise<unknown> {
  const answer = await fetch(new URL(path, example.url));
  expect(answer.status).toBe(200);
  return answer.json();
}

function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(new URL(path, example.url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** A reading as an agent sends it. */
async function report(server: string, { memory, ...rest }: Reading): Promise<void> {
  const share = memory === undefined ? null : { percent: memory, used: memory * 1e8, total: 1e10 };
  const body = { server, cpu: null, memory: share, disk: null, network: null, ...rest };
  expect((await post('/api/v1/readings', body, { Authorization: `Bearer ${AGENT_TOKEN}` })).status).toBe(200);
}

/** All that a reader of the feed gets. */
async function openFeed(url = feedUrl): Promise<{ readonly messages: readonly Message[]; readonly socket: WebSocket }> {
  const messages: Message[] = [];
  const socket = new WebSocket(url);
  socket.on('message', (data) => messages.push(JSON.parse(String(data)) as Message));
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  // The last reading, or the next one: from then on nothing is missed.
  await until(() => messages.length > 0);
  return { messages, socket };
}

/** A server of a test is silent soon after, too: that is another matter. */
const alertsOn = (messages: readonly Message[], server: string, metric = 'memory'): readonly Message[] =>
  messages.filter(({ subject }) => subject?.includes(`] ${server} ${metric}`));

const ALERT = (server: string) => ({
  type: 'alert',
  alert_type: 'alert',
  subject: `[ALERT] ${server} memory high`,
  message: 'Memory used 85.0% (threshold 80.0%)',
});
const RECOVERY = (server: string) => ({
  type: 'alert',
  alert_type: 'recovery',
  subject: `[RECOVERED] ${server} memory`,
  message: 'Memory back to 35.0%',
});

/** Lines of the list of alerts, without their time, the latest first. */
function alertsOf(place: Page): Promise<string[]> {
  return place.locator('#alerts li').evaluateAll((lines) =>
    lines.map((line) =>
      [...line.children]
        .slice(1)
        .map((part) => part.textContent)
        .join(': '),
    ),
  );
}

function agentPid(name: string): number {
  return Number(new RegExp(`^${name} .*process (\\d+)$`, 'm').exec(example.process.stdout)?.[1]);
}

test('ten agents, processes of their own, are ten servers on the page, whose figures change in place', async () => {
  await page.locator('#state[data-state="connected"]').waitFor();
  await untilEqual(() => page.locator('.server[data-status="up"]').count(), AGENTS);
  const read = await textsOf(page, '#read-at');
  await untilEqual(async () => (await read()).length >= 3, true);
  for (const metric of ['cpu', 'memory', 'disk']) {
    const values = await page.locator(`[data-metric="${metric}"] .value`).allTextContents();
    expect(values).toHaveLength(AGENTS);
    for (const text of values) expect(text).toMatch(/^\d+\.\d %$|^unknown$/);
  }
  const pids = [...example.process.stdout.matchAll(/every 1 s, process (\d+)$/gm)].map(([, pid]) => pid);
  expect(new Set(pids).size).toBe(AGENTS);
  reportFigures('monitoring', { connect: await page.locator('#connect-ms').textContent() });
});

test('ten servers cost a reader less than it allows, at a reading every four seconds', async () => {
  const { messages } = await openFeed();
  const ofTen = ({ data }: Message): boolean => Object.keys(data ?? {}).length >= AGENTS;
  await until(() => messages.some(ofTen));
  const bytes = Buffer.byteLength(JSON.stringify(messages.find(ofTen)));
  process.stdout.write(`monitoring: ${bytes} bytes for ${AGENTS} servers, ${(bytes / 4000).toFixed(2)} kB/s\n`);
  expect(bytes / 4).toBeLessThan(BYTES_PER_SECOND);
});

test('an alert and its recovery come at once, in the shape that readers know, to every kind of reader', async () => {
  const { messages } = await openFeed();
  const direct = await openFeed(`ws://127.0.0.1:${example.brokerPort}/ws`);
  const stream = await StreamReader.open(`${example.url}ws`);
  const python = startReader(feedUrl);
  onTestFinished(() => {
    stream.close();
    python.stop();
  });
  await page.evaluate(`new Promise((resolve) => {
    window.messages = [];
    const socket = new WebSocket(${JSON.stringify(feedUrl)});
    socket.onmessage = ({ data }) => {
      window.messages.push(JSON.parse(data));
      resolve();
    };
  })`);
  await until(() => python.lines.length > 0);
  await report('shape-1', { memory: 85 });
  await report('shape-1', { memory: 35 });
  const expected = [ALERT('shape-1'), RECOVERY('shape-1')];
  await untilEqual(() => alertsOn(messages, 'shape-1'), expected);
  await untilEqual(() => alertsOn(direct.messages, 'shape-1'), expected);
  await untilEqual(async () => alertsOn(await page.evaluate<Message[]>('window.messages'), 'shape-1'), expected);
  const streamed: Message[] = [];
  while (alertsOn(streamed, 'shape-1').length < 2) streamed.push(JSON.parse(await stream.nextData()) as Message);
  expect(alertsOn(streamed, 'shape-1')).toEqual(expected);
  const lines = ['alert: [ALERT] shape-1 memory high', 'recovery: [RECOVERED] shape-1 memory'];
  await until(() => lines.every((line) => python.lines.some((printed) => printed.startsWith(line))));
  expect(python.lines.some((line) => /^db-1: cpu [\d.]+ %, memory [\d.]+ %$/.test(line))).toBe(true);
});

test('a reading has all servers, and it is what a reader begins with', async () => {
  await report('shape-2', { memory: 85 });
  const { messages } = await openFeed();
  expect(messages[0]).toMatchObject({ type: 'metrics_update', data: { 'db-1': { status: 'up' } } });
  await until(() => messages.some(({ data }) => data?.['shape-2'] !== undefined));
  const { data = {} } = messages.findLast(({ type }) => type === 'metrics_update') ?? {};
  expect(data['shape-2']).toMatchObject({ memory: { percent: 85 }, cpu: null });
  expect(await get('/api/v1/servers/metrics')).toMatchObject({ 'shape-2': { memory: { percent: 85 } } });
});

test('alerts are toasts and a list that is there after a reload', async () => {
  await report('toast-1', { memory: 85 });
  const alert = '[ALERT] toast-1 memory high: Memory used 85.0% (threshold 80.0%)';
  await page.locator('.toasts [data-tone="bad"]', { hasText: alert }).waitFor();
  await report('toast-1', { memory: 35 });
  const recovery = '[RECOVERED] toast-1 memory: Memory back to 35.0%';
  await page.locator('.toasts [data-tone="good"]', { hasText: recovery }).waitFor();
  const isOurs = (line: string): boolean => line.includes('toast-1 memory');
  await untilEqual(async () => (await alertsOf(page)).filter(isOurs), [recovery, alert]);
  await page.reload();
  await untilEqual(async () => (await alertsOf(page)).filter(isOurs), [recovery, alert]);
});

test('passwords are masked in everything: feed, API, page, console', async () => {
  const { messages } = await openFeed();
  await report('mask-1', {
    info: { backup: 'sftp://ops:s3cret@10.0.0.5/daily', start: 'serve --password hunter2' },
    unreadable: [{ figure: 'cpu', reason: 'Authorization: Bearer abc.def' }],
  });
  const note = 'restored with password=hunter2 and Bearer abc.def';
  await page.locator('#drill-server').selectOption('mask-1');
  await page.locator('#note').fill(note);
  await page.locator('#drill button').click();
  await page.locator('.toasts', { hasText: 'The next two readings of mask-1 are a drill.' }).waitFor();
  await report('mask-1', {});
  const masked = '[ALERT] mask-1 drill: A drill: restored with password=•••••• and Bearer ••••••';
  await page.locator('.toasts [data-tone="bad"]', { hasText: masked }).waitFor();
  await report('mask-1', { info: { backup: 'sftp://ops:s3cret@10.0.0.5/daily' } });
  await report('mask-1', { info: { backup: 'sftp://ops:s3cret@10.0.0.5/daily' } });
  await page
    .locator('.toasts [data-tone="good"]', { hasText: '[RECOVERED] mask-1 drill: The drill is over' })
    .waitFor();
  await page.locator('[data-server="mask-1"] .info', { hasText: 'sftp://ops:••••••@10.0.0.5/daily' }).waitFor();
  await until(() => messages.some(({ data }) => data?.['mask-1'] !== undefined));
  const paths = ['/api/state', '/api/v1/servers', '/api/v1/servers/metrics', '/api/v1/alerts', '/api/v1/alerts/active'];
  const answers = await Promise.all(paths.map(get));
  const shown = await page.locator('body').textContent();
  for (const text of [JSON.stringify(messages), JSON.stringify(answers), shown, example.process.stdout]) {
    expect(text).not.toMatch(SECRETS);
  }
});

test('an agent that is gone is an alert of its own, on the page and in the API; the others go on', async () => {
  const { messages } = await openFeed();
  // Whoever has never said anything is not missed.
  await until(() => messages.some(({ data }) => data?.['web-2'] !== undefined));
  process.kill(agentPid('web-2'), 'SIGKILL');
  await untilEqual(
    () =>
      alertsOn(messages, 'web-2', 'agent').map(({ subject, message }) => [
        subject,
        message?.replace(/[\d.]+ s \(/, '… s ('),
      ]),
    [['[ALERT] web-2 agent silent', 'No reading for … s (threshold 3.0 s)']],
  );
  await page.locator('.server[data-server="web-2"][data-status="silent"] .pill', { hasText: 'silent since' }).waitFor();
  const { alerts } = (await get('/api/v1/alerts/active')) as { alerts: readonly Message[] };
  expect(alertsOn(alerts, 'web-2', 'agent')).toHaveLength(1);
  expect(await get('/api/v1/health')).toMatchObject({ status: 'ok', silent: expect.arrayContaining(['web-2']) });
  await page.locator('.server[data-server="db-2"][data-status="up"]').waitFor();

  // It reads this machine, which may be busy: an alert of its own may follow.
  const back = runProgram('monitoring/agent.mjs', {
    AGENT_TOKEN,
    AGENT_NAME: 'web-2',
    PAGE_PORT: new URL(example.url).port,
    READ_EVERY_SECONDS: '1',
  });
  await until(() => alertsOn(messages, 'web-2', 'agent').some(({ subject }) => subject === '[RECOVERED] web-2 agent'));
  await page.locator('.server[data-server="web-2"][data-status="up"]').waitFor();
  await back.kill();
});

test('the charts are full after a reload, from history alone', async () => {
  await until(async () => ((await get('/api/v1/servers/metrics/history')) as { rows: unknown[] }).rows.length >= 5);
  const visitor = await browser.newPage();
  await visitor.routeWebSocket(/\/ws$/, () => {});
  await visitor.goto(example.url);
  for (const chart of await visitor.locator('#charts .plot').all()) {
    await untilEqual(async () => (await extentOf(chart, '--line-1')).columns > 100, true);
  }
  expect(await visitor.locator('#charts .plot').count()).toBe(4);
  await visitor.close();
});

atLength(undefined, test)?.('it fits a phone, and is dark for those who like it', async () => {
  const faults = await faultsOnPhone(browser, example.url, async (phone) => {
    await phone.locator('[data-server="db-1"] .value', { hasText: '%' }).first().waitFor();
    await phone.locator('#alerts li').first().waitFor();
  });
  expect(faults).toEqual([]);
});

test('one broadcast reaches a hundred readers', async () => {
  const all = await Promise.all(Array.from({ length: READERS }, () => openFeed()));
  const arrivals: Promise<number>[] = all.map(
    ({ socket }) =>
      new Promise((resolve) => {
        socket.on('message', (data: Buffer) => {
          if (data.includes('[ALERT] crowd-1 ')) resolve(performance.now());
        });
      }),
  );
  const sentAt = performance.now();
  await report('crowd-1', { memory: 85 });
  const times = (await Promise.all(arrivals)).sort((a, b) => a - b);
  expect(times).toHaveLength(READERS);
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  reportFigures(`monitoring, ${READERS} readers`, {
    'first to last': (last - first).toFixed(1),
    'reading to first': (first - sentAt).toFixed(1),
  });
});

test('the API is documented where a browser finds it, and pages that poll have all at once', async () => {
  const visitor = await browser.newPage();
  const answer = await visitor.goto(new URL('/swagger/index.html', example.url).href);
  expect(answer?.status()).toBe(200);
  for (const path of [
    '/api/v1/servers',
    '/api/v1/servers/metrics',
    '/api/v1/alerts/active',
    '/api/v1/health',
    '/api/state',
  ]) {
    await visitor.locator(`.opblock-summary-path[data-path="${path}"]`).waitFor();
  }
  await visitor.close();
  const names = Array(AGENTS).fill(
    expect.objectContaining({ status: expect.any(String), uptimeSeconds: expect.any(Number) }),
  );
  expect(await get('/api/v1/servers')).toEqual({ servers: expect.arrayContaining(names.slice(0, 1)) });
  expect(await get('/api/state')).toMatchObject({
    servers: { 'db-1': { status: 'up' } },
    alerts: { active: expect.any(Array), recent: expect.any(Array) },
    limits: [{ metric: 'cpu', limit: 90 }, { metric: 'memory', limit: 80 }, { metric: 'disk' }],
  });
  const document = (await get('/swagger/json')) as { paths: Readonly<Record<string, unknown>> };
  expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/api/v1/readings', '/api/v1/drill']));
});

test('readings and drills of strangers are refused, and what is wrong is named', async () => {
  const refused = async (answer: Response): Promise<unknown> => [answer.status, await answer.json()];
  const agent = { Authorization: `Bearer ${AGENT_TOKEN}` };
  expect(
    await refused(await post('/api/v1/readings', { server: 'x', cpu: null, memory: null, disk: null, network: null })),
  ).toEqual([401, { error: expect.stringContaining('AGENT_TOKEN') }]);
  expect(await refused(await post('/api/v1/readings', { server: 'x' }, agent))).toEqual([
    400,
    { error: "body must have required property 'cpu'" },
  ]);
  expect(await refused(await post('/api/v1/drill', { server: 'db-1' }, { Origin: 'https://elsewhere.test' }))).toEqual([
    403,
    { error: 'Not from https://elsewhere.test.' },
  ]);
  expect(await refused(await post('/api/v1/drill', { server: 'none' }))).toEqual([
    404,
    { error: 'There is no server none.' },
  ]);
  expect(await refused(await post('/api/v1/drill', { server: 'db-1', note: 'x'.repeat(201) }))).toEqual([
    400,
    { error: 'body/note must NOT have more than 200 characters' },
  ]);
  expect(await refused(await fetch(new URL('/api/v1/nothing', example.url)))).toEqual([
    404,
    { error: 'There is no /api/v1/nothing.' },
  ]);
});

test('a plain GET of the feed is its last reading, also when an alert came after it', async () => {
  const { messages } = await openFeed();
  await report('poll-1', { memory: 85 });
  await untilEqual(() => alertsOn(messages, 'poll-1').length, 1);
  const answer = await fetch(new URL('/ws', example.url));
  expect([answer.status, answer.headers.get('Content-Type')]).toEqual([
    200,
    expect.stringContaining('application/json'),
  ]);
  expect(await answer.json()).toEqual({ type: 'metrics_update', data: expect.any(Object) });
});

test('a Pusher client reads the same events, from the last reading on', async () => {
  const client = await RawClient.connect(`ws://127.0.0.1:${example.brokerPort}`, { key: 'monitoring-key' });
  await client.subscribed('cache-monitor');
  // The channel begins with the last event, whatever it is called.
  let frame = await client.next();
  while (frame.event !== 'metrics_update') frame = await client.next();
  expect(JSON.parse(String(frame.data))).toMatchObject({ type: 'metrics_update', data: { 'db-1': { status: 'up' } } });
  await client.close();
});

test('says that the broker is away, and comes back by itself with all that is known', async () => {
  const { socket } = await openFeed();
  const closed = once(socket, 'close');
  const states = await textsOf(page, '#state');
  example.killBroker();
  // Not a code that tells clients to stay away.
  expect((await closed)[0]).toBe(1001);
  await page.locator('#state[data-state="unavailable"]').waitFor();
  await page.locator('body[data-stale] .since', { hasText: /^since \d\d:\d\d$/ }).waitFor();
  await report('away-1', { memory: 85 });
  await example.process.printed(/^The broker runs again/);
  const backAt = performance.now();
  await page.locator('#state[data-state="connected"]').waitFor();
  reportFigures('monitoring', { 'back after the broker': (performance.now() - backAt).toFixed(0) });
  await page.locator('body:not([data-stale])').waitFor();
  expect(await states()).toEqual(['Live', 'No connection: trying again', 'Live']);
  // Told while nobody heard it: the list has it all the same.
  await untilEqual(
    async () => (await alertsOf(page)).some((line) => line.startsWith('[ALERT] away-1 memory high')),
    true,
  );
  await example.process.printed(/The broker at 127\.0\.0\.1:\d+ is back/);
});

test('a line has a gap where the page was cut off', async () => {
  const visitor = await browser.newPage();
  const feeds: WebSocketRoute[] = [];
  await visitor.routeWebSocket(/\/ws$/, (feed) => void feeds.push(feed));
  const nothing = { servers: {}, alerts: { active: [], recent: [] }, limits: [] };
  await visitor.route('**/api/state', (route) => route.fulfill({ json: nothing }));
  await visitor.route('**/history?*', (route) => route.fulfill({ json: { rows: [] } }));
  await visitor.goto(example.url);
  const show = (feed: WebSocketRoute | undefined, seconds: readonly number[]): void => {
    for (const second of seconds) {
      const server = {
        status: 'up',
        readAt: 1_800_000_000_000 + second * 1000,
        memory: { percent: 50, used: 1, total: 2 },
      };
      const data = { steady: { ...server, cpu: null, disk: null, network: null } };
      feed?.send(JSON.stringify({ type: 'metrics_update', data }));
    }
  };
  const memory = visitor.locator('#charts .plot').nth(1);
  await until(() => feeds.length === 1);
  show(feeds[0], [0, 4, 8, 12]);
  await until(async () => (await extentOf(memory, '--line-1')).columns > 100);
  expect(await gapsOf(memory, '--line-1')).toBe(0);
  await feeds[0]?.close({ code: 1001 });
  await visitor.locator('body[data-stale]').waitFor();
  await until(() => feeds.length === 2);
  show(feeds[1], [24, 28]);
  await untilEqual(() => gapsOf(memory, '--line-1'), 1);
  await visitor.locator('#state[data-state="connected"]').waitFor();
  await visitor.close();
});

test('a limit that is no number is named, and nothing runs', async () => {
  const process = runExample('monitoring', { CPU_ALERT: 'high' });
  expect((await process.exited).code).toBe(1);
  expect(process.stdout).toContain('CPU_ALERT is "high": it takes a number from 0 to 100.');
});
