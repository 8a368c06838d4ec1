import { expect, test } from 'vitest';
import { composeObservers, type Failed, type Observer } from '../../channels/observer.ts';
import { createApp, TestNode } from './test-node.ts';

const PUBLISHED = {
  publisher: undefined,
  app: createApp(),
  event: 'news',
  data: '{}',
  channelNames: [],
  bytes: 2,
  channels: [],
};

test('tells all observers that want to know, in their order', () => {
  const told: string[] = [];
  const observer = composeObservers([
    { published: ({ event }) => told.push(`first ${event}`) },
    { failed: () => told.push('not this one') },
    { published: ({ event }) => told.push(`third ${event}`) },
  ]);
  observer.published?.(PUBLISHED);
  expect(told).toEqual(['first news', 'third news']);
});

test('has nothing to call for what nobody wants to know', () => {
  const observer = composeObservers([{ published: undefined }, { failed: () => {} }]);
  const { failed, ...others } = observer;
  expect(failed).toBeTypeOf('function');
  expect(Object.values(others).filter((method) => method !== undefined)).toEqual([]);
});

test('calls an observer that is an object of a class as its method', () => {
  class Counter implements Observer {
    count = 0;
    published(): void {
      this.count += 1;
    }
  }
  const counter = new Counter();
  composeObservers([counter]).published?.(PUBLISHED);
  expect(counter.count).toBe(1);
});

test('tells the others and reports a failure when an observer throws', () => {
  const error = new Error('full disk');
  const failures: Failed[] = [];
  const told: string[] = [];
  const observer = composeObservers([
    {
      published: () => {
        throw error;
      },
      failed: (failure) => failures.push(failure),
    },
    { published: ({ event }) => told.push(event) },
  ]);
  observer.published?.(PUBLISHED);
  expect(told).toEqual(['news']);
  expect(failures).toEqual([{ error, during: 'observer.published' }]);
});

test('survives an observer that throws when it is told of a failure', () => {
  const failures: Failed[] = [];
  const observer = composeObservers([
    {
      failed: () => {
        throw new Error('full disk');
      },
    },
    { failed: (failure) => failures.push(failure) },
  ]);
  const failure = { error: new Error('far away'), during: 'sign-out' };
  observer.failed(failure);
  expect(failures).toEqual([failure]);
});

test('an observer that always throws changes nothing for clients', () => {
  const fail = (): never => {
    throw new Error('full disk');
  };
  const broken: Observer = {
    disconnected: fail,
    messageRefused: fail,
    subscriptionRefused: fail,
    unsubscribed: fail,
    published: fail,
  };
  const talk = (observers: readonly Observer[]): readonly string[] => {
    const test = new TestNode({ observers });
    const client = test.connect();
    client.subscribe('news');
    client.subscribe('private-news');
    client.send('{');
    client.send({ event: 'pusher:subscribe', data: { channel: 'private-news', auth: 'key:wrong' } });
    test.clock.advance(300_000);
    return [...client.frames, String(client.closedWith?.code), `${test.node.connections.size} left`];
  };
  expect(talk([broken])).toEqual(talk([]));
});
