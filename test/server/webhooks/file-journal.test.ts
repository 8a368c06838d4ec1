import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Edge } from '../../../channels/edge.ts';
import { MemoryOutbox } from '../../../channels/memory-outbox.ts';
import type { DeadLetter } from '../../../channels/outbox.ts';
import { WANTS } from '../../../channels/webhook-wants.ts';
import type { WebhookEvent } from '../../../protocol/webhook.ts';
import { FileJournal, JournalError } from '../../../server/webhooks/file-journal.ts';
import { atLength } from '../../support/at-length.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const GRACE_MS = 3000;
const ROOM = 'presence-room';
const BOUNDS = { max: 2, maxAgeMs: 60_000 };

const occupied = (channel = ROOM): Edge => ({ kind: 'channel_occupied', appId: '1', channel });
const vacated = (channel = ROOM): Edge => ({ kind: 'channel_vacated', appId: '1', channel });
const member = (kind: 'member_added' | 'member_removed', userId: string): Edge => {
  return { kind, appId: '1', channel: ROOM, userId };
};
const user = (kind: 'user_online' | 'user_offline', userId: string): Edge => ({ kind, appId: '1', userId });
const letter = (id: string): DeadLetter => ({
  id,
  appId: '1',
  webhookId: 'w',
  url: 'http://localhost/',
  event: { name: 'cache_miss', channel: 'cache-a' },
  timeMs: 1,
  buriedMs: Date.UTC(2026, 0, 1),
  attempts: 1,
  error: 'answered 500',
});

let folder: string;
let path: string;
let clock: FakeClock;
let logged: { level: number; msg: string; missed?: number; lines?: number }[];
let write: (file: number, bytes: Buffer) => number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
  path = join(folder, 'webhooks.journal');
  clock = new FakeClock();
  logged = [];
  write = writeSync;
});
afterEach(() => rmSync(folder, { recursive: true }));

const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) });

/** What a process does when it starts. One that was killed leaves the file as it is. */
function start(wants: () => number = () => -1): MemoryOutbox {
  const journal = new FileJournal({ path, clock, log, write: (file, bytes) => write(file, bytes) });
  const outbox = new MemoryOutbox(clock, { graceMs: GRACE_MS, wants, journal });
  outbox.work(() => {});
  return outbox;
}

/** Takes what waits. */
function take(outbox: MemoryOutbox): WebhookEvent[] {
  const entries = outbox.read(0, '', 1000);
  outbox.remove(
    0,
    entries.map(({ id }) => id),
  );
  return entries.map(({ event }) => event);
}

const lines = (): string[] => readFileSync(path, 'utf8').split('\n').slice(1, -1);

