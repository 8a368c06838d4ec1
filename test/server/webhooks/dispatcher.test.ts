import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { MemoryOutbox } from '../../../channels/memory-outbox.ts';
import { createApp } from '../../channels/test-node.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { occupied, Stage, webhook } from './stage.ts';

describe('an event', () => {
  test('is told to each webhook that wants it, signed, with its time and id', async () => {
    const stage = new Stage({}, [
      webhook('one', { headers: { 'X-Own': 'yes', 'content-type': 'text/plain', 'x-pusher-key': 'forged' } }),
      webhook('two', { startsWith: ['other'] }),
      webhook('three', { eventTypes: ['channel_vacated'] }),
    ]);
    stage.sender.reply = () => 200;
    const nowMs = stage.clock.now();
    stage.append('räume');
    const [entry] = stage.outbox.read(0, '', 1);
    stage.dispatcher.start();
    await stage.settled();
    const [sent, ...others] = stage.sender.sent;
    expect(others).toEqual([]);
    const body = `{"time_ms":${nowMs},"events":[{"name":"channel_occupied","channel":"räume"}]}`;
    expect(sent?.request).toEqual({
      url: 'http://app.example/one',
      body,
      headers: {
        'User-Agent': 'Kulkul',
        'X-Own': 'yes',
        'Content-Type': 'application/json',
        'X-Pusher-Key': 'key',
        'X-Pusher-Signature': createHmac('sha256', 'secret').update(body).digest('hex'),
        'X-Kulkul-Event-Ids': entry?.id,
      },
      mayBePrivate: true,
      traces: [],
    });
    expect(stage.outbox.size).toBe(0);
  });

  test('that no webhook wants is removed', async () => {
    const stage = new Stage({}, [webhook('one', { eventTypes: ['cache_miss'] })]);
    stage.append('a');
    stage.dispatcher.start();
    await stage.settled();
    expect(stage.sender.sent).toEqual([]);
    expect(stage.outbox.size).toBe(0);
    expect(stage.lines).toEqual([]);
  });

  test('stays in the outbox until all have it, and who has it is noted', async () => {
    const stage = new Stage({}, [webhook('one'), webhook('two')]);
    stage.sender.reply = ({ to }) => (to === 'one' ? 200 : undefined);
    stage.append('a');
    stage.dispatcher.start();
    await stage.settled();
    expect(stage.outbox.read(0, '', 10)).toMatchObject([{ told: ['one'] }]);
    stage.sender.sent.find(({ to }) => to === 'two')?.answer(204);
    await stage.settled();
    expect(stage.outbox.size).toBe(0);
  });

  test('that one webhook had before a restart is told to the other one only', async () => {
    const stage = new Stage({}, [webhook('one'), webhook('two')]);
    stage.append('a');
    stage.outbox.noteTold(0, stage.outbox.read(0, '', 1)[0]?.id ?? '', 'one');
    stage.sender.reply = () => 200;
    stage.dispatcher.start();
    await stage.settled();
    expect(stage.sender.take()).toEqual(['two a']);
  });

  test('that is sent again by an operator goes to its webhook only, with the id that it had and a new time', async () => {
    const stage = new Stage({}, [webhook('one', { eventTypes: [] }), webhook('two')]);
    stage.sender.reply = () => 200;
    stage.outbox.append('1', occupied('a'), { webhookId: 'one', eventId: 'first-id' });
    stage.dispatcher.start();
    await stage.settled();
    expect(stage.sender.sent).toMatchObject([{ to: 'one', ids: ['first-id'], timeMs: stage.clock.now() }]);
  });
});

