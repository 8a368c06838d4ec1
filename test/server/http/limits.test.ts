import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, trigger } from '../../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../../support/broker.ts';

const TIGHT = { id: 'tight', key: 'tight-key', secret: 'tight-secret' };

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ 'eventLimits.maxPayloadInKb': 10 }, [
    APP,
    {
      ...TIGHT,
      maxEventPayloadInKb: 0.01,
      maxEventNameLength: 3,
      maxChannelNameLength: 4,
      maxEventChannelsAtOnce: 2,
      maxEventBatchSize: 1,
    },
  ]);
});
afterAll(() => broker.kill());

const EVENT = { name: 'e', channel: 'c', data: '' };
const letters = (count: number): string => 'x'.repeat(count);
const channels = (count: number): string[] => Array.from({ length: count }, (_, index) => `c${index}`);

test.for([
  [
    'an event name of 200 characters',
    { name: letters(200) },
    { name: letters(201) },
    400,
    'name is 201 characters long, limit 200 (eventLimits.maxNameLength)',
  ],
  [
    'a channel name of 200 characters',
    { channel: letters(200) },
    { channel: letters(201) },
    400,
    'it is 201 characters long, limit 200 (channelLimits.maxNameLength)',
  ],
  [
    '100 channels',
    { channels: channels(100) },
    { channels: channels(101) },
    400,
    'channels holds 101 names, limit 100 (eventLimits.maxChannelsAtOnce)',
  ],
  ['data of 10 KB', { data: letters(10_240) }, { data: letters(10_241) }, 413, 'data is 10241 bytes, limit 10240'],
  [
    'data of 10 KB in two-byte letters',
    { data: 'é'.repeat(5120) },
    { data: `${'é'.repeat(5120)}x` },
    413,
    'data is 10241 bytes, limit 10240',
  ],
  [
    'data of 10 KB in four-byte letters',
    { data: '🥁'.repeat(2560) },
    { data: `${'🥁'.repeat(2560)}x` },
    413,
    'data is 10241 bytes, limit 10240',
  ],
  [
    'data of 10 KB that is written with escapes',
    { data: '\u0000'.repeat(10_240) },
    { data: '\u0000'.repeat(10_241) },
    413,
    'data is 10241 bytes, limit 10240',
  ],
] as const)('%s is the most that is taken', async ([, most, more, status, reason]) => {
  expect(await trigger(broker.url, { ...EVENT, ...most })).toMatchObject({ status: 200, text: '{}' });
  const refused = await trigger(broker.url, { ...EVENT, ...more });
  expect(refused.status).toBe(status);
  expect(refused.text).toContain(reason);
});

test('a batch of 10 events is the most that is taken, each with its own data limit', async () => {
  const send = (events: object[]) =>
    call(broker.url, 'POST', `/apps/${APP.id}/batch_events`, { body: { batch: events } });
  const full = { ...EVENT, data: letters(10_240) };
  expect((await send(Array(10).fill(full))).status).toBe(200);
  expect(await send(Array(11).fill(EVENT))).toMatchObject({
    status: 400,
    text: 'Batch too large: 11 events, limit 10 (eventLimits.maxBatchSize)',
  });
  const tooLarge = await send([EVENT, { ...EVENT, data: letters(10_241) }]);
  expect(tooLarge.status).toBe(413);
  expect(tooLarge.text).toMatch(
    /^The data content of this event exceeds the allowed maximum: batch\[1\]\.data is 10241 bytes, limit 10240\. .*eventLimits\.maxPayloadInKb$/,
  );
});

test.for([
  ['data', { data: letters(11) }, 413],
  ['name', { name: 'long' }, 400],
  ['channel', { channel: 'c1234' }, 400],
  ['channels', { channels: channels(3) }, 400],
] as const)("an app's own limit of %s counts before the general one", async ([, fields, status]) => {
  const options = { app: TIGHT };
  expect((await trigger(broker.url, { ...EVENT, data: letters(10) }, options)).status).toBe(200);
  expect((await trigger(broker.url, { ...EVENT, ...fields }, options)).status).toBe(status);
});

test.for([
  ['missing', {}, 'channels must be an array of channel names (or channel one name)'],
  ['empty', { channels: [] }, 'channels must be an array of at least one channel name'],
  ['a text', { channels: 'c' }, 'channels must be an array of at least one channel name'],
  ['no texts', { channels: [1] }, 'channels must be an array of strings'],
  ['reserved', { channels: ['#x'] }, 'Invalid channel name "#x": names beginning with # are reserved'],
] as const)('channels that are %s are refused with what they must be', async ([, fields, line]) => {
  expect(await trigger(broker.url, { name: 'e', data: '', ...fields })).toMatchObject({ status: 400, text: line });
});
