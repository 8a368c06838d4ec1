import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findTarget } from '../../../server/client/target.ts';
import { ConfigError, type LoadedConfig, loadConfig } from '../../../server/config/index.ts';
import { type Diagnosis, examine } from '../../../server/doctor/doctor.ts';
import { APP, FULL_APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { freePort } from '../../support/free-port.ts';
import { temporaryFolder } from '../../support/process.ts';
import { Authority } from '../../support/tls.ts';
import { WebhookTarget } from '../../support/webhook-target.ts';
import { FaultyProxy, type ProxyFaults } from './faulty-proxy.ts';

const DISABLED = { id: 'off', key: 'off-key', secret: 'off-secret', enabled: false };
const TLS_ONLY = { id: 'tls', key: 'tls-key', secret: 'tls-secret', forceTls: true };
const MINUTE_MS = 60_000;

let broker: TestBroker;
/** Of which it knows nothing. */
let stranger: TestBroker;
let prefixed: TestBroker;
let authority: Authority;
beforeAll(async () => {
  const apps = [FULL_APP, DISABLED, TLS_ONLY];
  [broker, stranger, prefixed, authority] = await Promise.all([
    startBroker({}, apps),
    startBroker(),
    startBroker({ pathPrefix: '/ws' }),
    Authority.create(),
  ]);
});
afterAll(() => {
  for (const each of [broker, stranger, prefixed]) each.kill();
});

interface Case {
  readonly url?: string;
  readonly app?: { readonly id: string; readonly key: string; readonly secret: string };
  readonly config?: LoadedConfig | ConfigError;
  readonly openFiles?: number;
  readonly aheadMs?: number;
  readonly timeoutMs?: number;
}

async function diagnose({
  url = broker.url,
  app = APP,
  config,
  openFiles = 100_000,
  aheadMs = 0,
  timeoutMs = 5000,
}: Case): Promise<Diagnosis> {
  const flags = { url, app: app.id, key: app.key, secret: app.secret };
  const target = findTarget(flags, {}, '/', () => expect.unreachable());
  const now = (): number => Date.now() + aheadMs;
  return examine({ target, config, openFiles, timeoutMs, now }, () => {});
}

/** The ids of the faults that are found. */
async function faults(set: Case): Promise<(string | undefined)[]> {
  const { findings } = await diagnose(set);
  return findings.filter(({ level }) => level === 'failure' || level === 'warning').map(({ id }) => id);
}

async function behind(proxy: ProxyFaults, host = '127.0.0.1'): Promise<string> {
  const server = await FaultyProxy.start({ ports: [broker.port], ...proxy });
  onTestFinished(() => server.stop());
  return `http${proxy.tls ? 's' : ''}://${host}:${server.port}`;
}

/** As a configuration file says it, for a broker on this machine. */
function configured(values: Record<string, unknown>): LoadedConfig | ConfigError {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'kulkul.json'), JSON.stringify(values));
  try {
    return loadConfig({ flags: { config: 'kulkul.json' }, env: {}, cwd: folder });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

test('a broker that works has no fault, and an event that is published arrives', async () => {
  const { findings } = await diagnose({ config: configured({ 'appManager.array.apps': [APP] }) });
  expect(Object.fromEntries(findings.map(({ check, level }) => [check, level]))).toEqual({
    configuration: 'ok',
    'open files': 'ok',
    Redis: 'skipped',
    address: 'ok',
    certificate: 'skipped',
    'HTTP API': 'ok',
    clock: 'ok',
    WebSocket: 'ok',
    delivery: 'ok',
    webhook: 'skipped',
  });
  expect(findings.find(({ check }) => check === 'delivery')?.found).toMatch(/^4 of 4 events arrive/);
});

describe('the app', () => {
  test.each([
    ['wrong-key', { ...APP, key: 'nobody' }],
    ['wrong-secret', { ...APP, secret: 'guessed' }],
    ['wrong-app-id', { ...APP, id: '1' }],
    ['app-disabled', DISABLED],
    ['tls-required', TLS_ONLY],
  ])('%s', async (id, app) => {
    expect(await faults({ app })).toEqual([id]);
  });
});

describe('the address', () => {
  test('nothing-listens', async () => {
    expect(await faults({ url: `http://127.0.0.1:${await freePort()}` })).toEqual(['nothing-listens']);
  });

  test('host-unknown', async () => {
    expect(await faults({ url: 'https://nobody.invalid' })).toEqual(['host-unknown']);
  });

  test('clock-off, from either side', async () => {
    expect(await faults({ aheadMs: 20 * MINUTE_MS })).toEqual(['clock-off']);
    expect(await faults({ aheadMs: -11 * MINUTE_MS })).toEqual(['clock-off']);
    expect(await faults({ aheadMs: MINUTE_MS })).toEqual(['clock-differs']);
  });
});

describe('the proxy', () => {
  test.each<[string, ProxyFaults]>([
    ['websocket-not-forwarded', { upgrade: 'plain' }],
    ['websocket-not-forwarded', { passes: (path) => (path.startsWith('/apps/') ? path : undefined) }],
    ['apps-not-forwarded', { passes: (path) => (path.startsWith('/app/') ? path : undefined) }],
    ['not-a-broker', { answers: { status: 200, text: '<html><title>Our shop</title></html>' } }],
    ['redirected', { answers: { status: 301, headers: { Location: 'https://other.example/' } } }],
    ['broker-down', { answers: { status: 502 } }],
    ['http-1.0', { answers: { status: 505 } }],
  ])('%s', async (id, proxy) => {
    expect(await faults({ url: await behind(proxy) })).toEqual([id]);
  });

  test('websocket-silent', async () => {
    expect(await faults({ url: await behind({ upgrade: 'held' }), timeoutMs: 500 })).toEqual(['websocket-silent']);
  });

  test('prefix-kept: it was to be taken away', async () => {
    const url = `${await behind({})}/ws`;
    expect(await faults({ url })).toEqual(['prefix-kept']);
  });

  test('prefix-removed: the broker expects it', async () => {
    const url = `${await behind({ ports: [prefixed.port], passes: (path) => path.slice(3) })}/ws`;
    expect(await faults({ url })).toEqual(['prefix-removed']);
  });

  test('delivered-in-part, and not-delivered: it leads to brokers that do not know each other', async () => {
    expect(await faults({ url: await behind({ ports: [broker.port, stranger.port] }), timeoutMs: 500 })).toEqual([
      'delivered-in-part',
    ]);
  });
});

describe('TLS', () => {
  test('certificate-expired', async () => {
    const tls = await authority.issue({ expires: new Date(Date.now() - 3 * 24 * 60 * MINUTE_MS) });
    const { findings } = await diagnose({ url: await behind({ tls }) });
    const [fault, ...others] = findings.filter(({ level }) => level === 'failure');
    expect(fault).toMatchObject({
      id: 'certificate-expired',
      found: expect.stringMatching(/^it expired on .*, [34] days ago$/),
    });
    expect(others).toEqual([]);
    expect(findings.find(({ check }) => check === 'delivery')?.level).toBe('ok');
  });

  test('certificate-self-signed', async () => {
    const { cert, key } = await Authority.selfSigned();
    expect(await faults({ url: await behind({ tls: { cert, key } }) })).toEqual(['certificate-self-signed']);
  });

  test('certificate-chain-incomplete, and certificate-untrusted with the chain', async () => {
    const intermediate = await Authority.create('Kulkul test intermediate', authority);
    const { cert, key } = await intermediate.issue();
    expect(await faults({ url: await behind({ tls: { cert, key } }) })).toEqual(['certificate-chain-incomplete']);
    const chain = { cert: cert + intermediate.cert, key };
    expect(await faults({ url: await behind({ tls: chain }) })).toEqual(['certificate-untrusted']);
  });

  test('tls-not-spoken, and tls-spoken: the address says otherwise', async () => {
    expect(await faults({ url: broker.url.replace('http', 'https') })).toEqual(['tls-not-spoken']);
    const url = await behind({ tls: await authority.issue() });
    expect(await faults({ url: url.replace('https', 'http') })).toEqual(['tls-spoken']);
  });
});

describe('a broker on this machine', () => {
  const APPS = { 'appManager.array.apps': [APP] };

  test('configuration-wrong, configuration-warns and no-app', async () => {
    expect(await faults({ config: configured({ ...APPS, prot: 1 }) })).toEqual(['configuration-wrong']);
    expect(
      await faults({ config: configured({ ...APPS, 'ssl.passphrase': 'x', 'database.mysql.host': 'db' }) }),
    ).toEqual(['configuration-warns']);
    expect(await faults({ config: configured({}) })).toEqual(['no-app']);
    const { findings } = await diagnose({ config: configured({ 'database.mysql.host': 'db' }) });
    expect(findings[0]?.found).toMatch(/^no app is configured\n.*database\.mysql\.host/);
  });

  test('says how many webhooks it left out', async () => {
    const target = await WebhookTarget.start();
    onTestFinished(() => target.stop());
    const webhooks = Array.from({ length: 52 }, (_, index) => ({
      url: `${new URL(target.url).origin}/${index}`,
      event_types: ['channel_occupied'],
    }));
    const { findings } = await diagnose({ config: configured({ 'appManager.array.apps': [{ ...APP, webhooks }] }) });
    expect(target.received).toHaveLength(50);
    expect(findings.at(-1)).toMatchObject({ level: 'skipped', found: '2 more: only the first 50 are tried' });
  });

  test('open-files-low', async () => {
    expect(await faults({ config: configured(APPS), openFiles: 1024 })).toEqual(['open-files-low']);
  });

  test('redis-fails: nobody is there', async () => {
    const redis = {
      'adapter.driver': 'redis',
      'database.redis.host': '127.0.0.1',
      'database.redis.port': await freePort(),
    };
    const { findings } = await diagnose({ config: configured({ ...APPS, ...redis }) });
    expect(findings.find(({ id }) => id === 'redis-fails')?.found).toContain('nothing listens there');
  });

  test('webhooks: each target that is unreachable, silent, missing, refusing, redirecting or failing', async () => {
    const target = await WebhookTarget.start();
    onTestFinished(() => target.stop());
    const statuses = new Map([
      ['/missing', 404],
      ['/csrf', 419],
      ['/moved', 302],
      ['/broken', 500],
    ]);
    target.respond = (response, { path }) => {
      if (path !== '/silent') response.writeHead(statuses.get(path) ?? 200).end();
    };
    const place = new URL(target.url).origin;
    const urls = [
      ...['/good', '/silent', ...statuses.keys()].map((path) => `${place}${path}`),
      `http://127.0.0.1:${await freePort()}/`,
    ];
    const webhooks = urls.map((url) => ({ url, event_types: ['channel_occupied'] }));
    const config = configured({ 'appManager.array.apps': [{ ...APP, webhooks }], 'webhooks.timeoutSeconds': 2 });
    expect(await faults({ config })).toEqual([
      'webhook-silent',
      'webhook-not-found',
      'webhook-refused',
      'webhook-redirects',
      'webhook-fails',
      'webhook-unreachable',
    ]);
  });
});