describe('order', () => {
  test('holds in a channel, and other channels do not wait', async () => {
    const stage = new Stage();
    stage.append('a', 'b', 'a', 'c', 'a');
    stage.dispatcher.start();
    await stage.settled();
    expect(stage.sender.sent.map(({ channels }) => channels[0])).toEqual(['a', 'b', 'c']);
    stage.sender.sent[0]?.answer(200);
    await stage.settled();
    expect(stage.sender.take()).toEqual(['one a', 'one b', 'one c', 'one a']);
  });

  test('holds for the events of a user', async () => {
    const stage = new Stage();
    stage.outbox.append('1', { name: 'user_online', channel: '', user_id: 'ann' });
    stage.outbox.append('1', { name: 'user_offline', channel: '', user_id: 'ann' });
    stage.outbox.append('1', { name: 'user_online', channel: '', user_id: 'bob' });
    stage.dispatcher.start();
    await stage.settled();
    expect(stage.sender.sent.map(({ request }) => JSON.parse(request.body).events[0].user_id)).toEqual(['ann', 'bob']);
  });

  test('holds while the first event is tried again', async () => {
    const stage = new Stage();
    stage.sender.reply = () => 500;
    stage.append('a', 'a');
    stage.dispatcher.start();
    await stage.settled();
    await stage.pass(3000);
    const [first] = stage.outbox.read(0, '', 1);
    expect(new Set(stage.sender.sent.map(({ ids }) => ids[0]))).toEqual(new Set([first?.id]));
    stage.sender.take();
    stage.sender.reply = () => 200;
    await stage.pass(4000);
    expect(stage.sender.take()).toEqual(['one a', 'one a']);
    expect(stage.outbox.size).toBe(0);
  });
});

test('so many requests to a webhook are under way at once, and each webhook has its own', async () => {
  const stage = new Stage({ concurrency: 3 }, [webhook('one'), webhook('two')]);
  stage.append(...Array.from({ length: 20 }, (_, index) => `channel-${index}`));
  stage.sender.reply = ({ to }) => (to === 'two' ? 200 : undefined);
  stage.dispatcher.start();
  await stage.pass(1000);
  const sent = stage.sender.take();
  expect(sent.filter((text) => text.startsWith('one'))).toHaveLength(3);
  expect(sent.filter((text) => text.startsWith('two'))).toHaveLength(20);
  expect(stage.sender.mostUnderWay).toBeLessThanOrEqual(6);
});

describe('what is not accepted', () => {
  test.each([301, 404, 500])('is tried again: %i', async (status) => {
    const stage = new Stage();
    stage.sender.reply = () => status;
    stage.append('a');
    stage.dispatcher.start();
    await stage.settled();
    expect(stage.sender.take()).toHaveLength(1);
    await stage.pass(1000);
    expect(stage.sender.take()).toHaveLength(1);
    expect(stage.logged('webhook failed')[0]).toMatchObject({
      app: '1',
      url: 'http://app.example/one',
      error: `it answered ${status}`,
      attempt: 1,
    });
  });

  test('is tried after 1, 2, 4 … 60 seconds, at last 5 minutes after the fact, then is a dead letter', async () => {
    const stage = new Stage();
    const beganMs = stage.clock.now();
    const atSeconds: number[] = [];
    stage.sender.reply = () => {
      atSeconds.push((stage.clock.now() - beganMs) / 1000);
      return 503;
    };
    stage.append('a');
    const id = stage.outbox.read(0, '', 1)[0]?.id;
    stage.dispatcher.start();
    await stage.settled();
    await stage.pass(299_000);
    expect(atSeconds).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    expect(stage.letters()).toEqual([]);
    await stage.pass(1000);
    expect(atSeconds.at(-1)).toBe(300);
    expect(stage.letters()).toEqual([
      {
        id,
        appId: '1',
        webhookId: 'one',
        url: 'http://app.example/one',
        event: { name: 'channel_occupied', channel: 'a' },
        timeMs: beganMs,
        buriedMs: beganMs + 300_000,
        attempts: 11,
        error: 'it answered 503',
        status: 503,
      },
    ]);
    expect(stage.outbox.size).toBe(0);
    await stage.pass(120_000);
    expect(atSeconds).toHaveLength(11);
  });

  test('takes along what waited behind it for as long, but nothing younger', async () => {
    const stage = new Stage({ retryMs: 10_000 });
    stage.sender.reply = () => 500;
    stage.append('a', 'a', 'b');
    stage.dispatcher.start();
    await stage.pass(8000);
    stage.append('a');
    await stage.pass(2000);
    expect(stage.letters()).toMatchObject([
      { event: { channel: 'a' }, attempts: 5 },
      { event: { channel: 'a' }, attempts: 0, error: 'it answered 500', status: undefined },
      { event: { channel: 'b' }, attempts: 5 },
    ]);
    expect(stage.outbox.size).toBe(1);
    await stage.pass(8000);
    expect(stage.outbox.size).toBe(0);
  });

  test('without retries becomes a dead letter at once', async () => {
    const stage = new Stage({ retryMs: 0 });
    stage.append('a');
    stage.dispatcher.start();
    await stage.settled();
    stage.sender.sent[0]?.fail('no answer within 10 s');
    await stage.settled();
    expect(stage.letters()).toMatchObject([{ attempts: 1, error: 'no answer within 10 s' }]);
  });

  test('waits alone: an event that is refused holds up its channel only', async () => {
    const stage = new Stage();
    stage.sender.reply = ({ channels }) => (channels.includes('bad') ? 500 : 200);
    stage.append('bad', 'bad');
    stage.dispatcher.start();
    for (let second = 0; second < 60; second += 1) {
      stage.append('good');
      await stage.settled();
      expect(stage.sender.take()).toContain('one good');
      await stage.pass(1000);
    }
  });

  test('reaches a webhook that was away within seconds of its return, though it waited long', async () => {
    const stage = new Stage();
    stage.sender.reply = () => 502;
    const channels = Array.from({ length: 200 }, (_, index) => `channel-${index}`);
    stage.append(...channels);
    stage.dispatcher.start();
    await stage.pass(60_000);
    const tries = stage.sender.take().length;
    // A handful at first, then one request at a time, ever less often.
    expect(tries).toBeLessThan(30);
    stage.sender.reply = () => 200;
    await stage.pass(60_000);
    expect(new Set(stage.sender.take())).toEqual(new Set(channels.map((channel) => `one ${channel}`)));
    expect(stage.outbox.size).toBe(0);
  });
});

