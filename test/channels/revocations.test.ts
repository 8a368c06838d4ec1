import { describe, expect, test } from 'vitest';
import {
  type Claimant,
  isRevocation,
  REVOCATION_MEMORY_MS,
  type Revocation,
  Revocations,
} from '../../channels/revocations.ts';
import { FakeClock } from '../support/fake-clock.ts';

const clock = new FakeClock();
const ANN = { kind: 'user', userId: 'ann' } as const;

function revocation(more: Partial<Revocation> = {}): Revocation {
  return { appId: '3', channel: 'private-a', target: ANN, atMs: clock.now(), ...more };
}

const claimant: Claimant = { socketId: '1.1', serial: 1, userIds: [undefined, 'ann'], grant: undefined };
const isRevoked = (revocations: Revocations, channel = 'private-a', appId = '3', who = claimant): boolean =>
  revocations.isRevoked(appId, channel, who);

describe('revocations', () => {
  test('hold for those they mean, in the channels they name, in their app', () => {
    const revocations = new Revocations(clock);
    expect(revocations.isEmpty).toBe(true);
    revocations.add(revocation({ channel: 'private-*' }), 1);
    revocations.add(revocation({ target: { kind: 'socket', socketId: '1.2' } }), 1);
    revocations.add(revocation({ target: { kind: 'everyone' }, channel: 'news' }), 1);
    expect(isRevoked(revocations)).toBe(true);
    expect(isRevoked(revocations, 'presence-a')).toBe(false);
    expect(isRevoked(revocations, 'private-a', '4')).toBe(false);
    const bob = { ...claimant, userIds: ['bob'] };
    expect(isRevoked(revocations, 'private-a', '3', bob)).toBe(false);
    expect(isRevoked(revocations, 'private-a', '3', { ...bob, socketId: '1.2' })).toBe(true);
    expect(isRevoked(revocations, 'news', '3', bob)).toBe(true);
    expect(isRevoked(revocations, 'news', '3', { ...bob, serial: 2 })).toBe(false);
  });

  test('do not mistake one kind of target, or one app, for another', () => {
    const revocations = new Revocations(clock);
    revocations.add(revocation({ target: { kind: 'user', userId: '1.1' } }), 1);
    expect(isRevoked(revocations)).toBe(false);
    revocations.add(revocation({ appId: '3","user', target: { kind: 'user', userId: 'ann' } }), 1);
    expect(isRevoked(revocations)).toBe(false);
  });

  test('are replaced by a later one for the same channel and target, not by an earlier one', () => {
    const revocations = new Revocations(clock);
    expect(revocations.add(revocation({ atMs: clock.now() - 1000 }), 1)).toBe(true);
    expect(revocations.add(revocation(), 5)).toBe(true);
    expect(revocations.add(revocation(), 9)).toBe(false);
    expect(revocations.add(revocation({ atMs: clock.now() - 500 }), 9)).toBe(false);
    expect(revocations.all).toEqual([revocation()]);
    expect(isRevoked(revocations, 'private-a', '3', { ...claimant, serial: 5 })).toBe(true);
    expect(isRevoked(revocations, 'private-a', '3', { ...claimant, serial: 6 })).toBe(false);
  });

  test('are bounded for each app, with room for those that replace one', () => {
    const revocations = new Revocations(clock);
    for (let count = 0; count < 1000; count += 1) revocations.add(revocation({ channel: `private-${count}.*` }), 1);
    expect(revocations.problemWith(revocation({ channel: 'private-1001.*' }))).toMatch(/^1000 revocations with \*/);
    expect(revocations.problemWith(revocation({ channel: 'private-1.*' }))).toBe(undefined);
    expect(revocations.problemWith(revocation({ channel: 'private-1001.*', appId: '4' }))).toBe(undefined);
    for (let count = 0; count < 49_000; count += 1) revocations.add(revocation({ channel: `private-${count}` }), 1);
    expect(revocations.problemWith(revocation({ channel: 'private-new' }))).toMatch(
      /^50000 revocations of the last day/,
    );
    expect(revocations.problemWith(revocation({ channel: 'private-1' }))).toBe(undefined);
  });

  test('are forgotten with all that was counted of them', () => {
    const time = new FakeClock();
    const revocations = new Revocations(time);
    for (let count = 0; count < 1000; count += 1) {
      revocations.add(revocation({ channel: `private-${count}.*`, atMs: time.now() }), 1);
    }
    time.advance(REVOCATION_MEMORY_MS);
    expect(revocations.problemWith(revocation({ channel: 'private-1001.*' }))).toBe(undefined);
    expect(revocations.isEmpty).toBe(true);
  });

  test('are forgotten after a day, in whatever order they came', () => {
    const time = new FakeClock();
    const revocations = new Revocations(time);
    for (const [channel, age] of [
      ['b', 10],
      ['a', 5000],
      ['c', 0],
    ] as const) {
      revocations.add(revocation({ channel, atMs: time.now() - age }), 1);
    }
    time.advance(REVOCATION_MEMORY_MS - 1000);
    expect(['a', 'b', 'c'].map((channel) => isRevoked(revocations, channel))).toEqual([false, true, true]);
    time.advance(1000);
    expect(isRevoked(revocations, 'c')).toBe(false);
    expect(revocations.all).toEqual([]);
    expect(revocations.isEmpty).toBe(true);
  });

  test('are not taken when they are old, or of a time that no clock has', () => {
    const revocations = new Revocations(clock);
    expect(revocations.add(revocation({ atMs: clock.now() - REVOCATION_MEMORY_MS }), 1)).toBe(false);
    // It put all others out.
    expect(revocations.add(revocation({ atMs: Number.MAX_SAFE_INTEGER }), 1)).toBe(false);
    expect(revocations.add(revocation({ atMs: clock.now() + 60_000 }), 1)).toBe(true);
  });
});

describe('what claims to be a revocation', () => {
  const good = revocation();

  test('is one', () => {
    for (const target of [ANN, { kind: 'socket', socketId: '1.1' }, { kind: 'everyone' }]) {
      expect(isRevocation({ ...good, target })).toBe(true);
    }
    for (const channel of ['*', 'private-user.*', '#server-to-user-7'])
      expect(isRevocation({ ...good, channel })).toBe(true);
  });

  test.for([
    null,
    [],
    {},
    { ...good, appId: 3 },
    { ...good, channel: '' },
    { ...good, channel: 'private-{sub}' },
    { ...good, channel: 'a b' },
    { ...good, channel: undefined },
    { ...good, atMs: '1' },
    { ...good, atMs: Number.NaN },
    { ...good, atMs: Number.POSITIVE_INFINITY },
    { ...good, target: null },
    { ...good, target: { kind: 'user' } },
    { ...good, target: { kind: 'user', userId: 7 } },
    { ...good, target: { kind: 'socket' } },
    { ...good, target: { kind: 'all' } },
  ])('is none: %j', (value) => {
    expect(isRevocation(value)).toBe(false);
  });
});
