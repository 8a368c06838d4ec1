import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { FEEDS_APP, publish, token } from '../server/feeds/feeds-app.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';

let broker: BrokerProcess;
beforeAll(async () => {
  broker = await startProcess({ apps: [FEEDS_APP], settings: { shutdownGracePeriod: 0 } });
});
afterAll(() => broker.kill());

const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill();
});

/** `curl -N` and some arguments, and what it has printed so far. */
class Curl {
  readonly #child: ChildProcess;
  #printed = '';
  #wake = (): void => {};

  constructor(...args: readonly string[]) {
    this.#child = spawn(inject('curl'), ['-sN', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
    running.push(this.#child);
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#printed += text;
      this.#wake();
    });
  }

  /** All output once it ends with a text. */
  async until(end: string): Promise<string> {
    while (!this.#printed.endsWith(end)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#printed;
  }

  /** All output, and the code that it exits with. */
  async exited(): Promise<{ readonly printed: string; readonly code: number | null }> {
    const [code] = (await once(this.#child, 'close')) as [number | null];
    return { printed: this.#printed, code };
  }
}

const STREAM = ['-H', 'Accept: text/event-stream'];

test('curl prints events as they come', async () => {
  const curl = new Curl(...STREAM, `${broker.url}/feeds/last-event`);
  await curl.until('retry: 2000\n\n');
  await publish(broker.url, 'state', '{"daily": 5}', 'sales.updated');
  const first = await curl.until('}\n\n');
  expect(first.replace(/^id: \S+$/m, 'id: X')).toBe(
    'retry: 2000\n\nid: X\nevent: sales.updated\ndata: {"event":"sales.updated","channel":"state","data":{"daily": 5}}\n\n',
  );
  await publish(broker.url, 'state', 'two\nlines', 'sales.updated');
  expect(await curl.until('"two\\nlines"}\n\n')).toContain(first);
});

test('curl brings a token in either way, and is told when it does not', async () => {
  const byHeader = new Curl(...STREAM, '-H', `Authorization: Bearer ${token()}`, `${broker.url}/feeds/private`);
  const byQuery = new Curl(...STREAM, `${broker.url}/feeds/private?token=${token()}`);
  for (const curl of [byHeader, byQuery]) await curl.until('retry: 2000\n\n');
  await publish(broker.url, 'private-news', 'secret');
  for (const curl of [byHeader, byQuery]) expect(await curl.until('data: secret\n\n')).toContain('event: e\n');

  await publish(broker.url, 'state', '{"daily": 5}', 'sales.updated');
  const last = await new Curl('-w', '%{http_code}', `${broker.url}/feeds/last`).exited();
  expect(last.printed).toBe('{"daily": 5}200');
  const without = await new Curl(...STREAM, '-w', '%{http_code}', `${broker.url}/feeds/private`).exited();
  expect(without.printed).toMatch(/^This feed reads private-news, which takes a token.*401$/);
  const plain = await new Curl('-w', '%{http_code}', `${broker.url}/feeds/data`).exited();
  expect(plain.printed).toMatch(/^This is a feed: .*404$/);
});

test('curl is done, without an error, when the broker stops', async () => {
  const other = await startProcess({ apps: [FEEDS_APP], settings: { shutdownGracePeriod: 0 } });
  const curl = new Curl(...STREAM, `${other.url}/feeds/data`);
  await curl.until('retry: 2000\n\n');
  other.signal('SIGTERM');
  const { printed, code } = await curl.exited();
  expect(code).toBe(0);
  expect(printed).toBe('retry: 2000\n\n: Server is restarting\n\n');
  expect(await other.exited).toMatchObject({ code: 0 });
});
