import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

interface Limit {
  readonly metric: string;
  readonly label: string;
  readonly limit: number;
  readonly hysteresis: number;
}

interface Settings {
  readonly intervalMs: number;
  readonly silentAfterMs: number;
  readonly limits: readonly Limit[];
}

interface News {
  readonly id: number;
  readonly kind: 'alert' | 'recovery';
  readonly server: string;
  readonly metric: string;
  readonly subject: string;
  readonly message: string;
  readonly sentAt: number;
}

interface FleetOptions {
  readonly limits: readonly Limit[];
  readonly silentAfterMs: number;
  readonly historyMs: number;
}

interface Fleet {
  readonly names: readonly string[];
  readonly metrics: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly activeAlerts: readonly News[];
  readonly recentAlerts: readonly News[];
  take(name: string, reading: Readonly<Record<string, unknown>>, atMs: number): readonly News[] | undefined;
  findSilent(nowMs: number): readonly News[];
  startDrill(name: string, note: string): boolean;
  remember(nowMs: number): void;
  historySince(
    sinceMs: number,
  ): readonly { readonly at: number; readonly servers: Readonly<Record<string, unknown>> }[];
}

/** A reader as SlowReaders sees it. */
class FakeReader extends EventEmitter {
  bufferedAmount = 0;
  isDropped = false;
  terminate(): void {
    this.isDropped = true;
    this.emit('close');
  }
}

interface SlowReaders {
  watch(reader: FakeReader): void;
  noteSent(reader: FakeReader, bytes: number): void;
  look(): void;
  stop(): void;
}

async function partOf<T>(file: string): Promise<T> {
  return (await import(new URL(`../../examples/monitoring/${file}`, import.meta.url).href)) as T;
}

const { mask, MASK } = await partOf<{ mask(value: unknown): unknown; MASK: string }>('mask.mjs');
const { parseNetDev } = await partOf<{ parseNetDev(text: string): unknown }>('host.mjs');
const { Fleet } = await partOf<{ Fleet: new (options: FleetOptions) => Fleet }>('fleet.mjs');
const { alertMessage } = await partOf<{ alertMessage(news: News): unknown }>('messages.mjs');
const { SlowReaders } = await partOf<{
  SlowReaders: new (options: { stallMs: number; now: () => number }) => SlowReaders;
}>('slow-readers.mjs');
const { default: system } = await partOf<{ default: { pagePort: number; programs: readonly unknown[] } }>('system.mjs');
const { settingsFrom } = await partOf<{ settingsFrom(env: Readonly<Record<string, string>>): Settings }>(
  'settings.mjs',
);

