import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { channelKey, encryptPayload } from '../../server/client/encrypted-payload.ts';
import type { ListenFlags, TriggerFlags } from '../../server/command/client-flags.ts';
import { colours } from '../../server/command/colours.ts';
import { findingText } from '../../server/command/doctor-text.ts';
import { CommandError, UsageError } from '../../server/command/exit.ts';
import { listenCommand } from '../../server/command/listen-command.ts';
import { triggerCommand } from '../../server/command/trigger-command.ts';
import { failure } from '../../server/doctor/finding.ts';
import { trigger } from '../support/api-client.ts';
import { APP, FULL_APP, startBroker, type TestBroker } from '../support/broker.ts';
import { type Answer, CommandProcess, run, temporaryFolder } from '../support/process.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { SECRET, sign } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({}, [
    {
      ...FULL_APP,
      auth: { jwt: { keys: [{ secret: SECRET }] }, encryptionMasterKey: MASTER_KEY },
      channels: ['presence-staff', 'private-encrypted-b'].map((name) => ({ name, subscribe: 'token' })),
    },
  ]);
});
afterAll(() => broker.kill());

/** As an application has them. */
const variables = (): Record<string, string> => ({
  PUSHER_APP_ID: APP.id,
  PUSHER_APP_KEY: APP.key,
  PUSHER_APP_SECRET: APP.secret,
  PUSHER_HOST: '127.0.0.1',
  PUSHER_PORT: String(broker.port),
  PUSHER_SCHEME: 'http',
});
const kulkul = (...args: string[]): Promise<Answer> => run(args, { env: variables() });
const listen = (...args: string[]): CommandProcess => new CommandProcess(['listen', ...args], { env: variables() });

test('listen prints what trigger sends, as lines of JSON with the payload as it was written', async () => {
  const channels = ['orders', 'private-orders', 'presence-staff'];
  const listener = listen(...channels, '--count', '3', '--user', 'ann');
  for (const channel of channels)
    await listener.printed(new RegExp(`"${channel}","event":"pusher:subscription_succeeded"`));
  const listed = await kulkul('channels');
  expect(listed.stdout).toBe(
    [
      'CHANNEL         SUBSCRIPTIONS  USERS',
      'orders          1',
      'presence-staff  1              1',
      'private-orders  1',
      '',
    ].join('\n'),
  );
  const staff = await kulkul('channels', 'presence-staff');
  expect(staff.stdout).toMatch(/^presence-staff\n +occupied +yes\n +subscriptions +1\n +users +1: ann\n$/);
  expect(await kulkul('trigger', 'orders', 'shipped', '{"id":\n12345678901234567890}')).toMatchObject({
    code: 0,
    stderr: '',
    stdout: `Sent shipped to orders (${broker.url}, app ${APP.id}).\n`,
  });
  await trigger(broker.url, { name: 'noted', channel: 'private-orders', data: 'just text' });
  await trigger(broker.url, { name: 'called', channel: 'presence-staff', data: '{}' });
  expect(await listener.exited).toMatchObject({ code: 0 });
  const lines = listener.stdout.split('\n').filter((line) => line.includes('"data"') && !line.includes('"pusher:'));
  expect(lines.map((line) => line.replace(/^\{"time":"[^"]+",/, '{'))).toEqual([
    '{"channel":"orders","event":"shipped","data":{"id": 12345678901234567890}}',
    '{"channel":"private-orders","event":"noted","data":"just text"}',
    '{"channel":"presence-staff","event":"called","data":{}}',
  ]);
  expect(listener.stderr).toBe('');
});

test('listen enters by a token', async () => {
  const token = sign({ sub: 'bea', exp: Math.floor(Date.now() / 1000) + 600 });
  const listener = listen('presence-staff', '--token', token, '--count', '1');
  expect(await listener.printed(/subscription_succeeded/)).toContain('"ids":["bea"]');
  await trigger(broker.url, { name: 'called', channel: 'presence-staff', data: '{}' });
  expect(await listener.exited).toMatchObject({ code: 0 });
});

test('listen decrypts by a token: the auth endpoint tells the key of the channel', async () => {
  const token = sign({ sub: 'bea', exp: Math.floor(Date.now() / 1000) + 600 });
  const listener = listen('private-encrypted-b', '--token', token, '--count', '1');
  await listener.printed(/subscription_succeeded/);
  const key = channelKey(Buffer.from(MASTER_KEY, 'base64'), 'private-encrypted-b');
  await trigger(broker.url, { name: 'pin', channel: 'private-encrypted-b', data: encryptPayload(key, '1234') });
  await listener.exited;
  expect(listener.stdout).toMatch(/"event":"pin","data":1234\}\n$/);
});

test('encrypted events go through, and are shown as they come without the key', async () => {
  const withKey = listen('private-encrypted-a', '--count', '1', '--encryption-key', MASTER_KEY);
  const without = listen('private-encrypted-a', '--count', '1');
  for (const listener of [withKey, without]) await listener.printed(/subscription_succeeded/);
  await kulkul('trigger', 'private-encrypted-a', 'secret', '{"pin":1}', '--encryption-key', MASTER_KEY);
  await Promise.all([withKey.exited, without.exited]);
  expect(withKey.stdout).toMatch(/"event":"secret","data":\{"pin":1\}\}\n$/);
  expect(without.stdout).toMatch(/"event":"secret","data":\{"nonce":"[^"]+","ciphertext":"[^"]+"\}\}\n$/);
});

