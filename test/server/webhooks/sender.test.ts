import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../server/clock.ts';
import type { Lookup } from '../../../server/webhooks/connector.ts';
import { HttpSender, type WebhookRequest } from '../../../server/webhooks/sender.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { Authority } from '../../support/tls.ts';
import { WebhookTarget } from '../../support/webhook-target.ts';

const BODY = '{"time_ms":1,"events":[{"name":"channel_occupied","channel":"räume"}]}';

let target: WebhookTarget;
let clock: FakeClock;
let sender: HttpSender;
beforeEach(async () => {
  target = await WebhookTarget.start();
  clock = new FakeClock();
  sender = new HttpSender({ timeoutMs: 10_000, clock });
});
afterEach(async () => {
  await sender.close();
  await target.stop();
});

function request(url = target.url, more: Partial<WebhookRequest> = {}): WebhookRequest {
  const headers = { 'Content-Type': 'application/json' };
  return { url, headers, body: BODY, mayBePrivate: true, traces: [], ...more };
}

/** A server below HTTP, which says what it likes. */
async function startRaw(onConnection: (socket: Socket) => void): Promise<{ url: string; stop(): Promise<void> }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('requests', () => {
  test('are sent byte for byte, with path, parameters and headers', async () => {
    await sender.send(request(`${target.url}?from=kulkul&x=%20`, { headers: { 'X-Pusher-Key': 'key', 'X-Own': 'a' } }));
    const { path, headers, body } = await target.next();
    expect(path).toBe('/webhooks?from=kulkul&x=%20');
    expect(headers).toMatchObject({ 'x-pusher-key': 'key', 'x-own': 'a', 'content-length': '71' });
    expect(body.equals(Buffer.from(BODY))).toBe(true);
  });

  test('use the connections that are there', async () => {
    target.respond = (response) => void response.end('thank you');
    for (let count = 0; count < 10; count += 1) await sender.send(request());
    expect(target.received).toHaveLength(10);
    // The pool opens a second one while it still clears up after the first request.
    expect(target.connections).toBeLessThanOrEqual(2);
  });

  test('do not follow redirects', async () => {
    target.respond = (response) => void response.writeHead(307, { Location: '/elsewhere' }).end();
    expect(await sender.send(request())).toMatchObject({ status: 307, headers: { location: '/elsewhere' } });
    expect(target.received).toHaveLength(1);
  });

  test('that HTTP has no form for are refused, and cost nothing else', async () => {
    await expect(sender.send(request(target.url, { headers: { 'X-Bad': 'two\nlines' } }))).rejects.toThrow('header');
    await expect(sender.send(request('no address'))).rejects.toThrow('Invalid URL');
    expect(await sender.send(request())).toMatchObject({ status: 200 });
  });
});

