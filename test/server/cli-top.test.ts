import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { LiveFigures, NodeReport } from '../../server/console/contract.ts';
import { COMMAND, CommandProcess, neutralEnvironment, run } from '../support/process.ts';
import { until } from '../support/until.ts';

const TOKEN = 'a-token-that-nobody-guesses';
const NODE: NodeReport = {
  id: 'one',
  state: 'ready',
  reason: 'OK',
  host: 'alpha',
  pid: 42,
  worker: 1,
  version: '0.1.0',
  since: '2026-01-01T00:00:00.000Z',
  figures: {
    connections: 1200,
    channels: 12,
    subscriptions: 2400,
    perSecond: { received: 3, published: 20, delivered: 1000 },
    eventLoopDelayMs: 4.2,
    eventLoopUtilization: 0.31,
    residentBytes: 80 * 1024 * 1024,
    heapShare: 0.2,
    redis: { isReached: false, detail: 'ECONNREFUSED' },
    certificateExpires: null,
  },
};
const SILENT: NodeReport = {
  ...NODE,
  id: 'two',
  state: 'silent',
  reason: 'It did not answer',
  host: '',
  pid: 0,
  worker: null,
  figures: null,
};
const FIGURES: LiveFigures = { time: '2026-01-01T12:00:00.000Z', nodes: [NODE, SILENT] };

/** What the admin API says of such nodes: as `GET /live` does. */
let admin: Server;
let url: string;
let streams: ServerResponse[] = [];
beforeAll(async () => {
  admin = createServer((request: IncomingMessage, response) => {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      response
        .writeHead(401, { 'Content-Type': 'application/json' })
        .end('{"error":"unauthorized","message":"Wrong token"}');
      return;
    }
    streams.push(response.writeHead(200, { 'Content-Type': 'text/event-stream' }));
    response.write(
      `: hello\n\nevent: happened\ndata: {"facts":[]}\n\nevent: figures\ndata: ${JSON.stringify(FIGURES)}\n\n`,
    );
  }).listen(0, '127.0.0.1');
  await once(admin, 'listening');
  url = `http://127.0.0.1:${(admin.address() as AddressInfo).port}`;
});
afterAll(() => {
  admin.closeAllConnections();
  admin.close();
});

/** What the terminal is told: a screen of its own, without the cursor, and back. */
const ESCAPE = '\u001b[';
const ENTER = `${ESCAPE}?1049h${ESCAPE}?25l`;
const LEAVE = `${ESCAPE}?25h${ESCAPE}?1049l`;
const LINE =
  '2026-01-01T12:00:00.000Z nodes=2 ready=1 connections=1200 subscriptions=2400 received=3.0 published=20 delivered=1000 loop_ms=4\n';

test('top prints a line each second where no terminal is, and ends after so many', async () => {
  const lines = await run(['top', '--url', url, '--token', TOKEN, '--count', '1']);
  expect(lines).toMatchObject({ code: 0, stderr: '', stdout: LINE });
  const { stdout } = await run(['top', '--url', url, '--token', TOKEN, '--count', '1', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ ...FIGURES, totals: { nodes: 2, ready: 1, connections: 1200 } });
});

test('a stream that ends is asked for again, and SIGTERM is a good end', async () => {
  streams = [];
  const top = new CommandProcess(['top', '--url', url, '--token', TOKEN]);
  await top.printed(/ready=1/);
  for (const stream of streams) stream.end();
  await until(() => streams.length === 2);
  expect(top.stderr).toBe('kulkul: the broker ended the connection; asking again\n');
  top.signal('SIGTERM');
  expect(await top.exited).toEqual({ code: 0, signal: null });
});

test.each([
  ['the token is wrong', ['--token', 'wrong'], 'Wrong token'],
  [
    'nobody is there',
    ['--token', TOKEN, '--url', 'http://127.0.0.1:1'],
    'nothing listens there. Is the broker running?',
  ],
])('says what is wrong, where %s', async (_, args, message) => {
  const answer = await run(['top', '--url', url, ...args]);
  expect(answer).toMatchObject({ code: 1, stdout: '' });
  expect(answer.stderr).toContain(message);
});

test('top fills a terminal, and gives back the screen that was there', async () => {
  // A program of Python's own library: it runs a command in a terminal of its own.
  const pty = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
  const args = ['-c', pty, process.execPath, COMMAND, 'top', '--url', url, '--token', TOKEN];
  const terminal = spawn(inject('python'), args, {
    env: { ...neutralEnvironment(), NO_COLOR: '1', COLUMNS: '100', LINES: '30' },
  });
  let shown = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  await until(() => shown.includes('q ends'));
  terminal.stdin.write('q');
  const [code] = await once(terminal, 'close');
  expect(code).toBe(0);
  expect(shown.startsWith(ENTER)).toBe(true);
  expect(shown.endsWith(LEAVE)).toBe(true);
  const text = shown.replaceAll(`${ESCAPE}K`, '');
  expect(text).toContain('nodes         1 of 2 ready');
  expect(text).toMatch(/connections {3}1,200 +published\/s {2}20\s/);
  expect(text).toMatch(/NODE +STATE +CONN/);
  expect(text).toMatch(/alpha 42 #1 +ready +1,200 .* 80M/);
  expect(text).toContain('alpha 42: Redis is away: ECONNREFUSED');
  expect(text).toContain('two: It did not answer');
});
