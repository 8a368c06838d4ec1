/**
 * Requests as proxies and careless clients send them. The binary of uWebSockets.js that Kulkul had before never answered most of them: behind the nginx block
 * that Laravel's documentation gives for Reverb, which sets headers with `_` in their names, nothing worked.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawSocket, upgradeRequest } from '../robustness/raw-socket.ts';
import { encodeRequest, signTarget } from './raw-http.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(() => broker.kill());

/** Sends parts of a request, each as a packet of its own, and waits for the head of the answer. */
async function statusOf(...parts: readonly (string | Uint8Array)[]): Promise<number> {
  const socket = await RawSocket.open(broker.port);
  socket.socket.setNoDelay(true);
  for (const part of parts) {
    socket.write(part);
    // A turn of the event loop on both sides: the next part is another packet.
    await fetch(`${broker.url}/`);
  }
  await socket.until('\r\n\r\n');
  socket.reset();
  return Number(socket.text.split(' ')[1]);
}

const headers = (count: number): string[] => Array.from({ length: count }, (_, index) => `X-Header-${index}: ${index}`);

describe('answered as any other:', () => {
  test.each<[what: string, headers: readonly string[]]>([
    [
      "the headers of Laravel's nginx block for Reverb",
      ['SERVER_PORT: 443', 'REMOTE_ADDR: 192.0.2.1', 'Scheme: https'],
    ],
    ...[..."!#$%&'*+-.^_`|~"].map((sign): [string, string[]] => [
      `a header with ${sign} in its name`,
      [`X${sign}Name: value`],
    ]),
    ['a header whose name is signs only', ['_: value', '~!: value']],
    ['ninety headers', headers(90)],
    ['a header without a value', ['X-Empty:']],
    ['a cookie of 16 kB', [`Cookie: a=${'x'.repeat(16_384)}`]],
  ])('%s', async (_what, more) => {
    expect(await statusOf(encodeRequest('GET', '/', '', more))).toBe(200);
    const body = '{"name":"e","channel":"c","data":""}';
    const target = signTarget({ method: 'POST', path: `/apps/${APP.id}/events`, body });
    expect(await statusOf(encodeRequest('POST', target, body, more))).toBe(200);
    const upgrade = upgradeRequest(`/app/${APP.key}?protocol=7`);
    expect(await statusOf(upgrade.replace('Host: x\r\n', `Host: x\r\n${more.join('\r\n')}\r\n`))).toBe(101);
  });

  test.each([1, 4, 9, 14, 16, 22])(
    'a request of which the first %i bytes come in a packet of their own',
    async (at) => {
      const request = encodeRequest('GET', '/ready');
      expect(await statusOf(request.slice(0, at), request.slice(at))).toBe(200);
      const upgrade = upgradeRequest(`/app/${APP.key}?protocol=7`);
      expect(await statusOf(upgrade.slice(0, at), upgrade.slice(at))).toBe(101);
    },
  );

  test('a request that comes byte by byte', async () => {
    expect(await statusOf(...encodeRequest('GET', '/'))).toBe(200);
  });
});

describe('refused with a status:', () => {
  test.each([
    ['no Host', 400, 'GET / HTTP/1.1\r\nX-Other: x\r\n\r\n'],
    ['a hundred headers and more', 431, encodeRequest('GET', '/', '', headers(100))],
    ['three hundred headers', 431, encodeRequest('GET', '/', '', headers(300))],
    ['a cookie of 70 kB', 431, encodeRequest('GET', '/', '', [`Cookie: a=${'x'.repeat(70_000)}`])],
    ['a line of 70 kB', 431, encodeRequest('GET', `/${'x'.repeat(70_000)}`)],
    ['a name with a space in it', 400, encodeRequest('GET', '/', '', ['X Y: z'])],
  ])('%s', async (_what, status, request) => {
    expect(await statusOf(request)).toBe(status);
  });
});

describe('a first line that is not HTTP/1.1 is answered with what it may be:', () => {
  test.each([
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n'],
    ['the PROXY protocol, version 1', `PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n${encodeRequest('GET', '/')}`],
    ['TLS on the plain port', Buffer.from('16030100c8010000c40303', 'hex')],
    ["HTTP/2's preface", 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a whole URL, as for a forward proxy', 'GET http://broker.example/ready HTTP/1.1\r\nHost: broker.example\r\n\r\n'],
  ])('%s', async (_what, request) => {
    const socket = await RawSocket.open(broker.port);
    socket.write(request);
    const answer = await socket.finish();
    expect(answer).toMatch(/^HTTP\/1\.1 505 /);
    for (const cause of ['HTTP/1.0', 'HTTP/2', 'TLS', 'PROXY protocol', 'http://', 'docs/errors.md']) {
      expect(answer).toContain(cause);
    }
  });
});
