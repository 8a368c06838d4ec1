import { describe, expect, test } from 'vitest';
import type { MemberChange } from '../../channels/broker.ts';
import { Roster } from '../../channels/roster.ts';
import type { WireMember } from '../../protocol/server-message.ts';

const member = (userId: string): WireMember => ({ userId, userIdJson: `"${userId}"`, userInfoJson: undefined });
const added = (userId: string): MemberChange => ({ change: 'added', member: member(userId) });
const removed = (userId: string): MemberChange => ({ change: 'removed', member: member(userId) });
const idsOf = (roster: Roster): string[] => [...roster.members].map(({ userId }) => userId);

describe('a roster', () => {
  test('is empty until it begins, and then follows the changes', () => {
    const roster = new Roster();
    expect(idsOf(roster)).toEqual([]);
    roster.begin([member('a'), member('b')], undefined);
    expect(roster.note(added('c'), undefined)).toBe(true);
    expect(roster.note(removed('a'), undefined)).toBe(true);
    expect(idsOf(roster)).toEqual(['b', 'c']);
  });

  test('takes a change that it knows of for no news', () => {
    const roster = new Roster();
    roster.begin([member('a')], undefined);
    expect(roster.note(added('a'), undefined)).toBe(false);
    expect(roster.note(removed('b'), undefined)).toBe(false);
    expect(idsOf(roster)).toEqual(['a']);
  });

  test('adds the changes that came before its beginning but happened after it', () => {
    const roster = new Roster();
    roster.note(added('old'), 3);
    roster.note(removed('gone'), 4);
    roster.note(added('new'), 6);
    roster.note(removed('a'), 7);
    roster.begin([member('a'), member('gone again')], 5);
    expect(idsOf(roster)).toEqual(['gone again', 'new']);
  });

  test('leaves out what came before its beginning where answers come in order', () => {
    const roster = new Roster();
    roster.note(added('old'), undefined);
    roster.begin([member('a')], undefined);
    expect(idsOf(roster)).toEqual(['a']);
  });

  test('takes new data of a member it has, and has nothing to tell clients', () => {
    const roster = new Roster();
    const updated = (userId: string): MemberChange => {
      return { change: 'updated', member: { ...member(userId), userInfoJson: '"new"' } };
    };
    expect(roster.note(updated('a'), 6)).toBe(false);
    roster.begin([member('a'), member('b')], 5);
    expect(roster.note(updated('b'), 7)).toBe(false);
    expect(roster.note(updated('c'), 8)).toBe(false);
    expect([...roster.members]).toEqual([updated('a').member, updated('b').member]);
  });

  test('begins once: later answers know no more than the messages', () => {
    const roster = new Roster();
    roster.begin([member('a')], 1);
    roster.begin([member('b')], 2);
    expect(idsOf(roster)).toEqual(['a']);
  });
});

describe('correcting a roster', () => {
  test('makes it agree with the truth, and tells what changed, removals first', () => {
    const roster = new Roster();
    roster.begin([member('a'), member('b')], undefined);
    expect(roster.correct([member('b'), member('c')])).toEqual([removed('a'), added('c')]);
    expect(idsOf(roster)).toEqual(['b', 'c']);
    expect(roster.correct([member('c'), member('b')])).toEqual([]);
    const withData = { ...member('c'), userInfoJson: '"new"' };
    expect(roster.correct([withData, member('b')])).toEqual([]);
    expect([...roster.members]).toContainEqual(withData);
  });

  test('does nothing before it begins', () => {
    const roster = new Roster();
    expect(roster.correct([member('a')])).toEqual([]);
    expect(idsOf(roster)).toEqual([]);
  });
});
