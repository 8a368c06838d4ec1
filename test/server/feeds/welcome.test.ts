import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { StreamReader } from '../../support/stream-reader.ts';
import { expectNothingLeft } from '../robustness/witness.ts';
import { WAYS } from './either.ts';
import { FEEDS_APP, openSocket, publish, token } from './feeds-app.ts';

let broker: TestBroker;
let clock: FakeClock;
beforeAll(async () => {
  clock = new FakeClock(Math.floor(Date.now() / 1000) * 1000);
  broker = await startBroker({ 'channelLimits.cacheTtl': 10 }, [FEEDS_APP], clock);
});
afterAll(async () => {
  await expectNothingLeft(broker);
  broker.kill();
});
/** Whatever was published before is forgotten. */
beforeEach(() => clock.advance(10_000));

describe.each(WAYS.map((way) => [way.name, way] as const))('to a reader by %s', (_, way) => {
  test('a welcome comes before the last event, and tells the time where the template does', async () => {
    const timestamp = Math.floor(clock.now() / 1000);
    await publish(broker.url, 'state', '1', 'e', timestamp);
    const reader = await way.open(broker, '/feeds/welcome');
    const now = clock.now();
    expect(JSON.parse(await reader.nextData())).toEqual({ message: 'Say $now', sentAt: now, $now: [now, null] });
    expect(await reader.nextData()).toBe('{"event":"e","channel":"state","data":1}');
    reader.vanish();
    clock.advance(5);
    const again = await way.open(broker, '/feeds/welcome');
    expect(JSON.parse(await again.nextData())).toMatchObject({ sentAt: now + 5 });
    again.vanish();
  });

  test('that is refused no welcome comes', async () => {
    await way.refused(broker, '/feeds/private-welcome');
    const reader = await way.open(broker, `/feeds/private-welcome?token=${token()}`);
    expect(await reader.nextData()).toBe('"hello"');
    reader.vanish();
  });

  test('that is there another template is a change of its feed', async () => {
    const reader = await way.open(broker, '/feeds/welcome');
    await reader.nextData();
    const same = await way.open(broker, '/feeds/data');
    const feeds = FEEDS_APP.feeds.map((feed) => ({ ...feed, ...('welcome' in feed && { welcome: 'other' }) }));
    broker.replaceApps([{ ...FEEDS_APP, feeds }]);
    expect(await reader.ended()).toMatchObject({ reason: expect.stringContaining('has changed') });
    broker.replaceApps([FEEDS_APP]);
    same.vanish();
  });
});

test('a welcome by stream has neither name nor id: onmessage sees it', async () => {
  const reader = await StreamReader.open(`${broker.url}/feeds/welcome`);
  expect(await reader.next()).toEqual({ data: expect.stringContaining('Say $now') });
  reader.close();
});

describe('a feed at the root', () => {
  test('is read by WebSocket and as a stream, and a plain GET is the health check', async () => {
    const timestamp = Math.floor(clock.now() / 1000);
    const socket = await openSocket(broker, '/?token=');
    const stream = await StreamReader.open(`${broker.url}/`);
    await publish(broker.url, 'root', '"news"', 'e', timestamp);
    expect(await socket.nextText()).toBe('"news"');
    expect(await stream.nextData()).toBe('"news"');
    socket.ws.send('hello');
    expect(JSON.parse(await socket.nextText())).toEqual({ message: 'Echo: hello', sentAt: clock.now() });
    const head = { method: 'HEAD', headers: { Accept: 'text/event-stream' } };
    for (const init of [{}, { headers: { Accept: 'text/html' } }]) {
      expect(await (await fetch(`${broker.url}/`, init)).text()).toBe('OK');
    }
    expect((await fetch(`${broker.url}/`, head)).headers.get('content-type')).toBe('text/plain; charset=utf-8');
    await socket.close();
    stream.close();
  });
});
