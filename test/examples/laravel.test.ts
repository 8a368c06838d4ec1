import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseJsonc } from 'jsonc-parser';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { Pusher } from '../e2e/scenarios/pusher.ts';
import { launchBrowser } from '../support/browser.ts';
import { startNginx } from '../support/nginx.ts';
import { BrokerProcess } from '../support/process.ts';
import type { ProxyProcess } from '../support/proxy-process.ts';
import { untilEqual } from '../support/until.ts';
import { Laravel, type TriggerCall } from './laravel/laravel.ts';
import {
  directives,
  environment,
  PROJECT,
  type ProjectSite,
  projectFile,
  siteOf,
  unitValue,
} from './laravel/project.ts';
import { encodeAsPhp, requestsOf, send } from './laravel/sdk-requests.ts';
import { stopClock } from './page-checks.ts';

/** Installing PHP takes longer than other hooks do. */
const INSTALL_MS = 300_000;
const ROLES = ['super-admin', 'admin', 'operator', 'technician'] as const;
const NOT_ALLOWED = ['viewer', 'Admin', '', undefined] as const;
const DASHBOARD = 'private-admin-dashboard';
const FULL = { id: 'RVM/01 Café ♻', status: 'full', fill: 100 };
const FIGURES = { bottles: 1204, deposit: 240_800, machines: { online: 11, full: 1 } };

interface Visit {
  readonly origin?: string;
  readonly prepare?: (context: BrowserContext) => Promise<unknown>;
}

interface BrokerSettings {
  readonly host: string;
  readonly port: number;
  readonly 'appManager.array.apps': readonly Readonly<Record<string, unknown>>[];
}

const env = environment();
const settings = parseJsonc(projectFile('server/kulkul.json')) as BrokerSettings;
let laravel: Laravel;
let broker: BrokerProcess;

beforeAll(async () => {
  laravel = new Laravel(env);
  // As the service starts it, but for the port, and where the file is.
  const [, ...args] = unitValue('ExecStart').split(' ');
  const here = args.map((arg) => arg.replace('/etc/kulkul/', join(PROJECT, 'server/')));
  broker = new BrokerProcess([...here, '--port', '0'], false, {});
  broker.port = Number((await broker.logged('listening')).port);
}, INSTALL_MS);

const clients: Pusher[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

/** What the project's page has, in Node: the broker's port is the one thing that differs. */
async function connect(role?: string): Promise<Pusher> {
  const client = new Pusher(String(env.VITE_REVERB_APP_KEY), {
    cluster: '',
    wsHost: '127.0.0.1',
    wsPort: broker.port,
    forceTLS: false,
    enabledTransports: ['ws'],
    channelAuthorization: {
      transport: 'ajax',
      endpoint: '',
      customHandler({ channelName, socketId }, callback) {
        const { status, body } = laravel.authorize(role, channelName, socketId);
        if (body.auth === undefined) callback(new Error(`HTTP ${status}`), null);
        else callback(null, { auth: body.auth });
      },
    },
  });
  clients.push(client);
  await new Promise<void>((resolve) => client.connection.bind('connected', resolve));
  return client;
}

/** Events of a channel, from its subscription on. */
async function follow(client: Pusher, channel: string): Promise<{ event: string; data: unknown }[]> {
  const events: { event: string; data: unknown }[] = [];
  const subscribed = client.subscribe(channel);
  await new Promise<void>((resolve, reject) => {
    subscribed.bind('pusher:subscription_succeeded', resolve);
    subscribed.bind('pusher:subscription_error', ({ error }: { error: string }) => reject(new Error(error)));
  });
  subscribed.bind_global((event: string, data: unknown) => events.push({ event, data }));
  return events;
}

/** Sends what Laravel and the SDK would for these calls. */
async function publish(calls: readonly TriggerCall[]): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  for (const call of calls) {
    for (const request of requestsOf(laravel.config.connections.reverb, call, now)) {
      expect(await send(broker.port, request)).toEqual({ status: 200, body: '{}' });
    }
  }
}

