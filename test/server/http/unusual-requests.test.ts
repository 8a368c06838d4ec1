/**
 * Requests as proxies and careless clients send them. The binary of uWebSockets.js that Kulkul had before never answered most of them: behind the nginx block
 * that Laravel's documentation gives for Reverb, which sets headers with `_` in their names, nothing worked.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { APP, FULL_APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { RawSocket, upgradeRequest } from '../robustness/raw-socket.ts';
import { encodeRequest, signTarget } from './raw-http.ts';

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({}, [{ ...FULL_APP, feeds: [{ path: '/feed', channel: 'news' }] }]);
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

/** Cause: uWebSockets.js goes by the first Content-Length, and takes every Transfer-Encoding for chunked. Symptom: what a proxy took for the body was answered as a second request. */
describe('a request of which it is not certain where it ends is cut off, and nothing after it is read:', () => {
  const event = '{"name":"e","channel":"news","data":""}';
  const second = encodeRequest('GET', '/ready');
  test.each([
    ['two lengths that are the same', ['Content-Length: 39', 'content-length: 39'], event],
    ['a length and none', ['Content-Length: 39', 'Content-Length: 0'], event],
    ['none and a length', ['Content-Length: 0', 'Content-Length: 39'], ''],
    ['an empty length', ['Content-Length:'], ''],
    ['an empty encoding', ['Transfer-Encoding:'], ''],
    ['gzip', ['Transfer-Encoding: gzip'], chunked(event)],
    ['identity', ['Transfer-Encoding: identity'], chunked(event)],
    ['xchunked', ['Transfer-Encoding: xchunked'], chunked(event)],
    ['chunked, gzip', ['Transfer-Encoding: chunked, gzip'], chunked(event)],
    ['gzip, chunked', ['Transfer-Encoding: gzip, chunked'], chunked(event)],
    ['chunked twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], chunked(event)],
    ['chunked and gzip in headers of their own', ['Transfer-Encoding: chunked', 'Transfer-Encoding: gzip'], ''],
  ])('%s', async (_what, framing, body) => {
    const requests = [
      ['POST', signTarget({ method: 'POST', path: `/apps/${APP.id}/events`, body: event })],
      ['GET', '/'],
      ['GET', '/feed'],
      ['DELETE', `/apps/${APP.id}/channels/news/subscriptions`],
    ] as const;
    const reader = await RawClient.connect(broker.wsUrl);
    await reader.subscribed('news');
    for (const [method, target] of requests) {
      const socket = await RawSocket.open(broker.port);
      socket.write(encodeRequest(method, target, '', framing) + body + second);
      expect(await socket.finish(), `${method} ${target}`).toBe('');
    }
    expect((await reader.flush()).filter((text) => !text.includes('subscription_count'))).toEqual([]);
    await reader.close();
  });

  test('the log says so, once for many', async () => {
    const lines = broker.log.filter(({ cause }) => cause === 'uncertain-end');
    expect(lines[0]).toMatchObject({
      msg: 'request refused: its connection was closed',
      method: 'POST',
      reason: 'it has Content-Length or Transfer-Encoding more than once',
    });
    expect(lines.length).toBeLessThan(20);
  });

  test.each(['chunked', 'Chunked'])('but %s is read', async (encoding) => {
    const body = '{"name":"e","channel":"c","data":""}';
    const target = signTarget({ method: 'POST', path: `/apps/${APP.id}/events`, body });
    const head = encodeRequest('POST', target, '', [`Transfer-Encoding: ${encoding}`]);
    expect(await statusOf(head + chunked(body))).toBe(200);
    expect(await statusOf(head, chunked(body).slice(0, 20), chunked(body).slice(20))).toBe(200);
  });
});

/** Cause: uWebSockets.js hands the body over, and then finds that it can't read the trailer. Symptom: the event was published, and the backend that was answered 505 sent it again. */
test('a chunked body with a trailer, which is answered 505, publishes nothing', async () => {
  const reader = await RawClient.connect(broker.wsUrl);
  await reader.subscribed('news');
  const body = '{"name":"e","channel":"news","data":""}';
  const target = signTarget({ method: 'POST', path: `/apps/${APP.id}/events`, body });
  const socket = await RawSocket.open(broker.port);
  socket.write(
    encodeRequest('POST', target, '', ['Transfer-Encoding: chunked']) + chunked(body, '0\r\nX-Trailer: 1\r\n\r\n'),
  );
  expect(await socket.finish()).toMatch(/^HTTP\/1\.1 505 /);
  expect((await reader.flush()).filter((text) => !text.includes('subscription_count'))).toEqual([]);
  await reader.close();
});

function chunked(body: string, end = '0\r\n\r\n'): string {
  return `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n${end}`;
}