test('listen for people shows one line for each event, with what a terminal might interpret escaped', async () => {
  const listener = listen('orders', '--pretty', '--count', '1');
  await listener.printed(/subscription_succeeded/);
  await trigger(broker.url, { name: 'shipped', channel: 'orders', data: 'red \u001b[31mtext' });
  await listener.exited;
  expect(listener.stdout).toMatch(/\d\d:\d\d:\d\d {2}orders {2}shipped {2}red \\u001b\[31mtext\n$/);
  expect(listener.stderr).toContain(`Listening to orders at ${broker.wsUrl}, key ${APP.key} of PUSHER_APP_KEY.`);
});

describe('doctor', () => {
  test('names faults with what to do, and ends with 1', async () => {
    const { code, stdout } = await kulkul('doctor', '--url', `${broker.url}/ws`, '--proxy', 'nginx');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^ {2}FAIL {2}HTTP API {7}the broker says: Path not found: .*\n +→ The proxy passes on the prefix/m,
    );
    expect(stdout).toContain(
      '1 fault: prefix-kept.\n\nWhat nginx needs, with the broker at 127.0.0.1:6001:\n\nlocation /ws/ {\n',
    );
  });

  /** Cause: names of certificates and headers were printed as they came. Symptom: whoever answers could write to the terminal of whoever asks. */
  test('escapes what a terminal might interpret', () => {
    const found = failure(
      'certificate',
      'certificate-other-name',
      'it is for \u001b[2J\u009b31m, not for ws.test\nor so',
    );
    const text = findingText(found, colours(false));
    expect(text).toContain('it is for \\u001b[2J\\u009b31m, not for ws.test\n                       or so\n');
  });

  test('prints JSON, without the secret', async () => {
    const { code, stdout } = await kulkul('doctor', '--url', broker.url, '--secret', 'guessed', '--json');
    const report = JSON.parse(stdout);
    expect({ code, ok: report.ok, url: report.url }).toEqual({ code: 1, ok: false, url: broker.url });
    expect(report.checks).toContainEqual(expect.objectContaining({ id: 'wrong-secret', level: 'failure' }));
    expect(stdout).not.toContain('guessed');
  });

  test('a configuration that is wrong is a fault like others', async () => {
    const { code, stdout } = await run(['doctor'], { env: { KULKUL_PRT: '1' } });
    expect(code).toBe(1);
    expect(stdout).toContain('  FAIL  configuration  KULKUL_PRT  unknown variable. Did you mean KULKUL_PORT?');
    expect(stdout).toContain('1 fault: configuration-wrong.');
  });
});

describe('what goes wrong', () => {
  /** In this process: each start of a program takes a third of a second. */
  const context = () => ({ env: variables(), cwd: temporaryFolder(), load: () => expect.unreachable() });
  const triggering = (channel: string, flags: TriggerFlags) => () =>
    triggerCommand(channel, 'e', '{}', flags, context());
  const listening = (channel: string, flags: ListenFlags) => () => listenCommand([channel], flags, context());

  test.each([
    ['nobody answers', triggering('a', { url: 'http://127.0.0.1:1' }), CommandError, 'nothing listens there'],
    ['the secret is wrong', triggering('a', { secret: 'wrong' }), CommandError, 'answered 401: Invalid signature'],
    ['the name is wrong', triggering('a b', {}), CommandError, 'answered 400: Invalid channel name'],
    ['nothing encrypts', triggering('private-encrypted-a', {}), UsageError, 'add --encryption-key'],
    ['the key is wrong', listening('a', { key: 'nobody' }), CommandError, 'the server closed the connection with 4001'],
    ['a subscription is refused', listening('private-a', { secret: 'wrong' }), CommandError, 'Invalid signature'],
    [
      'there is no secret',
      listening('presence-a', { key: 'nobody' }),
      UsageError,
      'presence-a is a presence channel: set PUSHER_APP_SECRET, or add --secret or --token',
    ],
  ])('is said, where %s', async (_, command, kind, message) => {
    const error: unknown = await command().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(kind);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain(APP.secret);
  });

  test.each([
    [
      'a channel and a prefix',
      ['channels', 'orders', '--prefix', 'o'],
      'a channel, or --prefix for several: leave one out',
    ],
    [
      'two forms of output',
      ['listen', 'orders', '--json', '--pretty'],
      "option '--pretty' cannot be used with option '--json'",
    ],
    [
      'two users',
      ['listen', 'presence-a', '--token', 't', '--user', 'ann'],
      "option '--user <id>' cannot be used with option '--token <token>'",
    ],
  ])('%s can not both be meant', async (_, args, message) => {
    expect(await kulkul(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
  });

  test('and shows in the exit code', async () => {
    const answer = await kulkul('trigger', 'a b', 'e');
    expect(answer).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^kulkul: .* answered 400: /) });
  });
});

/** Cause: the end of the program waited for the close frame of the server. Symptom: on a dead line Ctrl-C took 30 seconds, which is more than this test may take. */
test('listen ends when it is told to, also where nothing comes through any more', async () => {
  const wire = await TcpProxy.start(broker.port);
  const listener = listen('orders', '--url', `http://127.0.0.1:${wire.port}`);
  await listener.printed(/subscription_succeeded/);
  wire.silence();
  listener.signal('SIGINT');
  expect(await listener.exited).toEqual({ code: 0, signal: null });
  await wire.close();
}, 20_000);

test('a connection that was lost comes back, and SIGTERM is a good end', async () => {
  const wire = await TcpProxy.start(broker.port);
  const listener = listen('orders', '--url', `http://127.0.0.1:${wire.port}`);
  await listener.printed(/subscription_succeeded/);
  wire.cut();
  await until(() => listener.stderr.includes('the connection was cut. Connecting again'));
  wire.mend();
  await until(() => listener.stderr.includes('connected again'));
  listener.signal('SIGTERM');
  expect(await listener.exited).toEqual({ code: 0, signal: null });
  await wire.close();
});