describe('the values of the files', () => {
  test('PHP finds nothing wrong with their syntax', () => {
    const files = readdirSync(PROJECT, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.php') && !name.endsWith('.blade.php'),
    );
    expect(files.toSorted()).toEqual([
      'app/Events/DashboardDataUpdated.php',
      'app/Events/DashboardSnapshot.php',
      'app/Events/RvmSnapshot.php',
      'app/Events/RvmStatusUpdated.php',
      'app/Http/Controllers/RvmDashboardController.php',
      'app/Livewire/AdminDashboard.php',
      'app/Livewire/RvmStatusTable.php',
      'app/Models/Machine.php',
      'app/Rvm/Dashboard.php',
      'app/Rvm/Staff.php',
      'config/broadcasting.php',
      'database/migrations/2026_11_30_000000_create_machines_table.php',
      'database/seeders/MachineSeeder.php',
      'routes/channels.php',
      'routes/rvm-schedule.php',
      'routes/rvm.php',
    ]);
    for (const file of files) expect(laravel.syntaxError(join(PROJECT, file))).toBeUndefined();
  });

  test('Laravel, its front end, nginx and the broker mean the same host, port, app and key', () => {
    const { default: driver, connections } = laravel.config;
    const [app] = settings['appManager.array.apps'];
    expect(driver).toBe('reverb');
    expect(connections.reverb).toMatchObject({
      driver: 'reverb',
      app_id: app?.id,
      key: app?.key,
      secret: app?.secret,
      options: { host: settings.host, port: String(settings.port), scheme: 'http', useTLS: false },
    });
    expect(directives('proxy_pass')).toEqual([`http://${settings.host}:${settings.port}`]);
    const [name] = directives('server_name');
    expect(env).toMatchObject({
      VITE_REVERB_APP_KEY: app?.key,
      VITE_REVERB_HOST: name,
      VITE_REVERB_PORT: '443',
      VITE_REVERB_SCHEME: 'https',
    });
    expect(app?.allowedOrigins).toEqual([`https://${name}`]);
  });

  test('the service gives clients the time to be moved off, and reloads with the signal that the broker takes', async () => {
    expect(Number(unitValue('TimeoutStopSec')) * 1000).toBeGreaterThan(3000);
    expect(unitValue('ExecReload')).toBe('/bin/kill -HUP $MAINPID');
    expect(broker.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });

  test('Livewire listens for the events by the names and channels that they have', () => {
    const listened = ['RvmStatusTable', 'AdminDashboard'].map(
      (name) => /#\[On\('(.*)'\)\]/.exec(projectFile(`app/Livewire/${name}.php`))?.[1],
    );
    const [status] = laravel.broadcast('RvmStatusUpdated', { machine: FULL });
    const [figures] = laravel.broadcast('DashboardDataUpdated', { figures: FIGURES });
    expect(listened).toEqual([
      `echo:${status?.channels[0]},.${status?.event}`,
      `echo-private:${figures?.channels[0]?.replace('private-', '')},.${figures?.event}`,
    ]);
  });
});

describe('the requests of the broadcaster', () => {
  test('are those of the SDK, byte for byte', () => {
    const [call] = laravel.broadcast('RvmStatusUpdated', { machine: FULL }, '12.34');
    if (!call) throw new Error('no call');
    const [request, ...others] = requestsOf(laravel.config.connections.reverb, call, 1_700_000_000);
    expect(others).toEqual([]);
    expect(request?.body).toBe(
      '{"name":"rvm.status.updated","data":"{\\"id\\":\\"RVM\\\\\\/01 Caf\\\\u00e9 \\\\u267b\\",\\"status\\":\\"full\\",\\"fill\\":100}",' +
        '"channel":"rvm-status","socket_id":"12.34"}',
    );
    expect(request?.path).toMatch(
      /^\/apps\/rvm\/events\?auth_key=rvm-dashboard-key&auth_timestamp=1700000000&auth_version=1\.0&body_md5=[\da-f]{32}&auth_signature=[\da-f]{64}$/,
    );
  });

  test('are encoded as PHP encodes', () => {
    const values = [
      { name: 'a/b', data: '{"path":"\\/x"}', channels: ['a', 'b'] },
      { data: 'é ♻ 😀 \u2028 \u007f \u0080 \u0001 \b\f\n\r\t "quoted" <b>&\'' },
    ];
    for (const value of values) expect(encodeAsPhp(value)).toBe(laravel.encode(value));
  });

  test('reach everybody but the browser that caused the event, whose id is not in the data', async () => {
    const [actor, other] = await Promise.all([connect(), connect()]);
    const [ofActor, ofOther] = await Promise.all([follow(actor, 'rvm-status'), follow(other, 'rvm-status')]);
    await publish(laravel.broadcast('RvmStatusUpdated', { machine: FULL }, actor.connection.socket_id));
    await publish(laravel.broadcast('RvmStatusUpdated', { machine: { ...FULL, status: 'online', fill: 0 } }));
    const full = { event: 'rvm.status.updated', data: FULL };
    const online = { event: 'rvm.status.updated', data: { ...FULL, status: 'online', fill: 0 } };
    await untilEqual(() => ofOther, [full, online]);
    await untilEqual(() => ofActor, [online]);
  });

  test('take a hundred channels at a time, and a single one by the other name', async () => {
    const channels = Array.from({ length: 201 }, (_, index) => `rvm-${index}`);
    const call: TriggerCall = { channels, event: 'rvm.status.updated', data: '{"id":"all"}', params: {} };
    const requests = requestsOf(laravel.config.connections.reverb, call, 1_700_000_000);
    const bodies = requests.map(({ body }) => JSON.parse(body) as { channels?: string[]; channel?: string });
    expect(bodies.map((body) => body.channels?.length ?? body.channel)).toEqual([100, 100, 'rvm-200']);
    const client = await connect();
    const followed = await Promise.all(
      ['rvm-0', 'rvm-99', 'rvm-100', 'rvm-199', 'rvm-200'].map((channel) => follow(client, channel)),
    );
    await publish([call]);
    for (const events of followed) {
      await untilEqual(() => events, [{ event: 'rvm.status.updated', data: { id: 'all' } }]);
    }
  });

  test('a secret that differs is answered with a reason for the developer', async () => {
    const { reverb } = laravel.config.connections;
    const [call] = laravel.broadcast('RvmStatusUpdated', { machine: FULL });
    if (!call) throw new Error('no call');
    const [request] = requestsOf({ ...reverb, secret: 'another' }, call, Math.floor(Date.now() / 1000));
    if (!request) throw new Error('no request');
    const { status, body } = await send(broker.port, request);
    expect(status).toBe(401);
    expect(body).toMatch(/^Invalid signature: /);
  });
});

describe('routes/channels.php', () => {
  test.each(ROLES)('lets a user in whose role is %s', async (role) => {
    const events = await follow(await connect(role), DASHBOARD);
    await publish(laravel.broadcast('DashboardDataUpdated', { figures: FIGURES }));
    await untilEqual(() => events, [{ event: 'dashboard.data.updated', data: FIGURES }]);
  });

  test.each(NOT_ALLOWED)('refuses a user whose role is %j', (role) => {
    expect(laravel.authorize(role, DASHBOARD, '1.2')).toEqual({ status: 403, body: {} });
  });

  test('refuses channels that it does not name', () => {
    expect(laravel.authorize('super-admin', 'private-other', '1.2').status).toBe(403);
  });
});

describe('a page, through nginx and TLS', () => {
  let browser: Browser;
  let nginx: ProxyProcess;
  let site: ProjectSite;

  beforeAll(async () => {
    site = await siteOf(broker.port);
    nginx = await startNginx(inject('nginx'), site);
    browser = await launchBrowser(`--host-resolver-rules=MAP ${env.VITE_REVERB_HOST}:443 127.0.0.1:${nginx.port}`);
  });

  afterAll(async () => {
    await browser.close();
    await nginx.stop();
  });

  async function open(
    role: string,
    { origin = `https://${env.VITE_REVERB_HOST}`, prepare = async () => {} }: Visit = {},
  ): Promise<Page> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    await prepare(context);
    const page = await context.newPage();
    await page.route('**/broadcasting/auth', async (route) => {
      const fields = new URLSearchParams(route.request().postData() ?? '');
      const answer = laravel.authorize(role, String(fields.get('channel_name')), String(fields.get('socket_id')));
      await route.fulfill({ status: answer.status, json: answer.body });
    });
    await page.goto(`${origin}/page.html`);
    return page;
  }

  const line = (page: Page, text: string) => page.locator('li', { hasText: text }).waitFor();

  test('an operator gets the events of both channels', async () => {
    const page = await open('operator');
    await Promise.all([line(page, 'state connected'), line(page, 'in rvm-status'), line(page, 'in admin-dashboard')]);
    await publish(laravel.broadcast('RvmStatusUpdated', { machine: FULL }));
    await publish(laravel.broadcast('DashboardDataUpdated', { figures: FIGURES }));
    await Promise.all([line(page, `${FULL.id} is full, 100 %`), line(page, '1204 bottles')]);
    await page.context().close();
  });

  test('a viewer is told that the figures are not for them, and gets the others', async () => {
    const page = await open('viewer');
    await line(page, 'not in admin-dashboard: 403');
    await line(page, 'in rvm-status');
    await publish(laravel.broadcast('RvmStatusUpdated', { machine: FULL }));
    await line(page, `${FULL.id} is full, 100 %`);
    await page.context().close();
  });

  /** What `echo:state` told so far, in its order. */
  async function statesOf(page: Page): Promise<string[]> {
    const lines = await page.locator('li').allTextContents();
    return lines.filter((text) => text.startsWith('state ')).map((text) => text.replace('state ', ''));
  }

  // pusher-js disconnects after a refusal: that was the last word, and the reason was gone.
  test('a page of another origin is refused, and that is the last word', async () => {
    const page = await open('operator', { origin: `https://127.0.0.1:${nginx.port}` });
    await line(page, 'state refused');
    expect(await statesOf(page)).toEqual(['refused']);
    await page.context().close();
  });

  test('a page with a key that there is not is refused, until it connects again by itself', async () => {
    const page = await open('operator', {
      prepare: (context) =>
        context.route('**/page.js', async (route) => {
          const response = await route.fetch({ url: `https://127.0.0.1:${nginx.port}/page.js` });
          const script = (await response.text()).replaceAll(String(env.VITE_REVERB_APP_KEY), 'another');
          await route.fulfill({ response, body: script });
        }),
    });
    await line(page, 'state refused');
    expect(await statesOf(page)).toEqual(['refused']);
    await page.evaluate('Echo.connector.pusher.connect()');
    await untilEqual(() => statesOf(page), ['refused', 'connecting', 'refused']);
    await page.context().close();
  });

  test('what comes without TLS is sent on, and the HTTP API stays inside', async () => {
    const plain = await fetch(`http://127.0.0.1:${site.httpPort}/dashboard?x=1`, { redirect: 'manual' });
    expect(plain.headers.get('location')).toBe('https://127.0.0.1/dashboard?x=1');
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const answer = await context.request.get(`https://127.0.0.1:${nginx.port}/apps/rvm/channels`);
    // nginx asks PHP, which is not there; the broker would say 401.
    expect(answer.status()).toBe(502);
    await context.close();
  });

  test('a page is told every state, a loss at once, and its own farewell', async () => {
    const page = await open('operator', { prepare: (context) => context.clock.install() });
    await line(page, 'state connected');
    await stopClock(page);
    // The last test that needs it.
    await nginx.stop();
    // Without any time that passes: pusher-js goes on calling itself connected for a second.
    await line(page, 'state unavailable');
    expect(await statesOf(page)).toEqual(['connected', 'unavailable']);
    // The next attempt, which fails, and is not called one for longer than two seconds.
    await page.clock.runFor(1000);
    await page.clock.runFor(2000);
    await page.evaluate('Echo.disconnect()');
    const all = ['connected', 'unavailable', 'connecting', 'unavailable', 'disconnected'];
    await untilEqual(() => statesOf(page), all);
    await page.context().close();
  });
});