describe('after a crash', () => {
  test('entries are there as they were, with who has them, and are told before later ones', () => {
    const before = start();
    for (const channel of ['a', 'b', 'c']) before.append('1', { name: 'cache_miss', channel });
    before.append('1', { name: 'cache_miss', channel: 'd' }, { webhookId: 'w', eventId: 'x' });
    const entries = before.read(0, '', 10);
    before.remove(0, [entries[0]?.id ?? '']);
    before.noteTold(0, entries[1]?.id ?? '', 'w');
    clock.advance(1);
    const after = start();
    expect(after.read(0, '', 10)).toEqual([{ ...entries[1], told: ['w'] }, ...entries.slice(2)]);
    after.append('1', { name: 'cache_miss', channel: 'e' });
    const ids = after.read(0, '', 10).map(({ id }) => id);
    expect(new Set(ids).size).toBe(4);
    expect(after.read(0, entries[3]?.id ?? '', 10)).toMatchObject([{ event: { channel: 'e' } }]);
  });

  test('whoever comes back within the grace period was never gone', () => {
    const before = start();
    before.onEdge(occupied());
    before.onEdge(member('member_added', 'ann'));
    before.onEdge(user('user_online', 'ann'));
    take(before);
    clock.advance(100_000);
    const after = start();
    clock.advance(GRACE_MS - 1);
    after.onEdge(occupied());
    after.onEdge(member('member_added', 'ann'));
    after.onEdge(user('user_online', 'ann'));
    clock.advance(GRACE_MS);
    expect(take(after)).toEqual([]);
    after.onEdge(member('member_removed', 'ann'));
    clock.advance(GRACE_MS);
    expect(take(after)).toEqual([{ name: 'member_removed', channel: ROOM, user_id: 'ann' }]);
  });

  test('the grace period begins when clients can come', () => {
    const before = start();
    before.onEdge(occupied());
    before.onEdge(occupied('news'));
    take(before);
    const journal = new FileJournal({ path, clock, log });
    const after = new MemoryOutbox(clock, { graceMs: GRACE_MS, wants: () => -1, journal });
    clock.advance(10 * GRACE_MS);
    after.onEdge(occupied('news'));
    after.work(() => {});
    clock.advance(GRACE_MS - 1);
    expect(take(after)).toEqual([]);
    clock.advance(1);
    expect(take(after)).toEqual([{ name: 'channel_vacated', channel: ROOM }]);
  });

  test('who does not come back is removed, before the channel is vacated; who was about to be gone, too', () => {
    const before = start();
    before.onEdge(occupied());
    before.onEdge(occupied('news'));
    before.onEdge(member('member_added', 'ann'));
    before.onEdge(member('member_added', 'bob'));
    before.onEdge(user('user_online', 'ann'));
    take(before);
    before.onEdge(member('member_removed', 'ann'));
    clock.advance(GRACE_MS - 1);
    const after = start();
    clock.advance(GRACE_MS - 1);
    expect(take(after)).toEqual([]);
    clock.advance(1);
    expect(take(after)).toEqual([
      { name: 'member_removed', channel: ROOM, user_id: 'ann' },
      { name: 'member_removed', channel: ROOM, user_id: 'bob' },
      { name: 'user_offline', channel: '', user_id: 'ann' },
      { name: 'channel_vacated', channel: ROOM },
      { name: 'channel_vacated', channel: 'news' },
    ]);
    expect(take(start())).toEqual([]);
  });

  test('what nobody wanted to know any more is forgotten', () => {
    let wants = -1;
    const before = start(() => wants);
    before.onEdge(occupied());
    before.onEdge(occupied('news'));
    take(before);
    wants = WANTS.members;
    before.onEdge(vacated());
    const after = start();
    clock.advance(GRACE_MS);
    expect(take(after)).toEqual([{ name: 'channel_vacated', channel: 'news' }]);
  });

  test('dead letters are there, but for those that made room or were taken out', () => {
    const before = start();
    before.bury(['a', 'b', 'c'].map(letter), BOUNDS);
    before.exhume('1', 'w', ['c']);
    expect(start().deadLetters('1', 'w')).toEqual([letter('b')]);
  });

  test('a line that was cut off is passed over', () => {
    start().append('1', { name: 'cache_miss', channel: 'a' });
    appendFileSync(path, '["entry",{"id":"x-2","timeMs":1');
    const after = start();
    expect(take(after)).toEqual([{ name: 'cache_miss', channel: 'a' }]);
    expect(logged).toEqual([]);
    after.append('1', { name: 'cache_miss', channel: 'b' });
    expect(take(start())).toEqual([{ name: 'cache_miss', channel: 'b' }]);
  });

  test('lines that can not be read are counted, and the others taken', () => {
    start().append('1', { name: 'cache_miss', channel: 'a' });
    appendFileSync(path, '\u0000\u0000\n');
    const { id = '', ...entry } = start().read(0, '', 1)[0] ?? {};
    expect([id === '', entry]).toMatchObject([false, { event: { channel: 'a' } }]);
    expect(logged).toMatchObject([{ msg: 'lines of the journal of webhooks can not be read', lines: 1 }]);
  });
});

test('at a graceful end nothing is due at once: the next process has it', () => {
  const before = start();
  before.onEdge(occupied());
  take(before);
  before.onEdge(vacated());
  expect(before.conclude()).toBe(0);
  before.close();
  const after = start();
  after.onEdge(occupied());
  clock.advance(GRACE_MS);
  expect(take(after)).toEqual([]);
});

