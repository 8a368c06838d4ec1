import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { trigger } from '../support/api-client.ts';
import { COMMAND, neutralEnvironment, temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { RedirectedBroker } from '../support/redirected.ts';
import { until } from '../support/until.ts';

const AGAIN = 'the log could not be written for a while';

/** Logs something, and serves all the same. */
async function goesOn(broker: RedirectedBroker): Promise<void> {
  for (let round = 0; round < 3; round += 1) await broker.refuseSomebody(`/app/nobody-${round}`);
  expect(await broker.answers()).toBe(true);
  expect(broker.hasEnded).toBe(false);
}

// The broker died, without a word, of the error of a write to its log.
describe('a broker goes on', () => {
  test.for([
    ['the disk of its log is full', { shell: '> /dev/full' }],
    ['the disk of its standard error is full, too', { shell: '> /dev/full 2>&1' }],
    ['its standard output is closed', { shell: '>&-' }],
    ['its standard error is closed', { shell: '2>&-' }],
    ['the reader of its output wants one line', { shell: '| head -n 1' }],
    ['the reader of standard output and error is gone at once', { shell: '2>&1 | true' }],
    ['it writes for people, and nobody reads', { shell: '| true', settings: { 'log.format': 'pretty' } }],
    ['it has workers, and the reader wants one line', { shell: '| head -n 1', args: ['--workers', '2'] }],
    ['it has workers, and the disk is full', { shell: '> /dev/full 2>&1', args: ['--workers', '2'] }],
    ['it is supervised, and nobody reads', { shell: '2>&1 | true', args: ['--supervised'] }],
  ] as const)('when %s', async ([, redirection]) => {
    await goesOn(await RedirectedBroker.start(redirection));
  });

  test('when the reader of a socket, as process managers have it, goes away later', async () => {
    const broker = await RedirectedBroker.start({ stdio: ['ignore', 'pipe', 'pipe'] });
    broker.child.stdout?.destroy();
    broker.child.stderr?.destroy();
    await goesOn(broker);
  });

  test('when its terminal is gone', async () => {
    // `setsid` keeps the hangup from it, as other process managers do: it would end the broker.
    const settings = { 'log.format': 'auto' };
    const below = (line: string) => ['script', '-qfc', `setsid --wait sh -c '${line}'`, '/dev/null'] as const;
    const broker = await RedirectedBroker.start({ settings, below, stdio: ['ignore', 'pipe', 'ignore'] });
    const { pid } = broker;
    onTestFinished(() => void process.kill(pid, 'SIGKILL'));
    broker.child.kill('SIGKILL');
    await until(() => broker.hasEnded);
    for (let round = 0; round < 3; round += 1) await broker.refuseSomebody();
    expect(await broker.answers()).toBe(true);
  });
});

/** More than the system takes for a reader that stalls, and than the broker keeps for it, with `log.level` debug. */
async function fillLog({ port }: RedirectedBroker): Promise<void> {
  const channels = Array.from({ length: 10 }, (_, index) => `channel-${index}`);
  const reader = await RawClient.connect(`ws://127.0.0.1:${port}`);
  for (const channel of channels) await reader.subscribed(channel);
  const event = { name: 'event', channels, data: 'x'.repeat(400) };
  for (let round = 0; round < 250; round += 1) await trigger(`http://127.0.0.1:${port}`, event);
  await reader.close();
}

describe('lines that nobody takes', () => {
  const STALLED = { 'log.level': 'debug' };

  test("don't hold up the broker, and are counted when the reader takes text again", async () => {
    const broker = await RedirectedBroker.start({ stdio: ['ignore', 'pipe', 'ignore'], settings: STALLED });
    const { stdout } = broker.child;
    if (!stdout) throw new Error('no pipe');
    await fillLog(broker);
    expect(await broker.answers()).toBe(true);
    let text = '';
    stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    await until(() => text.includes(AGAIN));
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const notice = lines.find(({ msg }) => msg === AGAIN);
    expect(notice).toMatchObject({ level: 40, reason: 'EAGAIN' });
    expect(Number(notice?.lostLines)).toBeGreaterThan(0);
  });

  test('are said when another reader comes to the fifo that the first one left', async () => {
    const fifo = join(temporaryFolder(), 'log');
    spawnSync('mkfifo', [fifo]);
    const first = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const broker = await RedirectedBroker.start({ shell: `> ${fifo}` });
    closeSync(first);
    await goesOn(broker);
    const next = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void next.kill());
    let text = '';
    next.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    await until(() => text.includes(AGAIN));
    expect(text).toContain('"reason":"EPIPE"');
    await broker.refuseSomebody('/app/later');
    await until(() => text.includes('/app/later'));
  });

  test("of a stalled reader don't hold up the end either", async () => {
    const broker = await RedirectedBroker.start({ stdio: ['ignore', 'pipe', 'ignore'], settings: STALLED });
    await fillLog(broker);
    broker.child.kill('SIGTERM');
    const [code] = await once(broker.child, 'exit');
    expect(code).toBe(0);
  });
});

describe('the command line', () => {
  const sh = (line: string) =>
    spawnSync('sh', ['-c', line.replaceAll('kulkul', `${process.execPath} ${COMMAND}`)], {
      encoding: 'utf8',
      env: neutralEnvironment(),
      cwd: temporaryFolder(),
    });

  test.for([
    ['config', '{ kulkul config; echo "code $?" >&2; } | head -n 1'],
    ['config, whose reader is gone at once', '{ sleep 0.3; kulkul config; echo "code $?" >&2; } | true'],
    ['help', '{ sleep 0.3; kulkul --help; echo "code $?" >&2; } | true'],
    ['the help of a command', '{ sleep 0.3; kulkul help start; echo "code $?" >&2; } | true'],
    ['version', '{ sleep 0.3; kulkul --version; echo "code $?" >&2; } | true'],
  ])('ends quietly when the reader of its answer wants no more: %s', ([, line = '']) => {
    expect(sh(line).stderr).toBe('code 0\n');
  });

  test.for(['config', '--help', '--version'])('says that the answer of %s finds no place', (command) => {
    expect(sh(`kulkul ${command} > /dev/full`)).toMatchObject({
      status: 1,
      stderr: 'kulkul: the output could not be written (ENOSPC: no space left on device, write)\n',
    });
  });

  test.for(['2> /dev/full', '2>&-', '2> >(true)'])(
    'ends as it would when its standard error finds no place: %s',
    (redirection) => {
      const line = `${process.execPath} ${COMMAND} start --config missing.json ${redirection}`;
      const { status } = spawnSync('bash', ['-c', line], { env: neutralEnvironment(), cwd: temporaryFolder() });
      expect(status).toBe(2);
    },
  );
});
