import { expect, test } from 'vitest';
import { readAppRow } from '../../../server/apps/app-row.ts';

const ROW = { id: '1', key: 'k', secret: 's' };

function read(row: Record<string, unknown>): Record<string, unknown> {
  const result = readAppRow({ ...ROW, ...row }, []);
  if (!('app' in result)) return { problems: result.problems };
  return { ...result.app, ...(result.badLimits.length > 0 && { badLimits: result.badLimits }) };
}

test.each([
  [1, true],
  [0, false],
  ['1', true],
  ['0', false],
  [true, true],
  [false, false],
  ['true', true],
  [1n, true],
  [Buffer.from([1]), true],
  [Buffer.from([0]), false],
  [Buffer.from('0'), false],
])('reads %o as a switch', (value, expected) => {
  expect(read({ enabled: value })).toMatchObject({ enabled: expected });
});

test.each([
  [5, 5],
  ['5', 5],
  [' 5 ', 5],
  ['5.00', 5],
  [5n, 5],
  [Buffer.from('500'), 500],
  [-1, -1],
])('reads %o as a number', (value, expected) => {
  expect(read({ max_connections: value })).toMatchObject({ maxConnections: expected });
});

test.each([[null], [undefined], [''], [' ']])('takes %j for not set', (value) => {
  expect(read({ max_connections: value, enabled: value, max_event_batch_size: value, webhooks: value })).toMatchObject({
    enabled: true,
    maxConnections: -1,
  });
});

test('keeps ids, keys and secrets as they stand there', () => {
  expect(read({ id: '0123', key: '"k"', secret: ' s ' })).toMatchObject({ id: '0123', key: '"k"', secret: ' s ' });
  expect(read({ id: 123, key: Buffer.from('abc') })).toMatchObject({ id: '123', key: 'abc' });
});

test('names each column that is wrong, and no secret', () => {
  const row = { enabled: 'perhaps', max_connections: 'many', secret: '', key: 'hidden key', max_event_batch_size: 0 };
  const { problems } = read(row);
  expect(problems).toEqual([
    expect.stringMatching(/^key: must not contain spaces/),
    'secret: must not be empty.',
    'enabled: expected true or false, got "perhaps".',
  ]);
  expect(JSON.stringify(problems)).not.toContain('hidden');
});

/** Cause: one value that could not be read made a row unreadable. Symptom: all clients of the app were refused because of one number. */
test.each([
  ['max_connections', 'many', 'maxConnections', -1],
  ['max_connections', -2, 'maxConnections', -1],
  ['max_connections', 1.5, 'maxConnections', -1],
  ['max_backend_events_per_sec', 'NaN', 'maxBackendEventsPerSecond', -1],
  ['max_client_events_per_sec', {}, 'maxClientEventsPerSecond', undefined],
  ['max_presence_members_per_channel', -2, 'maxPresenceMembersPerChannel', undefined],
  ['max_presence_member_size_in_kb', 0, 'maxPresenceMemberSizeInKb', undefined],
  ['max_event_payload_in_kb', '100 KB', 'maxEventPayloadInKb', undefined],
  ['max_event_batch_size', 0, 'maxEventBatchSize', undefined],
  ['max_event_name_length', Buffer.from('x'), 'maxEventNameLength', undefined],
])('a limit that can not be read is not set: %s = %o', (column, value, option, expected) => {
  const app = read({ [column]: value, enable_client_messages: 1 });
  expect(app).toMatchObject({
    id: '1',
    enableClientMessages: true,
    badLimits: [expect.stringMatching(new RegExp(`^${column}: expected a .*number`))],
  });
  expect(app[option]).toBe(expected);
});

test('a limit in the options that can not be read is not set either, and the column holds', () => {
  const options = { maxConnections: 'many', maxAppClientEventsPerSecond: -5, cacheTtl: null, forceTls: true };
  expect(read({ max_connections: 7, options })).toMatchObject({
    maxConnections: 7,
    maxAppClientEventsPerSecond: -1,
    forceTls: true,
    badLimits: [
      expect.stringContaining('options.maxConnections: '),
      expect.stringContaining('options.maxAppClientEventsPerSecond: '),
    ],
  });
});

test('-1 is no limit for members of a presence channel', () => {
  expect(read({ max_presence_members_per_channel: -1 })).toMatchObject({ maxPresenceMembersPerChannel: -1 });
  expect(read({ options: { maxPresenceMembersPerChannel: -1 } })).toMatchObject({ maxPresenceMembersPerChannel: -1 });
  expect(read({ max_presence_members_per_channel: -1 })).not.toHaveProperty('badLimits');
});

