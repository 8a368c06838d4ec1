import { expect, test } from 'vitest';

interface Alarm {
  readonly tag: string;
  readonly level: string;
  readonly endedAt: number | null;
  readonly acknowledged: object | null;
}

interface AlarmBoard {
  readonly list: readonly Alarm[];
  take(tag: string, value: number, at: number): boolean;
  acknowledge(tag: string, by: string, at: number): boolean;
}

const { Alarms } = (await import('../../examples/scada/alarms.mjs' as string)) as {
  Alarms: new (tags: readonly object[]) => AlarmBoard;
};

const PRESSURE = { tag: 'pump.pressure', limits: { warning: [3, 5], alarm: [2, 6], deadBand: 0.05 } };
const TEMPERATURE = { tag: 'motor.temperature', limits: { warning: [null, 60], alarm: [null, 70], deadBand: 1 } };

function createAlarms(): AlarmBoard {
  return new Alarms([PRESSURE, TEMPERATURE]);
}

test('a value within its limits is no alarm, nor is one on a side that has none', () => {
  const alarms = createAlarms();
  expect([alarms.take('pump.pressure', 5, 1), alarms.take('motor.temperature', -300, 1)]).toEqual([false, false]);
  expect(alarms.list).toEqual([]);
});

test('an alarm begins once, becomes worse once, and says which limit was exceeded with which value', () => {
  const alarms = createAlarms();
  const taken = [5.1, 5.4, 6.1, 6.2, 5.5].map((value, at) => alarms.take('pump.pressure', value, at));
  expect(taken).toEqual([true, false, true, false, false]);
  expect(alarms.list).toEqual([
    {
      tag: 'pump.pressure',
      level: 'alarm',
      side: 'high',
      limit: 6,
      value: 6.1,
      since: 0,
      endedAt: null,
      acknowledged: null,
    },
  ]);
});

test('an alarm is over when its value is clearly back, and stays until somebody has acknowledged it', () => {
  const alarms = createAlarms();
  alarms.take('pump.pressure', 5.1, 1);
  // So close to the limit it would come and go with each reading.
  expect(alarms.take('pump.pressure', 4.97, 2)).toBe(false);
  expect(alarms.take('pump.pressure', 4.9, 3)).toBe(true);
  expect(alarms.list).toMatchObject([{ endedAt: 3, acknowledged: null }]);
  expect(alarms.acknowledge('pump.pressure', 'Ayu', 4)).toBe(true);
  expect(alarms.list).toEqual([]);
});

test('an alarm that was acknowledged goes when its value is back; one that becomes worse is to be acknowledged anew', () => {
  const alarms = createAlarms();
  alarms.take('pump.pressure', 2.9, 1);
  expect(alarms.acknowledge('pump.pressure', 'Ayu', 2)).toBe(true);
  expect(alarms.acknowledge('pump.pressure', 'Ben', 3)).toBe(false);
  expect(alarms.list).toMatchObject([{ side: 'low', acknowledged: { by: 'Ayu', at: 2 } }]);
  alarms.take('pump.pressure', 1.9, 4);
  expect(alarms.list).toMatchObject([{ level: 'alarm', since: 1, acknowledged: null }]);
  alarms.acknowledge('pump.pressure', 'Ben', 5);
  alarms.take('pump.pressure', 4, 6);
  expect(alarms.list).toEqual([]);
});

test('an alarm that comes back before anybody has seen it is a new one', () => {
  const alarms = createAlarms();
  for (const [at, value] of [5.1, 4, 2.9].entries()) alarms.take('pump.pressure', value, at);
  expect(alarms.list).toMatchObject([{ side: 'low', since: 2, endedAt: null }]);
});

test('the list has the worst first, and what was acknowledged last', () => {
  const alarms = createAlarms();
  alarms.take('pump.pressure', 5.1, 1);
  alarms.take('motor.temperature', 71, 2);
  expect(alarms.list.map(({ tag }) => tag)).toEqual(['motor.temperature', 'pump.pressure']);
  alarms.acknowledge('motor.temperature', 'Ayu', 3);
  expect(alarms.list.map(({ tag }) => tag)).toEqual(['pump.pressure', 'motor.temperature']);
});

test('there is nothing to acknowledge where there is no alarm', () => {
  expect(createAlarms().acknowledge('water.ph', 'Ayu', 1)).toBe(false);
});
