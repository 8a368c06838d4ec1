import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

interface Limit {
  readonly metric: string;
  readonly label: string;
  readonly limit: number;
  readonly hysteresis: number;
}

interface Settings {
  readonly intervalMs: number;
  readonly limits: readonly Limit[];
}

interface News {
  readonly kind: 'alert' | 'recovery';
  readonly metric: string;
  readonly message: string;
}

interface Watch {
  readonly recent: readonly News[];
  check(values: Readonly<Record<string, number | undefined>>, note: string, atMs: number): readonly News[];
}

async function partOf<T>(file: string): Promise<T> {
  return (await import(new URL(`../../examples/monitoring/${file}`, import.meta.url).href)) as T;
}

const { mask, MASK } = await partOf<{ mask(value: unknown): unknown; MASK: string }>('mask.mjs');
const { parseNetDev } = await partOf<{ parseNetDev(text: string): unknown }>('host.mjs');
const { Watch } = await partOf<{ Watch: new (limits: readonly Limit[]) => Watch }>('watch.mjs');
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
    'CPU is at 95 %, the limit is 90 %',
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

describe('the watch', () => {
  const limits = [{ metric: 'cpu', label: 'CPU', limit: 90, hysteresis: 5 }];

  test('tells of an alert at the limit, and of a recovery only below the hysteresis', () => {
    const watch = new Watch(limits);
    const kinds = [89.9, 90, 95, 89, 85, 90, 84.9, 84, 90].map((cpu) => watch.check({ cpu }, '', 0)[0]?.kind);
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

  test('alerts and recoveries take turns, whatever the figures', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 80, max: 100 })), (figures) => {
        const watch = new Watch(limits);
        const kinds = figures.flatMap((cpu) => watch.check({ cpu }, '', 0)).map(({ kind }) => kind);
        expect(kinds).toEqual(kinds.map((_, index) => (index % 2 === 0 ? 'alert' : 'recovery')));
      }),
    );
  });

  test('a figure that can not be read changes nothing', () => {
    const watch = new Watch(limits);
    watch.check({ cpu: 95 }, '', 0);
    expect(watch.check({ cpu: undefined }, '', 0)).toEqual([]);
    expect(watch.check({ cpu: 10 }, '', 0)).toMatchObject([
      { kind: 'recovery', message: 'CPU is back at 10 %, below 85 %' },
    ]);
  });

  test('keeps the last twenty, the latest first', () => {
    const watch = new Watch(limits);
    for (let round = 0; round < 30; round += 1) watch.check({ cpu: round % 2 === 0 ? 95 : 10 }, '', round);
    expect(watch.recent).toHaveLength(20);
    expect(watch.recent[0]).toMatchObject({ kind: 'recovery', sentAt: 29 });
  });
});

describe('the settings', () => {
  test('are four seconds and ninety percent, unless variables say otherwise', () => {
    expect(settingsFrom({})).toMatchObject({ intervalMs: 4000, limits: Array(3).fill({ limit: 90, hysteresis: 5 }) });
    expect(settingsFrom({ CPU_ALERT: '75', ALERT_HYSTERESIS: '2', READ_EVERY_SECONDS: '10' })).toMatchObject({
      intervalMs: 10_000,
      limits: [
        { metric: 'cpu', limit: 75, hysteresis: 2 },
        { metric: 'memory', limit: 90, hysteresis: 2 },
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