describe('bounds', () => {
  test('past so many that wait for a webhook that fails, events become dead letters, which is logged once', async () => {
    const stage = new Stage({ maxQueued: 5 }, [webhook('one'), webhook('two')]);
    stage.sender.reply = ({ to }) => (to === 'two' ? 200 : 500);
    stage.append('first');
    stage.dispatcher.start();
    await stage.settled();
    stage.append(...Array.from({ length: 11 }, (_, index) => `channel-${index}`));
    await stage.settled();
    expect(stage.letters()).toHaveLength(7);
    expect(stage.letters()[0]).toMatchObject({ attempts: 0, event: { channel: 'channel-4' } });
    expect(stage.letters()[0]?.error).toContain('webhooks.maxQueued');
    expect(stage.letters('two')).toEqual([]);
    expect(stage.logged('too many events wait')).toHaveLength(1);
    expect(stage.outbox.size).toBe(5);
    expect(stage.sender.take().filter((text) => text.startsWith('two'))).toHaveLength(12);
  });

  test('events that come faster than a webhook accepts them are left in the outbox, none is lost, and they keep their order', async () => {
    const stage = new Stage({ maxQueued: 10, concurrency: 2 }, [webhook('one'), webhook('two')]);
    stage.sender.reply = ({ to }) => (to === 'two' ? 200 : undefined);
    const appended: string[] = [];
    const append = (count: number): void => {
      for (let index = 0; index < count; index += 1) {
        const channel = `channel-${appended.length % 7}`;
        stage.append(channel);
        appended.push(channel);
      }
    };
    append(450);
    const ids = stage.outbox.read(0, '', 1000).map(({ id }) => id);
    stage.dispatcher.start();
    const accepted: string[] = [];
    const channels = new Map<string, string[]>();
    for (let turn = 0; accepted.length < 500 && turn < 2000; turn += 1) {
      if (turn === 10) append(50);
      for (const sent of stage.sender.sent.splice(0)) {
        if (sent.to !== 'one') continue;
        sent.answer(200);
        accepted.push(...sent.ids);
        const [channel = ''] = sent.channels;
        channels.set(channel, [...(channels.get(channel) ?? []), ...sent.ids]);
      }
      await stage.settled();
      if (turn % 10 === 0) await stage.pass(1000);
    }
    expect(accepted.length).toBe(500);
    expect(new Set(accepted).size).toBe(500);
    expect(ids.every((id) => accepted.includes(id))).toBe(true);
    const numberOf = (id: string): number => Number(id.split('-')[1]);
    for (const told of channels.values()) expect(told).toEqual(told.toSorted((a, b) => numberOf(a) - numberOf(b)));
    expect(stage.outbox.size).toBe(0);
    expect(stage.letters()).toEqual([]);
  });

  test('what waits for an app that can not be found is bounded: the rest stays in the outbox', async () => {
    const stage = new Stage({ maxQueued: 150 });
    stage.isDatabaseUp = false;
    stage.append(...Array.from({ length: 500 }, (_, index) => `channel-${index}`));
    stage.dispatcher.start();
    await stage.pass(3000);
    expect(stage.outbox.size).toBe(500);
    stage.isDatabaseUp = true;
    stage.sender.reply = () => 200;
    await stage.pass(2000);
    for (let turns = 0; stage.outbox.size > 0 && turns < 100; turns += 1) await stage.settled();
    expect(stage.outbox.size).toBe(0);
    expect(stage.letters().length + stage.sender.take().length).toBe(500);
  });
});