describe('the file', () => {
  test('is for its owner only, and holds what is true when it was begun', () => {
    const outbox = start();
    for (let count = 0; count < 100; count += 1) outbox.append('1', { name: 'cache_miss', channel: 'a' });
    outbox.onEdge(occupied());
    take(outbox);
    expect(lines()).toHaveLength(102);
    start();
    expect(lines()).toEqual([JSON.stringify(['open', '1', ROOM])]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('is written anew when it has grown', () => {
    const outbox = start();
    const data = 'x'.repeat(10_000);
    const said = { name: 'client_event', channel: 'private-a', event: 'client-a', socket_id: '1.1', data } as const;
    outbox.onEdge(occupied());
    for (let count = 0; count < 300; count += 1) {
      outbox.append('1', said);
      take(outbox);
      expect(statSync(path).size).toBeLessThan(1_100_000);
    }
    expect(existsSync(`${path}.new`)).toBe(false);
    const after = start();
    clock.advance(GRACE_MS);
    expect(take(after)).toEqual([{ name: 'channel_vacated', channel: ROOM }]);
  });

  test('that is something else is left as it is', () => {
    writeFileSync(path, 'my notes\n');
    expect(start).toThrow(JournalError);
    expect(start).toThrow(`${path} (webhooks.journal) is no journal of this version of Kulkul`);
    expect(readFileSync(path, 'utf8')).toBe('my notes\n');
  });

  test('that can not be written, or read, stops the start with a word about it', () => {
    path = join(folder, 'missing', 'webhooks.journal');
    expect(start).toThrow(JournalError);
    expect(start).toThrow(`${path} (webhooks.journal) can not be written: ENOENT`);
    path = folder;
    expect(start).toThrow('(webhooks.journal) can not be read: EISDIR');
  });

  test('that can not be written any more is told once, and is complete again when it can', () => {
    const outbox = start();
    outbox.append('1', { name: 'cache_miss', channel: 'a' });
    write = (file, bytes) => writeSync(file, bytes.subarray(0, 3));
    for (const channel of ['b', 'c']) outbox.append('1', { name: 'cache_miss', channel });
    clock.advance(10_000);
    outbox.append('1', { name: 'cache_miss', channel: 'd' });
    expect(logged.map(({ level }) => level)).toEqual([50]);
    // What is not kept ends with the process.
    expect(outbox.conclude()).toBe(4);
    write = writeSync;
    clock.advance(10_000);
    outbox.append('1', { name: 'cache_miss', channel: 'e' });
    expect(logged.slice(1)).toMatchObject([{ msg: 'the journal of webhooks is complete again', missed: 4 }]);
    expect(outbox.conclude()).toBe(0);
    const after = take(start());
    expect(after.map(({ channel }) => channel)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('that another process has begun is left to it', () => {
    const former = start();
    former.append('1', { name: 'cache_miss', channel: 'b' });
    expect(former.conclude()).toBe(0);
    const next = start();
    take(next);
    expect(former.conclude()).toBe(1);
    const data = 'x'.repeat(100_000);
    const said = { name: 'client_event', channel: 'private-a', event: 'client-a', socket_id: '1.1', data } as const;
    for (let count = 0; count < 20; count += 1) former.append('1', said);
    next.append('1', { name: 'cache_miss', channel: 'a' });
    expect(logged).toMatchObject([{ msg: 'another process writes the journal of webhooks from now on' }]);
    expect(take(start())).toEqual([{ name: 'cache_miss', channel: 'a' }]);
    expect(former.conclude()).toBe(21);
  });
});

type Step = 'join' | 'leave' | 'wait' | 'take' | 'crash';
const step = fc.constantFrom<Step>('join', 'join', 'leave', 'wait', 'take', 'crash');

test('whenever it crashes, what is told never contradicts what was told, and agrees with what is in the end', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.constantFrom('ann', 'bob')), { maxLength: 40 }), (steps) => {
      rmSync(path, { force: true });
      let outbox = start();
      const present = new Set<string>();
      const told: WebhookEvent[] = [];
      for (const [what, userId] of steps) {
        if (what === 'join' && !present.has(userId)) {
          if (present.size === 0) outbox.onEdge(occupied());
          outbox.onEdge(member('member_added', userId));
          present.add(userId);
        } else if (what === 'leave' && present.delete(userId)) {
          outbox.onEdge(member('member_removed', userId));
          if (present.size === 0) outbox.onEdge(vacated());
        } else if (what === 'wait') clock.advance(GRACE_MS / 2);
        else if (what === 'take') told.push(...take(outbox));
        else if (what === 'crash') {
          clock.sleep(1);
          outbox = start();
          present.clear();
        }
      }
      clock.advance(GRACE_MS);
      told.push(...take(outbox));
      const believed = new Set<string>();
      for (const event of told) {
        const [begins, name] = ['user_id' in event ? event.user_id : ROOM, event.name];
        const isBeginning = name === 'channel_occupied' || name === 'member_added';
        expect(believed.has(`${begins}`)).toBe(!isBeginning);
        if (isBeginning) believed.add(`${begins}`);
        else believed.delete(`${begins}`);
      }
      expect(believed).toEqual(new Set([...present, ...(present.size > 0 ? [ROOM] : [])]));
    }),
    { numRuns: atLength(200, 5000) },
  );
});