describe('answers', () => {
  test('are shown up to a kilobyte', async () => {
    target.respond = (response) => void response.writeHead(500, { 'X-Why': 'full' }).end('x'.repeat(5000));
    const { status, headers, body } = await sender.send(request());
    expect(status).toBe(500);
    expect(headers).toMatchObject({ 'x-why': 'full' });
    expect(body).toBe('x'.repeat(1024));
  });

  test('that never end are cut off', async () => {
    target.respond = (response) => {
      const write = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
        response.once('drain', write);
      };
      write();
      response.on('close', () => cutOff());
    };
    let cutOff = (): void => {};
    const isCutOff = new Promise<void>((resolve) => {
      cutOff = resolve;
    });
    expect(await sender.send(request())).toMatchObject({ status: 200 });
    await isCutOff;
  });

  test('that begin and then keep silent count as what their head says', async () => {
    target.respond = (response) => {
      response.writeHead(200).write('a');
      target.received.length = 0;
    };
    const answer = sender.send(request());
    const isCutOff = new Promise((resolve) => {
      const { respond } = target;
      target.respond = (response, received) => {
        response.on('close', resolve);
        respond(response, received);
      };
    });
    const tick = setInterval(() => clock.advance(100), 1);
    expect(await answer).toMatchObject({ status: 200, body: 'a' });
    await isCutOff;
    clearInterval(tick);
  });

  test('that do not come in time are given up, and the connection is closed', async () => {
    const isCutOff = new Promise((resolve) => {
      target.respond = (response) => void response.on('close', resolve);
    });
    const answer = sender.send(request());
    await target.next();
    clock.advance(9_999);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    await expect(answer).rejects.toThrow('no answer within 10 s');
    await isCutOff;
    target.respond = (response) => void response.end();
    expect(await sender.send(request())).toMatchObject({ status: 200 });
  });

  test('whose head trickles are given up as well', async () => {
    const raw = await startRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      socket.once('data', () => {
        socket.write('X-Slow: a\r\n');
        clock.advance(6000);
        socket.write('X-Slower: b\r\n');
        clock.advance(6000);
      });
    });
    await expect(sender.send(request(raw.url))).rejects.toThrow('no answer within 10 s');
    await raw.stop();
  });

  test('that only announce an answer are none', async () => {
    const raw = await startRaw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n', () => clock.advance(10_000));
      });
    });
    await expect(sender.send(request(raw.url))).rejects.toThrow('no answer within 10 s');
    await raw.stop();
  });

  test.each([
    ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'Response does not match the HTTP/1.1 protocol'],
    ['empty', '', 'the connection was closed without an answer'],
    ['a head without end', `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(100_000)}`, 'Headers Overflow'],
    ['a switch to another protocol', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 'upgrade'],
  ])('that are garbage are errors: %s', async (_, text, message) => {
    const raw = await startRaw((socket) => socket.once('data', () => socket.end(text)));
    await expect(sender.send(request(raw.url))).rejects.toThrow(message);
    expect(clock.pending).toBe(0);
    await raw.stop();
  });

  test('of nobody are errors', async () => {
    const raw = await startRaw(() => {});
    await raw.stop();
    await expect(sender.send(request(raw.url))).rejects.toThrow('ECONNREFUSED');
  });
});

describe('what may not be private', () => {
  const guarded = (url: string): WebhookRequest => request(url, { mayBePrivate: false });
  /** A name server that gives one address after the other. */
  const resolving = (...answers: readonly string[][]): { lookup: Lookup; asked: string[] } => {
    const asked: string[] = [];
    const lookup: Lookup = (hostname, _options, callback) => {
      asked.push(hostname);
      const addresses = answers[Math.min(asked.length, answers.length) - 1] ?? [];
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    };
    return { lookup, asked };
  };

  test.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '2130706433', '0x7f.1'])(
    'is not sent to %s',
    async (host) => {
      await expect(sender.send(guarded(`http://${host}:${target.port}/`))).rejects.toThrow('is a private address');
      expect(target.connections).toBe(0);
    },
  );

  test('is not sent where a name leads to a private address, each time that it is looked up', async () => {
    const { lookup, asked } = resolving(['127.0.0.1'], ['::1', '10.0.0.1']);
    const own = new HttpSender({ timeoutMs: 10_000, clock, lookup });
    const url = `http://inside.example:${target.port}/`;
    await expect(own.send(guarded(url))).rejects.toThrow('inside.example has the private address 127.0.0.1');
    await expect(own.send(guarded(url))).rejects.toThrow('inside.example has the private address ::1');
    expect(asked).toEqual(['inside.example', 'inside.example']);
    expect(target.connections).toBe(0);
    await own.close();
  });

  test('keeps the answer of a name server that refuses', async () => {
    const lookup: Lookup = (hostname, _options, callback) => callback(new Error(`ENOTFOUND ${hostname}`), []);
    const own = new HttpSender({ timeoutMs: 10_000, clock, lookup });
    await expect(own.send(guarded('http://gone.example/'))).rejects.toThrow('ENOTFOUND gone.example');
    await own.close();
  });

  test('never uses a connection of what may', async () => {
    await sender.send(request());
    await expect(sender.send(guarded(target.url))).rejects.toThrow('is a private address');
  });
});

test('a certificate that nobody vouches for is refused', async () => {
  const secure = await WebhookTarget.start(await (await Authority.create()).issue());
  const own = new HttpSender({ timeoutMs: 10_000, clock: systemClock });
  await expect(own.send(request(secure.url))).rejects.toThrow('certificate');
  expect(secure.received).toHaveLength(0);
  await own.close();
  await secure.stop();
});