describe('apps', () => {
  test('that can not be read now: what is for them waits, in order', async () => {
    const stage = new Stage();
    stage.isDatabaseUp = false;
    stage.append('a', 'b');
    stage.dispatcher.start();
    await stage.pass(5000);
    stage.append('c');
    await stage.pass(1000);
    expect(stage.sender.sent).toEqual([]);
    expect(stage.logged('their app can not be read').length).toBeGreaterThan(0);
    stage.isDatabaseUp = true;
    stage.sender.reply = () => 200;
    await stage.pass(1000);
    expect(stage.sender.take()).toEqual(['one a', 'one b', 'one c']);
  });

  test('that can not be read before a second try: the try counts for nothing', async () => {
    const stage = new Stage({ retryMs: 2000 });
    stage.sender.reply = () => 500;
    stage.append('a');
    stage.dispatcher.start();
    await stage.settled();
    stage.isDatabaseUp = false;
    await stage.pass(10_000);
    expect(stage.letters()).toEqual([]);
    expect(stage.sender.take()).toHaveLength(1);
    stage.isDatabaseUp = true;
    stage.sender.reply = () => 200;
    await stage.pass(1000);
    expect(stage.sender.take()).toEqual(['one a']);
  });

  test.each([
    ['is gone', (stage: Stage) => (stage.app = createApp({ id: 'another' }))],
    ['is disabled', (stage: Stage) => (stage.app = { ...stage.app, enabled: false })],
    ['has the webhook no longer', (stage: Stage) => (stage.app = { ...stage.app, webhooks: [] })],
  ])('whose app %s: what waits is dropped, and counted in the log', async (_, change) => {
    const stage = new Stage();
    stage.sender.reply = () => 500;
    stage.append('a', 'a', 'b');
    stage.dispatcher.start();
    await stage.settled();
    change(stage);
    await stage.pass(3000);
    expect(stage.outbox.size).toBe(0);
    expect(stage.letters()).toEqual([]);
    const dropped = stage.logged('events for webhooks dropped').map(({ events }) => Number(events));
    expect(dropped.reduce((sum, count) => sum + count, 0)).toBe(3);
  });

  test('that change are taken as they are now: URL headers and key', async () => {
    const stage = new Stage();
    stage.sender.reply = () => 500;
    stage.append('a');
    stage.dispatcher.start();
    await stage.settled();
    stage.app = {
      ...stage.app,
      keys: [{ key: 'newer', secret: 'other' }],
      webhooks: [webhook('one', { headers: { 'X-Own': 'now' } })],
    };
    stage.sender.take();
    await stage.pass(1000);
    expect(stage.sender.sent[0]?.request.headers).toMatchObject({ 'X-Pusher-Key': 'newer', 'X-Own': 'now' });
  });
});

