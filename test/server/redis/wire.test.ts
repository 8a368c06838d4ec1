import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RedisKeys } from '../../../server/redis/keys.ts';
import {
  encodeChannelId,
  encodeHeader,
  encodeMember,
  encodeMemberEntry,
  type MemberEntry,
  parseChannelId,
  parseMember,
  parseMemberEntry,
  parseWireMessage,
} from '../../../server/redis/wire.ts';
import { anyText, ODD_MEMBERS, SEED, socketId, userId, wireMember } from '../../support/wire-arbitraries.ts';

const RUNS = { seed: SEED, numRuns: 300 };
const POSITION = 1_764_000_000_000_000;

describe('a message between nodes', () => {
  // A user_info or user_id with U+2028 or U+2029 made a header that no node understood: the member was invisible, and its own
  // subscription waited for a position that never came.
  test('comes out as it went in, whatever the member and the frame hold', () => {
    const parts = fc.record(
      {
        exceptSocketId: socketId,
        keepSeconds: fc.integer({ min: 1, max: 9_999_999_999 }),
        member: fc.record({
          change: fc.constantFrom('added' as const, 'removed' as const, 'updated' as const),
          member: wireMember,
        }),
        traceparent: fc.constant('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(parts, anyText, (given, frame) => {
        const message = parseWireMessage(`${POSITION}\t12\t${encodeHeader(given)}\n${frame}`);
        expect(message).toEqual({
          position: POSITION,
          previousEvent: 12,
          exceptSocketId: given.exceptSocketId,
          isCount: false,
          keepSeconds: given.keepSeconds,
          member: given.member,
          traceparent: given.traceparent,
          frame,
        });
      }),
      RUNS,
    );
  });

  test('is understood by a node that knows fewer fields', () => {
    const [ann] = ODD_MEMBERS;
    const member = ann && { change: 'added' as const, member: ann };
    const header = encodeHeader({ exceptSocketId: '1.2', keepSeconds: 60, member });
    const [layout, ...fields] = header.split('\t');
    const newer = [layout, 'z00-new 01', ...fields.flatMap((field) => [field, '?', 'zü {"a":1}', '']), '7'].join('\t');
    const read = (text: string) => parseWireMessage(`5\t4\t${text}\n{"event":"e"}`);
    expect(read(newer)).toEqual(read(header));
    expect(read(header)).toMatchObject({ exceptSocketId: '1.2', keepSeconds: 60, member });
  });

  test('is none when it is anything else', () => {
    const near = [
      '',
      '\n',
      '1\t0\t1\nx',
      '1\t0\t4\nx',
      '1\t0\nx',
      '1 0 3\nx',
      '1\t0\t3\tx1\nx',
      '1\t0\t3\tkx\nx',
    ].concat(['+', '+[1]', '+[]', '-{"a":1}', '~["a"'].map((field) => `1\t0\t3\t${field}\ti\nx`));
    for (const payload of near) expect(parseWireMessage(payload)).toBeUndefined();
    fc.assert(
      fc.property(anyText, anyText, (header, frame) => {
        const message = parseWireMessage(`${header}\n${frame}`);
        expect(message === undefined || header.startsWith('0000000000000000')).toBe(true);
      }),
      RUNS,
    );
  });
});

describe('a member of a presence channel in Redis', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(wireMember, (member) => {
        expect(parseMember(encodeMember(member))).toEqual(member);
      }),
      RUNS,
    );
  });

  test('is none when it is anything else', () => {
    for (const text of [
      '',
      'null',
      '[]\ti',
      '[1,"1"]\ti',
      '["a"]\ti',
      '{"0":"a"}\ti',
      '["a","a"\ti',
      '["a","a"]\ti{',
    ]) {
      expect(parseMember(text)).toBeUndefined();
    }
  });
});

const appId = fc.stringMatching(/^[^\s/?#%{}]{1,10}$/);
const channel = fc.oneof(
  fc.stringMatching(/^[-a-zA-Z0-9_=@,.;]{1,20}$/),
  userId.map((id) => `#watch-${id}`),
);
const place = fc.record({ appId, channel });

describe('what is written under a node', () => {
  test('is read as it was written, ids with slashes included', () => {
    const entry: fc.Arbitrary<MemberEntry> = fc.record({ appId, channel, socketId, userId, isSignIn: fc.boolean() });
    fc.assert(
      fc.property(entry, place, (member, { appId: app, channel: name }) => {
        expect(parseMemberEntry(encodeMemberEntry(member))).toEqual(member);
        expect(parseChannelId(encodeChannelId(app, name))).toEqual({ appId: app, channel: name });
      }),
      RUNS,
    );
  });
});

test('no two channels share a key, and all keys of one are in its slot', () => {
  const keys = new RedisKeys('');
  const keysOf = ({ appId: app, channel: name }: { appId: string; channel: string }): string[] => [
    keys.topic(app, name),
    keys.position(app, name),
    keys.lastEvent(app, name),
    keys.lastEvent(app, name, 'e'),
    keys.lastEvent(app, name, 'f'),
    keys.members(app, name),
    keys.sockets(app, name),
    keys.arrivals(app, name),
    keys.counts(app, name),
    keys.announced(app, name),
  ];
  const hashTag = (key: string): string | undefined => /\{([^}]+)\}/.exec(key)?.[1];
  fc.assert(
    fc.property(place, place, (one, other) => {
      fc.pre(one.appId !== other.appId || one.channel !== other.channel);
      expect(new Set([...keysOf(one), ...keysOf(other)]).size).toBe(20);
      expect(new Set(keysOf(one).map(hashTag)).size).toBe(1);
    }),
    RUNS,
  );
});
