import { expect, test } from 'vitest';
import type { Published } from '../../../channels/observer.ts';
import { factObserver } from '../../../server/console/live-facts.ts';
import { createApp } from '../../channels/test-node.ts';

// What a fact says was worked out before anybody knew whether it is wanted. Symptom: a live log of one app had the data of all apps' events counted, and
// their channels looked up.
test('an event that nobody wants to see is asked for its names only', () => {
  const asked: string[] = [];
  const published: Published = {
    app: createApp(),
    publisher: undefined,
    event: 'news',
    channelNames: ['one', 'two'],
    get data() {
      asked.push('data');
      return '{}';
    },
    get bytes() {
      asked.push('bytes');
      return 2;
    },
    get channels() {
      asked.push('channels');
      return [];
    },
  };
  const observe = (isWanted: boolean): void =>
    factObserver(
      () => true,
      (head, body) => {
        expect(head).toMatchObject({ type: 'published', event: 'news', channels: ['one', 'two'] });
        if (isWanted) expect(body()).toEqual({ data: '{}', bytes: 2, receivers: 0 });
      },
    ).published?.(published);
  observe(false);
  expect(asked).toEqual([]);
  observe(true);
  expect(asked.toSorted()).toEqual(['bytes', 'channels', 'data']);
});