describe('the mask', () => {
  test.each([
    'password',
    'dbPassword',
    'DB_PASSWORD',
    'dbpassword',
    'accessToken',
    'access-token',
    'apiKey',
    'api_key',
    'apikey',
    'key',
    'clientSecret',
    'Authorization',
    'credentials',
    'Cookie',
    'jwt',
    'accessJwt',
    'passcode',
    'sessionid',
    'sessionId',
    'session_id',
    'PHPSESSID',
  ])('hides the value of a field called %s, of whatever type', (name) => {
    expect(mask({ [name]: 'hunter2' })).toEqual({ [name]: MASK });
    expect(mask([{ inner: { [name]: { deep: ['hunter2'] } } }])).toEqual([{ inner: { [name]: MASK } }]);
  });

  test.each(['monkey', 'keyboard', 'author', 'passengers', 'host', 'percent', 'session', 'sessions', 'id'])(
    'leaves a field called %s',
    (name) => {
      expect(mask({ [name]: 42 })).toEqual({ [name]: 42 });
    },
  );

  test.each([
    ['password=hunter2', 'password=******'],
    ['the password: hunter2', 'the password: ******'],
    ['DB_PASSWORD="hunter2 and more" next', 'DB_PASSWORD="******" next'],
    ['{"user":"a","password":"hunter2"}', '{"user":"a","password":"******"}'],
    [String.raw`"{\"token\":\"hunter2\"}"`, String.raw`"{\"token\":\"******\"}"`],
    ['https://x.test/?token=hunter2&page=2', 'https://x.test/?token=******&page=2'],
    ['Bearer hunter2.abc-def', 'Bearer ******'],
    ['Authorization: Bearer hunter2', 'Authorization: ******'],
    ['Authorization: Digest username="a", response="hunter2"', 'Authorization: ******'],
    ['redis://admin:hunter2@db.test:6379/0', 'redis://admin:******@db.test:6379/0'],
    ['mysqldump --user root --password hunter2 shop', 'mysqldump --user root --password ****** shop'],
    ['mysqldump --password="hunter2 x" shop', 'mysqldump --password="******" shop'],
    ['error: password=hunter2', 'error: password=******'],
    ['note: the token = hunter2', 'note: the token = ******'],
    ["curl -H 'Authorization: Bearer hunter2' x.test", "curl -H 'Authorization: ******"],
    ['secret = hunter2', 'secret = ******'],
    ['password="hunter2 without an end', 'password="******"'],
    ['password=hunter2,hunter2;hunter2', 'password=******'],
    ['Set-Cookie: a=hunter2; c=hunter2; Path=/', 'Set-Cookie: ******'],
    ['Cookie: "a=hunter2"; c=hunter2', 'Cookie: "******"'],
    ['X-Api-Key: hunter2 and more\r\nHost: x.test', 'X-Api-Key: ******\r\nHost: x.test'],
    ['{"X-Api-Key":"hunter2 and more","Host":"x.test"}', '{"X-Api-Key":"******","Host":"x.test"}'],
    ['jwt=eyJhbGci.eyJzdWIi.sig next', 'jwt=****** next'],
    ['sessionid=hunter2 next', 'sessionid=****** next'],
    ['PHPSESSID=hunter2; path=/', 'PHPSESSID=****** path=/'],
    ['passcode=1 next', 'passcode=****** next'],
    ['https://user:hun/ter2@x.test/a', 'https://user:******@x.test/a'],
    ['https://user:12/34@x.test/a', 'https://user:******@x.test/a'],
    ['https://user:hun@ter2@x.test/a', 'https://user:******@x.test/a'],
    ['redis://:hunter2@x.test', 'redis://:******@x.test'],
    [
      '"http://x.test:80","amqp://a:hunter2@y.test","me@z.test"',
      '"http://x.test:80","amqp://a:******@y.test","me@z.test"',
    ],
  ])('hides what is secret in the text %s', (text, masked) => {
    expect(mask(text)).toBe(masked.replace('******', MASK));
    expect(mask({ note: [text] })).toEqual({ note: [masked.replace('******', MASK)] });
  });

  test.each([
    'Memory used 85.0% (threshold 80.0%)',
    '[ALERT] web-1 memory high',
    'at 10:30: all well',
    'https://x.test:8443/a',
    'monkey=7, rate: 3',
    'https://registry.x.test:443/@scope/package and http://localhost:80/@me',
    'https://x.test/a:b, write to me@x.test',
    'see https://x.test:443, or ask me@x.test',
    'Content-Type: text/html; charset=utf-8',
    'two sessions: 4 users, session 7 is over',
    'the cookies of the canteen are gone',
  ])('leaves the text %s', (text) => {
    expect(mask(text)).toBe(text);
  });

  test('masks one secret of a line and leaves what comes before and behind', () => {
    expect(mask('mysql://root:a@x.test,mysql://root:b@y.test')).toBe(
      `mysql://root:${MASK}@x.test,mysql://root:${MASK}@y.test`,
    );
  });

  // With a pattern that tries again from each place, one of these takes minutes.
  test.each([
    'a.',
    'a://b:',
    '://a:1',
    '://a:1@',
    '@a',
    '\\',
    ' ',
    'key=',
    'key="',
    'key:\\',
    'a-key: ',
    '--key ',
    'Basic ',
    '-',
    'sess',
  ])('comes to an end with half a million characters of %j', (part) => {
    const text = part.repeat(500_000 / part.length);
    expect(mask(`${text} password=hunter2`)).not.toContain('hunter2');
  });

  test('leaves nothing of a value behind the name of a secret, and masks no more the second time', () => {
    const secrets = fc.string({ minLength: 4, unit: 'grapheme-ascii' }).filter((text) => /^[^\s&"'\\]+$/.test(text));
    fc.assert(
      fc.property(secrets, fc.string(), (secret, before) => {
        const once = mask(`${before} token=${secret} after`);
        expect(once).not.toContain(`token=${secret}`);
        expect(mask(once)).toBe(once);
      }),
    );
  });
});

describe('the fleet', () => {
  const limits = [{ metric: 'memory', label: 'Memory', limit: 80, hysteresis: 5 }];
  const create = (): Fleet => new Fleet({ limits, silentAfterMs: 12_000, historyMs: 60_000 });
  const memory = (percent: number) => ({ memory: { percent, used: percent, total: 100 } });

  test('alerts and recoveries have the shapes that readers know', () => {
    const fleet = create();
    const [alert] = fleet.take('web-1', memory(85), 1) ?? [];
    const [recovery] = fleet.take('web-1', memory(65), 2) ?? [];
    expect([alert, recovery].map((news) => news && alertMessage(news))).toEqual([
      {
        type: 'alert',
        alert_type: 'alert',
        subject: '[ALERT] web-1 memory high',
        message: 'Memory used 85.0% (threshold 80.0%)',
      },
      {
        type: 'alert',
        alert_type: 'recovery',
        subject: '[RECOVERED] web-1 memory',
        message: 'Memory back to 65.0%',
      },
    ]);
  });

  test('tells of an alert at the limit, and of a recovery only below the hysteresis', () => {
    const fleet = create();
    const kinds = [79.9, 80, 95, 79, 75, 80, 74.9, 74, 80].map((value) => fleet.take('a', memory(value), 0)?.[0]?.kind);
    expect(kinds).toEqual([
      undefined,
      'alert',
      undefined,
      undefined,
      undefined,
      undefined,
      'recovery',
      undefined,
      'alert',
    ]);
  });

  test('alerts and recoveries of each server take turns, whatever the figures', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 70, max: 90 }))), (readings) => {
        const fleet = create();
        const news = readings.flatMap(([name, value]) => fleet.take(name, memory(value), 0) ?? []);
        for (const name of ['a', 'b']) {
          const kinds = news.filter(({ server }) => server === name).map(({ kind }) => kind);
          expect(kinds).toEqual(kinds.map((_, index) => (index % 2 === 0 ? 'alert' : 'recovery')));
        }
        const on =
          news.filter(({ kind }) => kind === 'alert').length - news.filter(({ kind }) => kind === 'recovery').length;
        expect(fleet.activeAlerts).toHaveLength(on);
      }),
    );
  });

  test('a figure that can not be read changes nothing', () => {
    const fleet = create();
    fleet.take('a', memory(95), 0);
    expect(fleet.take('a', { memory: null }, 1)).toEqual([]);
    expect(fleet.activeAlerts).toHaveLength(1);
  });

  test('a server from which nothing comes is an alert, once, and a recovery when it is back', () => {
    const fleet = create();
    fleet.take('a', memory(10), 1000);
    fleet.take('b', memory(10), 5000);
    expect(fleet.findSilent(12_999)).toEqual([]);
    expect(fleet.findSilent(13_000)).toMatchObject([
      { kind: 'alert', subject: '[ALERT] a agent silent', message: 'No reading for 12.0 s (threshold 12.0 s)' },
    ]);
    expect(fleet.findSilent(14_000)).toEqual([]);
    expect(fleet.metrics).toMatchObject({ a: { status: 'silent', readAt: 1000 }, b: { status: 'up' } });
    expect(fleet.activeAlerts).toMatchObject([{ server: 'a', metric: 'agent' }]);
    expect(fleet.take('a', memory(10), 21_000)).toMatchObject([
      { kind: 'recovery', subject: '[RECOVERED] a agent', message: 'Readings again after 20.0 s' },
    ]);
    expect(fleet.activeAlerts).toEqual([]);
  });

  test('a server that is silent for a day is forgotten, with its alerts', () => {
    const fleet = create();
    fleet.take('a', memory(95), 0);
    fleet.findSilent(20_000);
    expect(fleet.activeAlerts).toHaveLength(2);
    fleet.findSilent(25 * 3600 * 1000);
    expect([fleet.names, fleet.activeAlerts]).toEqual([[], []]);
  });

  test('a hundred servers are watched, and no more', () => {
    const fleet = create();
    for (let number = 0; number < 100; number += 1) expect(fleet.take(`s${number}`, memory(1), 0)).toEqual([]);
    expect(fleet.take('one-more', memory(1), 0)).toBeUndefined();
    expect(fleet.take('s7', memory(95), 0)).toHaveLength(1);
  });

  test('a drill is an alert with the next reading and over after two', () => {
    const fleet = create();
    expect(fleet.startDrill('a', 'x')).toBe(false);
    fleet.take('a', memory(1), 0);
    expect(fleet.startDrill('a', 'just a test')).toBe(true);
    const messages = [1, 2, 3, 4].map((at) =>
      fleet.take('a', memory(1), at)?.map(({ subject, message }) => [subject, message]),
    );
    expect(messages).toEqual([
      [['[ALERT] a drill', 'A drill: just a test']],
      [],
      [['[RECOVERED] a drill', 'The drill is over']],
      [],
    ]);
  });

  test('keeps the last fifty alerts, the latest first', () => {
    const fleet = create();
    for (let round = 0; round < 60; round += 1) fleet.take('a', memory(round % 2 === 0 ? 95 : 10), round);
    expect(fleet.recentAlerts).toHaveLength(50);
    expect(fleet.recentAlerts[0]).toMatchObject({ kind: 'recovery', sentAt: 59 });
  });

  test('remembers the figures of the last minute; those of a silent server are not known', () => {
    const fleet = create();
    fleet.take('b', memory(10), 0);
    fleet.take('a', memory(20), 0);
    fleet.remember(1000);
    fleet.findSilent(30_000);
    fleet.take('a', memory(30), 30_000);
    fleet.remember(61_000);
    const nothing = { cpu: null, disk: null, received: null, sent: null };
    expect(fleet.historySince(0)).toEqual([
      { at: 1000, servers: { a: { ...nothing, memory: 20 }, b: { ...nothing, memory: 10 } } },
      { at: 61_000, servers: { a: { ...nothing, memory: 30 }, b: { ...nothing, memory: null } } },
    ]);
    expect(fleet.historySince(50_000)).toHaveLength(1);
    fleet.remember(61_001);
    expect(fleet.historySince(0)).toHaveLength(2);
  });
});

