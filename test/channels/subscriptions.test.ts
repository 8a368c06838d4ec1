import { expect, test } from 'vitest';
import { type Subscription, Subscriptions } from '../../channels/connection.ts';
import { LocalChannel } from '../../channels/local-channel.ts';
import { createApp } from './test-node.ts';

function subscription(name: string): Subscription {
  return { channel: new LocalChannel(createApp(), name, 'application'), member: undefined, grant: undefined };
}

test.each([1, 2, 3])('keeps %i channels by name, until they are deleted', (count) => {
  const subscriptions = new Subscriptions();
  const all = Array.from({ length: count }, (_, index) => subscription(`c${index}`));
  for (const one of all) subscriptions.add(one);
  expect([subscriptions.size, subscriptions.values()]).toEqual([count, all]);
  for (const one of all) expect(subscriptions.get(one.channel.name)).toBe(one);
  expect([subscriptions.has('c9'), subscriptions.get('c9')]).toEqual([false, undefined]);
  subscriptions.delete('c9');
  for (const [index, one] of all.entries()) {
    subscriptions.delete(one.channel.name);
    expect([subscriptions.size, subscriptions.has(one.channel.name)]).toEqual([count - index - 1, false]);
  }
  subscriptions.add(subscription('again'));
  expect(subscriptions.values().map(({ channel }) => channel.name)).toEqual(['again']);
});

test.each([1, 2])('replaces a subscription of the same name among %i', (count) => {
  const subscriptions = new Subscriptions();
  for (let index = 0; index < count; index += 1) subscriptions.add(subscription(`c${index}`));
  const later = subscription('c0');
  subscriptions.add(later);
  expect([subscriptions.size, subscriptions.get('c0')]).toEqual([count, later]);
});

test('tells the channels as they are when it is asked, whatever is deleted meanwhile', () => {
  const subscriptions = new Subscriptions();
  for (const name of ['a', 'b', 'c']) subscriptions.add(subscription(name));
  const seen: string[] = [];
  for (const { channel } of subscriptions.values()) {
    seen.push(channel.name);
    subscriptions.delete(channel.name);
  }
  expect([seen, subscriptions.size]).toEqual([['a', 'b', 'c'], 0]);
});