describe('batches', () => {
  const BATCHED = { batchMs: 50 };

  test('join what comes within their time, for one webhook, in order', async () => {
    const stage = new Stage(BATCHED, [webhook('one'), webhook('two', { startsWith: ['b'] })]);
    stage.dispatcher.start();
    await stage.settled();
    stage.append('a', 'b');
    await stage.settled();
    const timeMs = stage.clock.now();
    stage.clock.advance(30);
    stage.append('a', 'c');
    await stage.settled();
    expect(stage.sender.sent).toEqual([]);
    stage.clock.advance(20);
    await stage.settled();
    expect(stage.sender.sent.map(({ to, channels }) => [to, channels])).toEqual([
      ['one', ['a', 'a', 'b', 'c']],
      ['two', ['b']],
    ]);
    expect(stage.sender.sent[0]).toMatchObject({ timeMs });
    expect(new Set(stage.sender.sent[0]?.ids).size).toBe(4);
    stage.sender.sent[0]?.answer(200);
    stage.sender.sent[1]?.answer(200);
    await stage.settled();
    expect(stage.outbox.size).toBe(0);
  });

  test('have at most 100 events, and 256 kB', async () => {
    const stage = new Stage(BATCHED);
    stage.sender.reply = () => 200;
    stage.append(...Array.from({ length: 150 }, (_, index) => `channel-${index}`));
    stage.dispatcher.start();
    await stage.settled();
    await stage.pass(100);
    expect(stage.sender.sent.map(({ channels }) => channels.length)).toEqual([100, 50]);
    stage.sender.take();
    const data = 'x'.repeat(100_000);
    for (let count = 0; count < 5; count += 1) {
      stage.outbox.append('1', { name: 'client_event', channel: 'a', event: 'client-e', data, socket_id: '1.1' });
    }
    await stage.settled();
    await stage.pass(200);
    expect(stage.sender.sent.map(({ channels }) => channels.length)).toEqual([2, 2, 1]);
  });

  test('that fail are sent again channel by channel, so that one event that is refused holds up its channel only', async () => {
    const stage = new Stage(BATCHED);
    stage.sender.reply = ({ channels }) => (channels.includes('bad') ? 500 : 200);
    stage.append('a', 'bad', 'b', 'bad', 'a');
    stage.dispatcher.start();
    await stage.settled();
    await stage.pass(50);
    expect(stage.sender.take()).toEqual(['one a+a+bad+bad+b']);
    await stage.pass(1050);
    expect(stage.sender.take().sort()).toEqual(['one a', 'one a', 'one b', 'one bad']);
    expect(stage.outbox.size).toBe(2);
  });
});

describe('partitions', () => {
  /** An outbox whose claims are what the test says: partitions, or why there is no answer. */
  class SharedOutbox extends MemoryOutbox {
    claimed: readonly number[] | Error = [0];

    override claim(): readonly number[] {
      if (this.claimed instanceof Error) throw this.claimed;
      return this.claimed;
    }
  }
  const create = (): { stage: Stage; outbox: SharedOutbox } => {
    const clock = new FakeClock();
    const outbox = new SharedOutbox(clock, { graceMs: 3000, wants: () => -1 });
    return { stage: new Stage({}, [webhook('one')], { clock, outbox }), outbox };
  };

  test('that are another node’s: what is under way ends, the rest is left alone', async () => {
    const { stage, outbox } = create();
    stage.append('a', 'a', 'b');
    stage.dispatcher.start();
    await stage.settled();
    outbox.claimed = [];
    await stage.pass(1000);
    const [first, second] = stage.sender.sent;
    first?.answer(200);
    second?.fail('closed');
    await stage.settled();
    await stage.pass(10_000);
    expect(stage.sender.take()).toEqual(['one a', 'one b']);
    expect(outbox.read(0, '', 10).map(({ event }) => event.channel)).toEqual(['a', 'b']);
  });

  test('that come back are read from their beginning, after what is still under way', async () => {
    const { stage, outbox } = create();
    stage.append('a', 'a');
    stage.dispatcher.start();
    await stage.settled();
    outbox.claimed = [];
    await stage.pass(1000);
    outbox.claimed = [0];
    await stage.pass(1000);
    const [first] = stage.sender.sent;
    expect(stage.sender.take()).toEqual(['one a']);
    stage.sender.reply = () => 200;
    first?.answer(200);
    await stage.settled();
    expect(stage.sender.take()).toEqual(['one a']);
    expect(outbox.size).toBe(0);
  });

  test('are not worked on once the claim may have ended, and read again when it is renewed', async () => {
    const { stage, outbox } = create();
    stage.sender.reply = () => 500;
    stage.append('a');
    stage.dispatcher.start();
    await stage.settled();
    outbox.claimed = new Error('Redis is away');
    await stage.pass(4000);
    expect(stage.sender.take().length).toBeGreaterThan(1);
    await stage.pass(60_000);
    expect(stage.sender.take()).toEqual([]);
    expect(stage.logged('outbox of webhooks can not be reached').length).toBeGreaterThan(0);
    outbox.claimed = [0];
    stage.sender.reply = () => 200;
    await stage.pass(1000);
    expect(stage.sender.take()).toEqual(['one a']);
    expect(outbox.size).toBe(0);
  });

  test('what the outbox can not be told now is told later, and nothing is sent twice for it', async () => {
    const { stage, outbox } = create();
    const remove = outbox.remove.bind(outbox);
    outbox.remove = () => {
      throw new Error('Redis is away');
    };
    stage.sender.reply = () => 200;
    stage.append('a', 'b');
    stage.dispatcher.start();
    await stage.pass(3000);
    expect(outbox.size).toBe(2);
    outbox.remove = remove;
    await stage.pass(1000);
    expect(outbox.size).toBe(0);
    expect(stage.sender.take()).toEqual(['one a', 'one b']);
  });

  test('a dead letter that can not be kept now stays an event, and is kept later', async () => {
    const { stage, outbox } = create();
    const bury = outbox.bury.bind(outbox);
    outbox.bury = () => {
      throw new Error('Redis is away');
    };
    stage.sender.reply = () => 500;
    stage.append('a');
    stage.dispatcher.start();
    await stage.pass(301_000);
    expect(outbox.size).toBe(1);
    outbox.bury = bury;
    await stage.pass(1000);
    expect(outbox.size).toBe(0);
    expect(stage.letters()).toHaveLength(1);
  });
});