describe('slow readers', () => {
  let nowMs: number;
  let slow: SlowReaders;
  let reader: FakeReader;
  beforeEach(() => {
    nowMs = 0;
    slow = new SlowReaders({ stallMs: 10_000, now: () => nowMs });
    reader = new FakeReader();
    slow.watch(reader);
  });
  afterEach(() => slow.stop());

  const pass = (ms: number, waitingBytes: number): boolean => {
    nowMs += ms;
    reader.bufferedAmount = waitingBytes;
    slow.look();
    return reader.isDropped;
  };

  test('one that takes nothing for ten seconds is dropped, however much is sent to it meanwhile', () => {
    slow.noteSent(reader, 5000);
    expect(pass(0, 5000)).toBe(false);
    slow.noteSent(reader, 5000);
    expect(pass(9999, 10_010)).toBe(false);
    expect(pass(1, 10_010)).toBe(true);
  });

  test('one that takes a little now and then stays', () => {
    slow.noteSent(reader, 50_000);
    for (let left = 49_000; left > 0; left -= 1000) expect(pass(9000, left)).toBe(false);
    expect(pass(3_600_000, 0)).toBe(false);
    slow.noteSent(reader, 10);
    expect(pass(9000, 10)).toBe(false);
  });

  test('one for which more than a megabyte waits is dropped at once', () => {
    slow.noteSent(reader, 2_000_000);
    expect(pass(0, 1_048_577)).toBe(true);
  });
});

