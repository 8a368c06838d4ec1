import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AdminServer } from '../../../server/admin/admin-server.ts';
import { nodeFleet } from '../../../server/admin/fleet.ts';
import { EventStream, type StreamClient, TextAnswer } from '../../../server/admin/other-answers.ts';
import { type AdminBroker, callAdmin, startAdminBroker } from './admin-broker.ts';

let broker: AdminBroker;
let server: AdminServer;
let url: string;
let clients: StreamClient[];
let closed: number;

beforeEach(async () => {
  broker = await startAdminBroker();
  clients = [];
  closed = 0;
  const { listed, server: node } = broker;
  const facts = { method: 'GET', summary: 'for this test', answerType: 'text/plain', answer: {} } as const;
  server = new AdminServer({
    registry: listed,
    fleet: nodeFleet(node),
    token: '',
    isExposed: false,
    version: '1',
    log: pino({ level: 'silent' }),
    routes: [
      { ...facts, path: '/figures', run: async () => new TextAnswer('up 1\n', 'text/plain; version=0.0.4') },
      {
        ...facts,
        path: '/stream',
        run: async () =>
          new EventStream((client) => {
            clients.push(client);
            return () => {
              closed += 1;
            };
          }),
      },
    ],
  });
  url = `http://127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
});
afterEach(async () => {
  await Promise.all([server.stop(), broker.stop()]);
});

async function openStream(): Promise<{ request: ClientRequest; response: IncomingMessage }> {
  const request = get(`${url}/stream`, { agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { request, response };
}

test('an answer that is no JSON has the type that its route gives it', async () => {
  const { status, headers, text } = await callAdmin(url, 'GET', '/figures');
  expect([status, text]).toEqual([200, 'up 1\n']);
  expect(headers).toMatchObject({ 'content-type': 'text/plain; version=0.0.4', 'cache-control': 'no-store' });
});

describe('an event stream', () => {
  test('sends events as they come, and its end is told once', async () => {
    const { request, response } = await openStream();
    expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(clients[0]?.send('happened', { text: 'two\nlines' })).toBe(true);
    const [chunk] = (await once(response, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('event: happened\ndata: {"text":"two\\nlines"}\n\n');
    request.destroy();
    await expect.poll(() => closed).toBe(1);
    expect(clients[0]?.send('happened', {})).toBe(false);
  });

  test('ends when the server stops, which waits for none', async () => {
    const { response } = await openStream();
    response.resume();
    const ended = once(response, 'end');
    await server.stop();
    await ended;
    expect(closed).toBe(1);
  });

  test('holds a bounded amount for a client that does not read, and ends with the server all the same', async () => {
    const { request } = await openStream();
    request.on('error', () => {});
    const large = 'x'.repeat(500_000);
    let sent = 0;
    while (sent < 1000 && clients[0]?.send('happened', large)) sent += 1;
    expect(sent).toBeLessThan(1000);
    await server.stop();
    expect(closed).toBe(1);
  });

  test('is refused where there are many already, until one of them ends', async () => {
    const streams = await Promise.all(Array.from({ length: 32 }, openStream));
    const refused = await callAdmin(url, 'GET', '/stream');
    expect([refused.status, refused.body.error]).toEqual([503, 'too-many-streams']);
    streams[0]?.request.destroy();
    await expect.poll(() => closed).toBe(1);
    await openStream();
  });

  test('is none for a request that asks for headers only', async () => {
    const { status, headers } = await callAdmin(url, 'HEAD', '/stream');
    expect([status, headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(clients).toEqual([]);
  });
});
