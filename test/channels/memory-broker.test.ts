import { expect, test } from 'vitest';
import { MemoryBroker } from '../../channels/memory-broker.ts';
import { FakeClock } from '../support/fake-clock.ts';

const MESSAGE = { appId: '3', channel: 'cache-x', frame: 'one' };

test('keeps the last event for its time, and tells the seconds that remain, rounded up', () => {
  const clock = new FakeClock();
  const broker = new MemoryBroker(clock);
  broker.publish({ ...MESSAGE, keepSeconds: 60 });
  expect(broker.lastEvent('3', 'cache-x')).toMatchObject({ frame: 'one', remainingSeconds: 60 });
  clock.advance(1);
  expect(broker.lastEvent('3', 'cache-x')?.remainingSeconds).toBe(60);
  clock.advance(58_999);
  expect(broker.lastEvent('3', 'cache-x')?.remainingSeconds).toBe(1);
  clock.advance(999);
  expect(broker.lastEvent('3', 'cache-x')?.remainingSeconds).toBe(1);
  clock.advance(1);
  expect(broker.lastEvent('3', 'cache-x')).toBe(undefined);
});

test.for([-3_600_000, 3_600_000])('keeps it as long when the clock is set by %i ms', (ms) => {
  const clock = new FakeClock();
  const broker = new MemoryBroker(clock);
  broker.publish({ ...MESSAGE, keepSeconds: 60 });
  clock.setBy(ms);
  clock.advance(59_000);
  expect(broker.lastEvent('3', 'cache-x')).toMatchObject({ frame: 'one', remainingSeconds: 1 });
  clock.advance(1000);
  expect(broker.lastEvent('3', 'cache-x')).toBe(undefined);
});

test('starts the time anew with each event', () => {
  const clock = new FakeClock();
  const broker = new MemoryBroker(clock);
  broker.publish({ ...MESSAGE, keepSeconds: 60 });
  clock.advance(59_000);
  broker.publish({ ...MESSAGE, frame: 'two', keepSeconds: 60 });
  clock.advance(59_000);
  expect(broker.lastEvent('3', 'cache-x')).toMatchObject({ frame: 'two', remainingSeconds: 1 });
});

test('forgets the last event when one is published to be kept for no time', () => {
  const broker = new MemoryBroker(new FakeClock());
  broker.publish({ ...MESSAGE, keepSeconds: 60 });
  broker.publish({ ...MESSAGE, keepSeconds: 0 });
  expect(broker.lastEvent('3', 'cache-x')).toBe(undefined);
});

test('gives the memory of expired events back and then rests', () => {
  const clock = new FakeClock();
  const broker = new MemoryBroker(clock);
  for (let index = 0; index < 100; index += 1) {
    broker.publish({ ...MESSAGE, channel: `cache-${index}`, keepSeconds: 30 });
    broker.publish({ ...MESSAGE, appId: `${index}`, keepSeconds: 5 });
  }
  expect(clock.pending).toBe(1);
  clock.advance(20_000);
  expect(clock.pending).toBe(1);
  clock.advance(20_000);
  expect(clock.pending).toBe(0);
  broker.publish({ ...MESSAGE, keepSeconds: 5 });
  expect(clock.pending).toBe(1);
});

test('leaves no timer behind when it closes', () => {
  const clock = new FakeClock();
  const broker = new MemoryBroker(clock);
  broker.publish({ ...MESSAGE, keepSeconds: 30 });
  broker.close();
  expect(clock.pending).toBe(0);
  expect(broker.lastEvent('3', 'cache-x')).toBe(undefined);
});
