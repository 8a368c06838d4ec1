import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { APP, FULL_APP } from '../support/broker.ts';
import { freePort } from '../support/free-port.ts';
import { type Answer, type BrokerProcess, run, startProcess, temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { WebhookTarget } from '../support/webhook-target.ts';

const TOKEN = 'a-token-that-nobody-guesses';

let target: WebhookTarget;
let broker: BrokerProcess;
let adminUrl: string;
/** The id of the only webhook. */
let webhook: string;
beforeAll(async () => {
  target = await WebhookTarget.start();
  broker = await startProcess({
    env: { KULKUL_ADMIN_ENABLED: 'true' },
    settings: { 'admin.port': await freePort(), 'admin.token': TOKEN, 'webhooks.retrySeconds': 0 },
    apps: [{ ...FULL_APP, webhooks: [{ url: `${target.url}?key=secret`, event_types: ['channel_occupied'] }] }],
  });
  adminUrl = String((await broker.logged('admin API')).url);
  webhook = (await webhooks()).stdout.slice(0, 12);
});
afterAll(async () => {
  await broker.kill();
  await target.stop();
});

/** The command as it is called beside the broker. */
const webhooks = (...args: string[]): Promise<Answer> =>
  run(['webhooks', ...args, '--config', broker.configFile], { env: { KULKUL_ADMIN_ENABLED: 'true' } });

test('shows each webhook and how it does', async () => {
  const { stdout, stderr, code } = await webhooks();
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  expect(stdout).toBe(
    [
      `${webhook}  ${target.url}?key=•••`,
      '  for           channel_occupied',
      '  delivered     0 events',
      '  waiting       0 events',
      '  dead letters  0',
      '  last attempt  none',
      '',
    ].join('\n'),
  );
});

test('lists dead letters, shows one, sends some again and discards the rest', async () => {
  target.respond = (response) => void response.writeHead(503).end();
  const client = await RawClient.connect(broker.wsUrl);
  // They become dead letters in the order in which they are refused: requests of several channels are under way at once.
  const refusedBefore = target.received.length;
  for (const [index, channel] of ['one', 'two', 'three'].entries()) {
    await client.subscribed(channel);
    await until(() => target.received.length > refusedBefore + index);
  }
  const list = async (): Promise<Readonly<Record<string, string>>[]> =>
    JSON.parse((await webhooks('dead-letters', '--json')).stdout).deadLetters;
  await until(async () => (await list()).length === 3);
  const [first, second] = await list();
  const { stdout } = await webhooks('dead-letters', '--limit', '2');
  expect(stdout).toMatch(/^ID +TIME +EVENT +CHANNEL OR USER +WHY\n/);
  expect(stdout).toMatch(/ channel_occupied +two +1 attempt: it answered 503\n\n… and 1 more \(--limit\)\n$/);
  expect(JSON.parse((await webhooks('show', String(first?.id))).stdout)).toEqual(first);
  target.respond = (response) => void response.end();
  const before = target.received.length;
  const replayed = await webhooks('replay', '--webhook', webhook.slice(0, 4), String(second?.id));
  expect(replayed).toMatchObject({ stdout: 'Sent again: 1 event.\n', code: 0 });
  await until(() => target.received.length === before + 1);
  expect(target.received.at(-1)?.ids).toEqual([second?.id]);
  expect((await webhooks('discard', '--all')).stdout).toBe('Discarded: 2 events.\n');
  expect((await webhooks('dead-letters')).stdout).toBe(`No dead letters of ${target.url}?key=•••.\n`);
  await client.close();
});

test('a test shows request and answer, what a terminal might interpret escaped, and ends with what came of it', async () => {
  target.respond = (response) => void response.writeHead(500).end('\u001b[31mbroken\nfor good');
  const refused = await webhooks('test', '--channel', 'try');
  expect(refused).toMatchObject({ code: 1, stderr: '' });
  expect(refused.stdout).toContain(`> POST ${target.url}?key=•••\n`);
  expect(refused.stdout).toContain('"events":[{"name":"channel_occupied","channel":"try"}]}\n\n< 500\n');
  expect(refused.stdout).toMatch(
    /<\n< \\u001b\[31mbroken\n< for good\n\nNot accepted: it answered 500 \(\d+ ms\)\.\n$/,
  );
  target.respond = (response) => void response.writeHead(204).end();
  const accepted = await run(['webhooks', 'test', '--url', adminUrl, '--token', TOKEN]);
  expect(accepted).toMatchObject({ code: 0, stderr: '' });
  expect(accepted.stdout).toMatch(/< 204\n(< .*\n)+\nAccepted \(\d+ ms\)\.\n$/);
});

test.each([
  [
    'nothing is chosen',
    ['replay'],
    2,
    'which dead letters are meant? kulkul webhooks replay takes their ids, or --all',
  ],
  ['some and all are', ['discard', 'x', '--all'], 2, 'which dead letters are meant?'],
  ['there is no such letter', ['discard', 'x'], 1, 'has no dead letter x'],
  [
    'there is no such webhook',
    ['dead-letters', '--webhook', 'zz'],
    2,
    `there is no such webhook. The app ${APP.id} has:`,
  ],
  ['there is no such app', ['list', '--app', 'nobody'], 1, 'There is no app with the id "nobody"'],
  ['the token is wrong', ['list', '--token', 'wrong'], 1, 'Wrong token'],
  [
    'nobody answers',
    ['list', '--url', 'http://127.0.0.1:1'],
    1,
    'no admin API answers at http://127.0.0.1:1 (nothing listens there)',
  ],
  ['the limit is none', ['dead-letters', '--limit', '0'], 2, 'It must be a number from 1 to 1000.'],
])('says what is wrong, where %s', async (_, args, code, message) => {
  const answer = await webhooks(...args);
  expect(answer.stderr).toContain(message);
  expect(answer).toMatchObject({ code, stdout: '' });
});

test('asks which app is meant, and says where the admin API is off', async () => {
  const file = join(temporaryFolder(), 'kulkul.json');
  writeFileSync(file, JSON.stringify({ 'admin.enabled': false }));
  const off = await run(['webhooks', '--config', file]);
  expect(off).toMatchObject({ code: 1, stderr: expect.stringContaining('set admin.enabled to true') });
  const other = await startProcess({
    env: { KULKUL_ADMIN_ENABLED: 'true' },
    settings: { 'admin.port': 0 },
    apps: [FULL_APP, { id: 'second', key: 'second', secret: 's' }],
  });
  const url = String((await other.logged('admin API')).url);
  const several = await run(['webhooks', '--url', url]);
  expect(several.stderr).toBe(`kulkul: which app is meant? Add --app with an id: ${APP.id}, second\n`);
  expect((await run(['webhooks', '--url', url, '--app', 'second'])).stdout).toBe('The app second has no webhooks.\n');
  await other.kill();
});