test('misses what must be there', () => {
  expect(readAppRow({}, [])).toEqual({ problems: ['id: empty.', 'key: empty.', 'secret: empty.'] });
});

test('reads options out of columns of any type', () => {
  const options = { cacheTtl: 5 };
  for (const value of [options, JSON.stringify(options), Buffer.from(JSON.stringify(options))]) {
    expect(read({ options: value })).toMatchObject({ cacheTtl: 5 });
  }
  for (const value of ['', ' ', 'null', '{}', null]) expect(read({ options: value })).toEqual(read({}));
});

test('tells what is wrong deep inside the options', () => {
  expect(read({ options: { channels: [{ name: 'private-{' }], auth: { jwt: { keys: [{ secret: 5 }] } } } })).toEqual({
    problems: expect.arrayContaining([
      expect.stringContaining('options.channels[0].name'),
      expect.stringContaining('options.auth.jwt.keys[0].secret'),
    ]),
  });
});

test('lets the key in the row count more than the same one in the table of keys', () => {
  const result = readAppRow(ROW, [
    { key: 'k', secret: 'other' },
    { key: 'k2', secret: 's2' },
  ]);
  expect(result).toMatchObject({ app: { key: 'k', secret: 's', keys: [{ key: 'k2', secret: 's2' }] } });
});

const HOOK = { url: 'https://example.com/hook', event_types: ['channel_occupied'] };

test('reads webhooks out of columns of any type, and out of the options', () => {
  const text = JSON.stringify([HOOK]);
  for (const webhooks of [[HOOK], text, Buffer.from(text), JSON.stringify(text)]) {
    expect(read({ webhooks })).toMatchObject({ webhooks: [HOOK] });
  }
  for (const webhooks of [[HOOK], text]) {
    expect(read({ webhooks: '[]', options: { webhooks } })).toMatchObject({ webhooks: [HOOK] });
  }
  for (const webhooks of ['', ' ', 'null', '[]', null, []]) expect(read({ webhooks })).toEqual(read({}));
});

/** Cause: Soketi took webhooks of any shape. Symptom: one without event_types ended the process later (soketi#1121). */
test.each([
  [{}, 'webhooks[0].url: missing.'],
  [null, 'webhooks[0]: expected an object, got null.'],
  [{ url: HOOK.url }, 'webhooks[0].event_types: missing.'],
  [{ ...HOOK, url: 'hidden' }, 'webhooks[0].url: must be a URL that begins with https:// or http://.'],
  [{ ...HOOK, event_types: ['channel_ocupied'] }, / Did you mean channel_occupied\?$/],
  [{ ...HOOK, headers: { 'X-Pusher-Key': 'hidden' } }, /^webhooks\[0\]\.headers\.X-Pusher-Key: is set by the broker/],
])('leaves out the webhook %j alone', (wrong, problem) => {
  for (const webhooks of [[wrong, HOOK], JSON.stringify([wrong, HOOK])]) {
    const result = readAppRow({ ...ROW, webhooks }, []);
    expect(result).toMatchObject({ app: { webhooks: [HOOK] }, badLimits: [] });
    expect('app' in result && result.badWebhooks).toContainEqual(
      typeof problem === 'string' ? problem : expect.stringMatching(problem),
    );
    expect('app' in result && result.badWebhooks.join()).not.toContain('hidden');
  }
});

test.each(['{broken', { a: 1 }, 5, 'nonsense'])('leaves out webhooks that are no list: %j', (webhooks) => {
  expect(readAppRow({ ...ROW, webhooks }, [])).toMatchObject({
    app: { webhooks: [] },
    badWebhooks: [expect.stringMatching(/^webhooks: expected a list, got /)],
  });
});

test('tells of webhooks that are never sent', () => {
  const webhooks = [{ ...HOOK, event_types: ['cache_miss', 'subscription_count'] }];
  expect(readAppRow({ ...ROW, webhooks }, [])).toMatchObject({
    app: { webhooks },
    badWebhooks: [
      expect.stringMatching(/^webhooks\[0\]\.event_types\[1\] is never sent, .*enableSubscriptionCountEvents/),
    ],
  });
  const options = { enableSubscriptionCountEvents: true };
  expect(readAppRow({ ...ROW, webhooks, options }, [])).toMatchObject({ badWebhooks: [] });
});
