import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SeamUnavailable } from '../../../channels/broker.ts';
import { systemClock } from '../../../server/clock.ts';
import { createMemorySeams } from '../../../server/seams.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';
import { DelayedSeams } from '../../support/delayed-seams.ts';
import { KeptConnection } from '../../support/kept-connection.ts';
import { StreamReader } from '../../support/stream-reader.ts';
import { until, untilEqual } from '../../support/until.ts';
import { RawSocket } from '../robustness/raw-socket.ts';
import { WAYS } from './either.ts';
import { FEEDS_APP, openSocket, publish, token } from './feeds-app.ts';

describe('when an app is configured otherwise', () => {
  let broker: TestBroker;
  beforeEach(async () => {
    broker = await startBroker({}, [FEEDS_APP]);
  });
  afterEach(() => broker.kill());

  test.each(WAYS)('readers by $name of feeds that are different now come anew, the others stay', async (way) => {
    const [data, ...others] = FEEDS_APP.feeds;
    const changed = await way.open(broker, '/feeds/data');
    const removed = await way.open(broker, '/feeds/event');
    const same = await way.open(broker, '/feeds/echo');
    const feeds = [{ ...data, channel: 'weather' }, ...others.filter(({ path }) => path !== '/feeds/event')];
    broker.replaceApps([{ ...FEEDS_APP, feeds: [...feeds, { path: '/feeds/new', channel: 'news' }] }]);

    const reason = 'The configuration of this feed has changed: reconnect';
    for (const reader of [changed, removed]) expect(await reader.ended()).toMatchObject({ reason });
    const again = await way.open(broker, '/feeds/data');
    const added = await way.open(broker, '/feeds/new');
    await publish(broker.url, 'weather', 'rain');
    await publish(broker.url, 'news', 'x');
    expect(await again.nextData()).toBe('rain');
    expect(await added.nextData()).toBe('x');
    expect(await same.nextData()).toBe('x');
    for (const reader of [again, added, same]) reader.vanish();
  });

  test.each(WAYS)('readers by $name of an app that is gone go', async (way) => {
    const reader = await way.open(broker, '/feeds/data');
    broker.replaceApps([{ id: 'other', key: 'other', secret: 's' }]);
    expect(await reader.ended()).toMatchObject({ reason: 'Application does not exist any more' });
  });
});