describe('a stop', () => {
  test('delivers what there is, and what is held back, then gives the work to others', async () => {
    const stage = new Stage();
    stage.append('a', 'a');
    stage.outbox.onEdge({ kind: 'channel_vacated', appId: '1', channel: 'a' });
    stage.dispatcher.start();
    await stage.settled();
    stage.sender.reply = () => 200;
    const stopped = stage.dispatcher.stop(3000);
    stage.sender.sent[0]?.answer(200);
    await stage.pass(2000);
    expect(await stopped).toBe(0);
    expect(stage.sender.take()).toEqual(['one a', 'one a', 'one a']);
    stage.append('b');
    await stage.pass(5000);
    expect(stage.sender.take()).toEqual([]);
    expect(stage.clock.pending).toBe(0);
  });

  test('waits no longer than it may, and says how much is left', async () => {
    const stage = new Stage();
    stage.append('a', 'a', 'b');
    stage.dispatcher.start();
    await stage.settled();
    const stopped = stage.dispatcher.stop(3000);
    await stage.pass(4000);
    expect(await stopped).toBe(3);
  });

  test('with an outbox that outlives the node waits for what is under way only', async () => {
    const stage = new Stage();
    stage.outbox.conclude = () => 0;
    stage.append('a', 'a');
    stage.dispatcher.start();
    await stage.settled();
    const stopped = stage.dispatcher.stop(3000);
    stage.sender.sent[0]?.answer(200);
    await stage.pass(1000);
    expect(await stopped).toBe(0);
    expect(stage.sender.take()).toEqual(['one a']);
    expect(stage.outbox.size).toBe(1);
  });

  test('of one that never worked is over at once', async () => {
    const stage = new Stage();
    expect(await stage.dispatcher.stop(3000)).toBe(0);
    stage.dispatcher.start();
    expect(stage.clock.pending).toBe(0);
  });
});

describe('states', () => {
  test('say how a webhook does', async () => {
    const stage = new Stage();
    const beganMs = stage.clock.now();
    stage.sender.reply = ({ channels }) => (channels[0] === 'bad' ? 500 : 200);
    stage.append('good', 'bad', 'bad');
    stage.dispatcher.start();
    await stage.settled();
    await stage.pass(2000);
    const { attempts, failures } = stage.outbox.states('1')[0] ?? {};
    expect(attempts).toBe(1 + (failures ?? 0));
    expect(stage.outbox.states('1')).toMatchObject([
      {
        webhookId: 'one',
        url: 'http://app.example/one',
        waiting: 2,
        oldestMs: beganMs,
        delivered: 1,
        buried: 0,
        lastError: 'it answered 500',
        lastStatus: 500,
      },
    ]);
  });

  test('hide what a URL may have that is secret', async () => {
    const stage = new Stage({}, [webhook('one', { url: 'https://user:pass@app.example/one?token=abc' })]);
    stage.sender.reply = () => 500;
    stage.append('a');
    stage.dispatcher.start();
    await stage.pass(301_000);
    const shown = JSON.stringify([stage.outbox.states('1'), stage.letters(), stage.lines]);
    expect(shown).toContain('app.example/one');
    expect(shown).not.toMatch(/pass|abc/);
  });

  test('are told again before they are forgotten, until nothing happened for ten minutes', async () => {
    const stage = new Stage();
    stage.sender.reply = () => 200;
    stage.append('a');
    stage.dispatcher.start();
    await stage.pass(300_000);
    expect(stage.outbox.states('1')).toMatchObject([{ delivered: 1 }]);
    await stage.pass(400_000);
    expect(stage.outbox.states('1')).toEqual([]);
  });
});
