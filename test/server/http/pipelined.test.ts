import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hmacHex } from '../../../auth/hmac.ts';
import { trigger } from '../../support/api-client.ts';
import { APP, FULL_APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawSocket } from '../robustness/raw-socket.ts';

const REQUESTS = 3000;

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ 'limits.trustedProxies': ['127.0.0.2'] }, [
    { ...FULL_APP, feeds: [{ path: '/feed', channel: 'private-a' }] },
  ]);
});
afterAll(() => broker.kill());

const request = (line: string, more = ''): string => `${line} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const withBody = (line: string): string => `${request(line, 'Content-Length: 2\r\n')}{}`;

function answersIn(text: string): number {
  return text.split('HTTP/1.1 ').length - 1;
}

// Cause: all requests of a chunk are handed over in one turn. Symptom: 3 MB of requests for paths that there are not cost 3 seconds, in which nobody else was served.
describe('a client that sends many requests at once is cut off where they are', () => {
  test.for([
    ['for no path', request('GET /nothing')],
    ['for another method', request('DELETE /apps/1/events')],
    ['for an unknown app', withBody('POST /apps/unknown/events')],
    ['not signed', withBody(`POST /apps/${APP.id}/events`)],
    ['signed with nonsense', request(`GET /apps/${APP.id}/channels?auth_key=${APP.key}&auth_signature=x`)],
    ['to sign in, without a token', withBody(`POST /apps/${APP.id}/auth/channel`)],
    ['for a feed that takes a token', request('GET /feed', 'Accept: text/event-stream\r\n')],
    ['for a feed, as something else', request('GET /feed')],
    ['preflights', request('OPTIONS /apps/1/events', 'Origin: https://a.example\r\n')],
    ['health checks', request('GET /')],
    ['for the head of nothing', request('HEAD /nothing')],
  ])('%s', async ([, one = '']) => {
    const raw = await RawSocket.open(broker.port);
    raw.write(one.repeat(REQUESTS));
    await raw.ended();
    expect(answersIn(raw.text)).toBeLessThan(REQUESTS / 2);
    expect((await fetch(`${broker.url}/`)).status).toBe(200);
  });
});

describe('many requests at once are answered', () => {
  test('where they are good', async () => {
    const query = `auth_key=${APP.key}&auth_timestamp=${Math.floor(Date.now() / 1000)}&auth_version=1.0`;
    const path = `/apps/${APP.id}/channels`;
    const signature = hmacHex(APP.secret, `GET\n${path}\n${query}`);
    const raw = await RawSocket.open(broker.port);
    raw.write(request(`GET ${path}?${query}&auth_signature=${signature}`).repeat(500));
    while (answersIn(raw.text) < 500) await raw.more();
    expect(raw.text).not.toContain(' 40');
    raw.socket.destroy();
  });

  test('where a backend of the same address is good, and another client is not', async () => {
    const raw = await RawSocket.open(broker.port);
    raw.write(request('GET /nothing').repeat(REQUESTS));
    const answers = await Promise.all(
      Array.from({ length: 150 }, () => trigger(broker.url, { name: 'e', channel: 'c', data: '{}' })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await raw.ended();
  });

  test('where they come one after the other, refused or not', async () => {
    const raw = await RawSocket.open(broker.port);
    for (let count = 1; count <= 300; count += 1) {
      raw.write(request('GET /nothing'));
      while (answersIn(raw.text) < count) await raw.more();
    }
    raw.socket.destroy();
  });

  test('where a proxy that is trusted passes them on', async () => {
    const raw = await RawSocket.open(broker.port, '127.0.0.2');
    raw.write(request('GET /nothing').repeat(500));
    while (answersIn(raw.text) < 500) await raw.more();
    raw.socket.destroy();
  });
});
