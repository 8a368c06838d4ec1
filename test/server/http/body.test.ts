import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trigger } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawSocket } from '../robustness/raw-socket.ts';
import { parseAnswers } from './raw-http.ts';

const LIMIT_BYTES = 102_400;
const PATH = `/apps/${APP.id}/events`;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ 'httpApi.requestLimitInMb': LIMIT_BYTES / 1_048_576, 'httpApi.bodyTimeoutSeconds': 1 });
});
afterAll(() => broker.kill());

test.for([
  ['a length', 'Content-Length: 50000000', (chunk: string) => chunk],
  ['chunks', 'Transfer-Encoding: chunked', (chunk: string) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`],
] as const)('a body of 50 MB with %s is answered, and not read to its end', async ([, header, encode]) => {
  const raw = await RawSocket.open(broker.port);
  raw.write(`POST ${PATH} HTTP/1.1\r\nHost: x\r\n${header}\r\n\r\n`);
  const chunk = encode('x'.repeat(10_000));
  let sent = 0;
  let mostHeld = 0;
  const held = process.memoryUsage().arrayBuffers;
  while (sent < 50_000_000 && !raw.text.includes('\r\n\r\n') && !raw.socket.destroyed) {
    await new Promise<void>((resolve) => {
      if (!raw.socket.write(chunk, () => resolve())) mostHeld = Math.max(mostHeld, process.memoryUsage().arrayBuffers);
    });
    sent += 10_000;
  }
  await raw.ended();
  const [answer] = parseAnswers(raw.text);
  expect(answer?.status).toBe(413);
  expect(answer?.headers.get('x-kulkul-error')).toBe('body-too-large');
  expect(answer?.headers.get('connection')).toBe('close');
  expect(answer?.body).toBe(
    `The body exceeds the limit of ${LIMIT_BYTES} bytes: send less, or raise httpApi.requestLimitInMb (more: /errors/body-too-large)`,
  );
  // More is read than the limit allows, so that proxies which are still writing get the answer.
  expect(sent).toBeLessThan(20_000_000);
  expect(mostHeld - held).toBeLessThan(5_000_000);
});

describe('a large body that is refused is read to its end, so that the answer gets through proxies that still write it:', () => {
  const FOUR_MB = 'x'.repeat(4_000_000);
  test.each([
    ['over the limit of bodies', 413, PATH, 'body-too-large'],
    ['for an unknown app', 404, '/apps/none/events', 'unknown-app-id'],
    ['for a path that is not there', 404, `/apps/${APP.id}/nothing`, 'not-found'],
    ['for an auth endpoint', 413, '/broadcasting/auth', 'body-too-large'],
  ])('%s', async (_what, status, path, id) => {
    for (const framing of ['length', 'chunked'] as const) {
      const raw = await RawSocket.open(broker.port);
      const head = framing === 'length' ? `Content-Length: ${FOUR_MB.length}` : 'Transfer-Encoding: chunked';
      const body = framing === 'length' ? FOUR_MB : `${FOUR_MB.length.toString(16)}\r\n${FOUR_MB}\r\n0\r\n\r\n`;
      // A proxy that is half-way through when a hasty server would answer and cut the connection.
      raw.write(`POST ${path} HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${body.slice(0, 200_000)}`);
      await fetch(`${broker.url}/`);
      expect(raw.text).toBe('');
      raw.write(body.slice(200_000));
      await raw.until('\r\n\r\n');
      expect(raw.text.split('\r\n')[0]).toContain(` ${status} `);
      expect(raw.text).toContain(`X-Kulkul-Error: ${id}\r\n`);
      // The connection goes on.
      raw.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      expect(await raw.until('HTTP/1.1 200 OK')).toBe(true);
      raw.reset();
    }
  });

  test('but not for longer than a body may take', async () => {
    const raw = await RawSocket.open(broker.port);
    raw.write(`POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx`);
    await raw.ended();
    expect(raw.text).toMatch(/^HTTP\/1\.1 404 /);
    expect(raw.text).toContain('Connection: close');
  });
});

test('the largest body is the one that the limits of events can need', async () => {
  const small = await startBroker({ 'eventLimits.maxPayloadInKb': 1, 'eventLimits.maxChannelsAtOnce': 1 });
  const { status, text } = await trigger(small.url, { name: 'e', channel: 'c', data: 'x'.repeat(200_000) });
  small.kill();
  expect(status).toBe(413);
  expect(text).toMatch(/^The body exceeds the limit of \d+ bytes: no request within eventLimits needs more/);
});

test('a body that trickles is answered 408 and dropped', async () => {
  const raw = await RawSocket.open(broker.port);
  raw.write(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n`);
  const drip = setInterval(() => raw.write('{'), 100);
  await raw.ended();
  clearInterval(drip);
  const [answer] = parseAnswers(raw.text);
  expect(answer?.status).toBe(408);
  expect(answer?.body).toMatch(/^The body did not arrive within 1 s \(httpApi.bodyTimeoutSeconds\)/);
});

test('a body in many small parts is put together', async () => {
  const client = await RawSocket.open(broker.port);
  const body = '{"name":"e"';
  client.write(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`);
  for (const letter of body) {
    await new Promise<void>((resolve) => {
      client.socket.write(letter, () => resolve());
    });
  }
  // Refused for what it lacks, not for its bytes.
  await client.until('Missing parameter: auth_key. Sign requests with a Pusher SDK');
  client.reset();
});
