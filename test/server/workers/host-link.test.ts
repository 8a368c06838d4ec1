import { describe, expect, test } from 'vitest';
import { SeamUnavailable } from '../../../channels/broker.ts';
import { HostLink } from '../../../server/workers/host-link.ts';
import type { ToHost, ToWorker } from '../../../server/workers/wire.ts';

function message(frame: string): ToWorker {
  return ['message', '3', 'news', frame, null, null, null, null];
}

test('an answer has taken effect before the messages after it arrive, however they come', async () => {
  // Promises answer later than calls: a member who came right after a join was missing from the roster that the join began.
  const link = new HostLink(() => true);
  const story: string[] = [];
  link.listen(({ frame }) => story.push(frame));
  const chain = async (answer: Promise<unknown>): Promise<void> => {
    for (let step = 0; step < 20; step += 1) await answer;
    story.push('answer taken');
  };
  const first = chain(link.ask('members', '3', 'presence-room'));
  const second = chain(link.ask('members', '3', 'presence-room'));
  link.receive([message('before'), ['answer', 1, { members: [] }], message('between'), ['answer', 2, { members: [] }]]);
  link.receive([message('after')]);
  await Promise.all([first, second]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(story).toEqual(['before', 'answer taken', 'between', 'answer taken', 'after']);
});

test('what is said in one turn goes out together', async () => {
  const batches: (readonly ToHost[])[] = [];
  const link = new HostLink((batch) => {
    batches.push(batch);
    return true;
  });
  link.tell('unsubscribe', '3', 'news');
  const first = link.departed();
  link.tell('unsubscribe', '3', 'weather');
  expect(batches).toEqual([]);
  await Promise.all([first, link.departed()]);
  expect(batches).toEqual([
    [
      [0, 'unsubscribe', ['3', 'news']],
      [0, 'unsubscribe', ['3', 'weather']],
    ],
  ]);
});

describe('a host', () => {
  test('that can not keep up has those wait who publish', async () => {
    const sent: (() => void)[] = [];
    const link = new HostLink((_, done) => sent.push(done) > 1);
    const story: string[] = [];
    link.tell('removeConnection', '3');
    const first = link.departed().then(() => story.push('first'));
    await new Promise((resolve) => setImmediate(resolve));
    story.push('posted');
    sent[0]?.();
    await first;
    link.tell('removeConnection', '3');
    await link.departed();
    expect(story).toEqual(['posted', 'first']);
  });

  test('that is gone answers nobody: calls fail as when a seam is away', async () => {
    const link = new HostLink(() => true);
    const asked = link.ask('members', '3', 'presence-room');
    link.close();
    await expect(asked).rejects.toThrow(SeamUnavailable);
    await expect(link.ask('members', '3', 'presence-room')).rejects.toThrow(SeamUnavailable);
    await expect(link.departed()).rejects.toThrow(SeamUnavailable);
  });
});

test('a call that failed at the host fails here', async () => {
  const link = new HostLink(() => true);
  const asked = link.ask('members', '3', 'presence-room');
  link.receive([['failed', 1, 'a reason']]);
  await expect(asked).rejects.toThrow('a reason');
});