describe('while the seams take their time', () => {
  let seams: DelayedSeams;
  let broker: TestBroker;
  beforeEach(async () => {
    seams = new DelayedSeams(systemClock);
    const { broker: messages, store } = seams;
    broker = await startBroker({}, [FEEDS_APP], undefined, {
      createSeams: () => ({ ...createMemorySeams(systemClock), broker: messages, store }),
    });
    seams.isSlow = true;
  });
  afterEach(() => broker.kill());

  const PRESENCE = `/feeds/presence?token=${token()}`;
  const STEPS = ['store.addConnection', 'broker.subscribe presence-room', 'store.join presence-room'] as const;

  /** Answers what is asked before a step. */
  async function reach(step: string): Promise<void> {
    for (;;) {
      await until(() => seams.pending.length > 0);
      if (seams.pending[0]?.name === step) return;
      await seams.answer();
    }
  }

  async function expectNothing(): Promise<void> {
    seams.isSlow = false;
    await seams.answerAll();
    expect(broker.node.connections.size).toBe(0);
    expect([...broker.node.channels.keys()]).toEqual([]);
    expect(broker.node.liveness.size).toBe(0);
    expect(await seams.store.connectionCount(FEEDS_APP.id)).toBe(0);
    expect(await seams.store.members(FEEDS_APP.id, 'presence-room')).toMatchObject({ members: [] });
  }

  test.each(WAYS.flatMap((way) => STEPS.map((step) => [way.name, step, way] as const)))(
    'a reader by %s that goes during %s leaves nothing behind',
    async (name, step) => {
      const raw = await RawSocket.open(broker.port);
      const upgrade = name === 'stream' ? 'Accept: text/event-stream' : UPGRADE;
      raw.write(`GET ${PRESENCE} HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n\r\n`);
      await reach(step);
      const before = broker.node.connections.size;
      raw.reset();
      // Whoever is counted goes at once, not when the seams have answered.
      if (before > 0) await untilEqual(() => broker.node.connections.size, 0);
      else await settled(broker);
      await expectNothing();
    },
  );

  test.each(WAYS)('a reader by $name of a feed that is changed meanwhile comes anew', async (way) => {
    for (const step of ['store.addConnection', 'broker.subscribe news']) {
      const coming = way.refused(broker, '/feeds/data');
      await reach(step);
      broker.replaceApps([{ ...FEEDS_APP, feeds: [{ ...FEEDS_APP.feeds[0], format: 'event' }] }]);
      await seams.answerAll();
      const refusal = await coming;
      if (way.name === 'WebSocket') expect(refusal).toMatchObject({ code: 4200 });
      else expect(refusal.code).toBe(200);
      broker.replaceApps([FEEDS_APP]);
    }
    await expectNothing();
  });

  test('what a client says before it is let in is echoed then, and is no command', async () => {
    const reader = await openSocket(broker, '/feeds/echo');
    reader.send('early');
    reader.send('{"event":"pusher:subscribe","data":{"channel":"cache-news"}}');
    await until(() => seams.pending.length > 0);
    await settled(broker);
    seams.isSlow = false;
    await seams.answerAll();
    expect(JSON.parse(await reader.nextText())).toMatchObject({ message: 'Echo: early' });
    expect(JSON.parse(await reader.nextText())).toMatchObject({ message: expect.stringMatching(/^Echo: \{"event"/) });
    expect([...broker.node.channels.values()].map(({ name }) => name)).toEqual(['news']);
    await reader.close();
  });

  test.each(WAYS)('a reader by $name is asked to come later when they fail', async (way) => {
    const coming = way.refused(broker, '/feeds/data');
    await reach('store.addConnection');
    await seams.answer({ error: new SeamUnavailable('Redis is away') });
    const refusal = await coming;
    if (way.name === 'WebSocket') {
      expect(refusal).toEqual({ code: 4100, reason: expect.stringContaining('Redis is away') });
    } else {
      expect(refusal.code).toBe(200);
    }
    await expectNothing();
  });
});

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

/** All that has come to the broker so far has been taken. */
async function settled({ url }: TestBroker): Promise<void> {
  await fetch(`${url}/ready`);
}

describe('when the broker stops', () => {
  test.each(WAYS)('readers by $name are moved off, properly', async (way) => {
    const broker = await startBroker({ 'drain.seconds': 0 }, [FEEDS_APP]);
    const reader = await way.open(broker, '/feeds/data');
    await publish(broker.url, 'news', 'last words');
    const stopped = broker.stop();
    expect(await reader.nextData()).toBe('last words');
    const end = await reader.ended();
    expect(end.reason).toBe('Server is restarting: reconnect now');
    if (way.name === 'WebSocket') expect(end.code).toBe(4200);
    await stopped;
  });

  // EventSource gives up for good at any status but 200.
  test('a stream that is asked for meanwhile ends at once, and says when to come back', async () => {
    const broker = await startBroker({ 'drain.seconds': 60 }, [FEEDS_APP]);
    for (let count = 0; count < 3; count += 1) await openSocket(broker, '/feeds/data');
    const { agent } = await KeptConnection.open(broker.port);
    void broker.stop();
    const stream = await StreamReader.ask(`${broker.url}/feeds/data`, {}, 'GET', agent);
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8' });
    expect(await stream.ended()).toEqual({
      isComplete: true,
      before: [{ retry: '2000' }, { comment: 'This server is stopping: reconnect to another one' }],
    });
    broker.kill();
  });

  test.each(WAYS)('readers by $name come back to the process that follows after a plain restart', async (way) => {
    const broker = await startBroker({}, [FEEDS_APP]);
    const reader = await way.open(broker, '/feeds/data');
    await publish(broker.url, 'news', 'last words');
    const stopped = broker.stop();
    expect(await reader.nextData()).toBe('last words');
    const end = await reader.ended();
    expect(end.reason).toBe('Server is restarting');
    if (way.name === 'WebSocket') expect(end.code).toBe(1001);
    await stopped;
  });
});
