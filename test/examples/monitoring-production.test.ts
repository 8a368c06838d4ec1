import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import jwt from 'jsonwebtoken';
import { beforeAll, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { BrokerProcess, run, temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { Authority } from '../support/tls.ts';
import { runProgram } from './start-example.ts';

const CONFIG = new URL('../../examples/monitoring/kulkul.production.json', import.meta.url).pathname;
const ORIGIN = 'https://monitor.example.com';
const APP_SECRET = 'a secret that only broker and application know';
const AGENT_TOKEN = 'a token that only agents know';

let authority: Authority;
let config: string;
let signingKey: KeyObject;
let broker: BrokerProcess;
let applicationPort: number;

/** As its users are told: the files that the configuration names beside it, the secret in the environment. */
beforeAll(async () => {
  const folder = temporaryFolder();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  authority = await Authority.create();
  const { cert, key } = await authority.issue();
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  signingKey = pair.privateKey;
  const files = {
    TLS_CERT_FILE: file('certificate.pem', cert),
    TLS_KEY_FILE: file('certificate-key.pem', key),
    TOKEN_KEY_FILE: file('token-key.pem', String(pair.publicKey.export({ type: 'spki', format: 'pem' }))),
    NODE_EXTRA_CA_CERTS: file('authority.pem', authority.cert),
  };
  config = join(folder, 'kulkul.production.json');
  copyFileSync(CONFIG, config);
  broker = new BrokerProcess(['start', '--config', config, '--port', '0'], true, { env: secretOfApp() });
  broker.port = Number((await broker.logged('listening')).port);
  applicationPort = await freePort();
  const application = runProgram('monitoring/application.mjs', {
    ...files,
    APP_ID: 'monitoring',
    APP_KEY: 'monitoring-key',
    APP_SECRET,
    AGENT_TOKEN,
    BROKER_SCHEME: 'https',
    BROKER_PORT: String(broker.port),
    PAGE_PORT: String(applicationPort),
    READ_EVERY_SECONDS: '0.5',
  });
  await application.printed(/^Readings go to all readers/);
});

function secretOfApp(): Record<string, string> {
  return { KULKUL_DEFAULT_APP_SECRET: APP_SECRET, KULKUL_LOG_FORMAT: 'json' };
}

function tokenFor(roles: readonly string[]): string {
  return jwt.sign({ sub: '7', roles }, signingKey, { algorithm: 'ES256', audience: 'monitoring', expiresIn: 60 });
}

function read(port: number, token: string | undefined, headers: Readonly<Record<string, string>> = {}): RawClient {
  const query = token === undefined ? '' : `?token=${token}`;
  return new RawClient(`wss://localhost:${port}/ws${query}`, {
    ca: authority.cert,
    headers: { Origin: ORIGIN, ...headers },
  });
}

function call(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = `https://localhost:${applicationPort}${path}`;
    const agent = new Agent({ ca: authority.cert });
    const sent = request(
      url,
      { method, agent, headers: { 'Content-Type': 'application/json', ...headers } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    sent.on('error', reject);
    sent.end(body === undefined ? '' : JSON.stringify(body));
  });
}

test('the configuration is complete but for the secret, which the environment has', async () => {
  const { code, stdout } = await run(['config', '--config', config], { env: secretOfApp() });
  expect(code).toBe(0);
  expect(stdout).toMatch(/connectionsPerAddress\s+= 20/);
  expect(stdout).toMatch(/allowedOrigins\s+= https:\/\/monitor\.example\.com/);
  const without = await run(['config', '--config', config]);
  expect(without.code).not.toBe(0);
  expect(without.stderr).toContain('secret: missing');
});

test('an operator with a token reads the feed over TLS, through the application', async () => {
  const reading = {
    server: 'web-1',
    cpu: null,
    memory: { percent: 85, used: 85, total: 100 },
    disk: null,
    network: null,
  };
  expect(await call('POST', '/api/v1/readings', { Authorization: `Bearer ${AGENT_TOKEN}` }, reading)).toBe(200);
  const client = read(applicationPort, tokenFor(['operator']));
  expect(JSON.parse(await client.nextText())).toMatchObject({ type: 'metrics_update', data: { 'web-1': {} } });
  await client.close();
});

test('readers without a token, without the role, or from the pages of others are refused', async () => {
  const refusals: [string, RawClient][] = [
    ['no token', read(broker.port, undefined)],
    ['another role', read(broker.port, tokenFor(['viewer']))],
    ['another page', read(broker.port, tokenFor(['operator']), { Origin: 'https://elsewhere.test' })],
    ['no token, through the application', read(applicationPort, undefined)],
    [
      'another page, through the application',
      read(applicationPort, tokenFor(['operator']), { Origin: 'https://elsewhere.test' }),
    ],
  ];
  for (const [who, client] of refusals) {
    const { code, before } = await client.closed();
    expect([who, Math.floor(code / 100), before]).toEqual([who, 40, []]);
  }
});

test('the API wants the same token', async () => {
  const status = (roles: readonly string[]): Promise<number> =>
    call('GET', '/api/state', { Authorization: `Bearer ${tokenFor(roles)}` });
  expect(await status(['operator'])).toBe(200);
  expect(await status(['viewer'])).toBe(401);
  expect(await call('GET', '/api/state', {})).toBe(401);
  expect(await call('POST', '/api/v1/drill', {}, { server: 'web-1' })).toBe(401);
});

test('one address may have ten new readers in a second, and another is not concerned', async () => {
  const from = (address: string): RawClient =>
    read(broker.port, tokenFor(['operator']), { 'X-Forwarded-For': address });
  const many = Array.from({ length: 40 }, () => from('203.0.113.7'));
  const firsts = await Promise.all(many.map((client) => client.nextItem()));
  const admitted = many.filter((_, index) => 'text' in (firsts[index] ?? {}));
  expect(admitted.length).toBeGreaterThan(0);
  expect(admitted.length).toBeLessThanOrEqual(20);
  const other = from('203.0.113.8');
  await other.nextText();
  await Promise.all([...admitted, other].map((client) => client.ws.terminate()));
});
