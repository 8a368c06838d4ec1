import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Connection } from '../../channels/connection.ts';
import type { Session } from '../../channels/session.ts';
import { TopicFanOut } from '../../server/fan-out.ts';
import { TopicWriters, type Writer } from '../../server/topic-writers.ts';
import { NativeTopics } from '../../server/ws/native-topics.ts';
import { WebSocketTransport } from '../../server/ws/web-socket-transport.ts';

const TOPIC = 'topic';

/** Two apps of uWebSockets.js with a socket each, and two clients without native topics; all of them in one topic. */
function createFanOut() {
  const fanOut = new TopicFanOut();
  /** Who was told to hand out what, in order. */
  const calls: string[] = [];
  const sockets = ['old', 'new'].map((name) => {
    const topics = new NativeTopics({ publish: (_topic, text) => calls.push(`app ${name} ${text}`) > 0 });
    fanOut.add(topics);
    const ws = {
      publish: (_topic: string, text: string) => calls.push(`socket ${name} ${text}`) > 0,
      close: () => calls.push(`closed ${name}`),
    } as unknown as ConstructorParameters<typeof WebSocketTransport>[0];
    return new WebSocketTransport(ws, {} as Session, topics);
  });
  const written = new TopicWriters<string>();
  fanOut.add(written);
  const writers = ['a', 'b'].map((name) => {
    const waiting: string[] = [];
    const writer = {
      put: (text) => waiting.push(text),
      flush: () => waiting.length > 0 && calls.push(`writer ${name} ${waiting.splice(0).join()}`),
    } as Partial<Writer<string>> as Writer<string>;
    written.add(TOPIC, writer);
    return writer;
  });
  const publish = async (frame: string, sender?: { readonly transport: unknown }): Promise<string[]> => {
    fanOut.publish(TOPIC, { frame }, sender as Connection | undefined);
    await setImmediate();
    return calls.splice(0);
  };
  return { fanOut, calls, publish, written, sockets, writers };
}

test('an event goes to each app once, and to each client without native topics', async () => {
  const { publish } = createFanOut();
  expect(await publish('e')).toEqual(['app old e', 'app new e', 'writer a e', 'writer b e']);
});

test('a sender on a WebSocket is left out by its own publish, which reaches the others of its app', async () => {
  const { publish, sockets } = createFanOut();
  expect(await publish('e', { transport: sockets[1] })).toEqual([
    'app old e',
    'socket new e',
    'writer a e',
    'writer b e',
  ]);
});

test('a sender without native topics is left out, too', async () => {
  const { publish, writers } = createFanOut();
  expect(await publish('e', { transport: writers[0] })).toEqual(['app old e', 'app new e', 'writer b e']);
});

test('the others hear a sender whose socket has closed', async () => {
  const { publish, sockets } = createFanOut();
  sockets[1]?.cutOff();
  expect(await publish('e', { transport: sockets[1] })).toEqual([
    'closed new',
    'app old e',
    'app new e',
    'writer a e',
    'writer b e',
  ]);
});

test('events of one turn are flushed together, and whoever left in it gets nothing more', async () => {
  const { fanOut, publish, writers, written } = createFanOut();
  fanOut.publish(TOPIC, { frame: '1' }, undefined);
  const [gone] = writers;
  if (gone) written.remove(TOPIC, gone);
  expect((await publish('2')).filter((call) => call.startsWith('writer'))).toEqual(['writer b 1,2']);
});