test('three agents are started, each with a name of its own, and the page is at 18904', () => {
  expect(system.pagePort).toBe(18_904);
  expect(new Set(system.programs.map((program) => JSON.stringify(program))).size).toBe(3);
});

describe('the settings', () => {
  test('are four seconds and usual limits, unless variables say otherwise', () => {
    expect(settingsFrom({})).toMatchObject({
      intervalMs: 4000,
      silentAfterMs: 12_000,
      limits: [{ limit: 90 }, { limit: 80 }, { limit: 90 }],
    });
    expect(settingsFrom({ CPU_ALERT: '75', ALERT_HYSTERESIS: '2', READ_EVERY_SECONDS: '10' })).toMatchObject({
      intervalMs: 10_000,
      limits: [
        { metric: 'cpu', limit: 75, hysteresis: 2 },
        { metric: 'memory', limit: 80, hysteresis: 2 },
        { metric: 'disk', limit: 90, hysteresis: 2 },
      ],
    });
  });

  test.each(['high', '', '101', '-1'])('name a limit of %j', (wrong) => {
    expect(() => settingsFrom({ CPU_ALERT: wrong })).toThrow(`CPU_ALERT is ${JSON.stringify(wrong)}`);
  });
});

test('network bytes are those of all interfaces but the loopback', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo: 999 9 0 0 0 0 0 0 999 9 0 0 0 0 0 0',
    '  eth0: 100 2 0 0 0 0 0 0 20 1 0 0 0 0 0 0',
    'wlan0:7 1 0 0 0 0 0 0 3 1 0 0 0 0 0 0',
    '',
  ].join('\n');
  expect(parseNetDev(text)).toEqual({ received: 107, sent: 23 });
});
