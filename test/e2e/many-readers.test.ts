import { expect, test } from 'vitest';
import { call } from '../support/api-client.ts';
import { atLength } from '../support/at-length.ts';
import { APP } from '../support/broker.ts';
import { startProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { StreamReader } from '../support/stream-reader.ts';

const APPS = [
  {
    ...APP,
    feeds: [
      { path: '/data', channel: 'plant' },
      { path: '/event', channel: 'plant', format: 'event', last: true },
    ],
  },
];
const EVENTS = atLength(20, 60);
const PUBLISHERS = 6;
/** 200 come in each. */
const ROUNDS = atLength(3, 10);

/** Takes the next piece of data that was published. */
type Receive = () => Promise<string>;

async function pusherClient(wsUrl: string): Promise<Receive> {
  const client = await RawClient.connect(wsUrl);
  await client.subscribed('plant');
  return async () => String((await client.next('reading')).data);
}

async function socket(wsUrl: string, path: string): Promise<Receive> {
  const client = new RawClient(`${wsUrl}${path}`);
  return async () => dataIn(path, await client.nextText());
}

async function stream(url: string, path: string): Promise<Receive> {
  const reader = await StreamReader.open(`${url}${path}`);
  return async () => dataIn(path, await reader.nextData());
}

function dataIn(path: string, text: string): string {
  return path === '/data' ? text : JSON.stringify((JSON.parse(text) as { data: unknown }).data);
}

test.each([
  ['one process', 1],
  ['two workers', 2],
])(
  'readers of feeds and as many Pusher clients, 2,000 at length, get the same events in the same order, once, on %s',
  async (_, workers) => {
    const broker = await startProcess({ apps: APPS, settings: { workers } });
    const { url, wsUrl } = broker;
    const publish = (names: readonly number[]): Promise<{ status: number }> => {
      const batch = names.map((name) => ({ name: 'reading', channel: 'plant', data: JSON.stringify({ name }) }));
      return call(url, 'POST', `/apps/${APP.id}/batch_events`, { body: { batch } });
    };
    const all: Receive[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const some = Array.from({ length: 25 }, () => [
        ...Array.from({ length: 4 }, () => pusherClient(wsUrl)),
        socket(wsUrl, '/data'),
        socket(wsUrl, '/event'),
        stream(url, '/data'),
        stream(url, '/event'),
      ]);
      all.push(...(await Promise.all(some.flat())));
    }
    expect(all).toHaveLength(200 * ROUNDS);
    // A WebSocket of a feed has no first message: a reader is in for certain once it got something.
    await inForCertain(all, publish);

    const numbers = Array.from({ length: EVENTS }, (_event, index) => index);
    const rest = [...numbers];
    const publishers = Array.from({ length: PUBLISHERS }, async () => {
      for (let names = rest.splice(0, 3); names.length > 0; names = rest.splice(0, 3)) {
        expect((await publish(names)).status).toBe(200);
      }
    });
    const orders = all.map(async (receive) => {
      const order: string[] = [];
      while (order.length < EVENTS) order.push(await receive());
      return order;
    });
    await Promise.all(publishers);
    const [first = [], ...others] = await Promise.all(orders);
    expect([...first].sort()).toEqual(numbers.map((name) => JSON.stringify({ name })).sort());
    for (const order of others) expect(order).toEqual(first);

    // Nothing came twice: this comes next to everyone.
    await publish([EVENTS]);
    for (const receive of all) expect(await receive()).toBe(JSON.stringify({ name: EVENTS }));
    expect(broker.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
    await broker.kill();
  },
);

/** Publishes until everyone has got something, and has everyone up to the last of it. */
async function inForCertain(
  all: readonly Receive[],
  publish: (names: readonly number[]) => Promise<unknown>,
): Promise<void> {
  const last = new Map<Receive, Promise<string>>(all.map((receive) => [receive, receive()]));
  let isDone = false;
  void Promise.all(last.values()).then(() => {
    isDone = true;
  });
  let name = 0;
  for (; !isDone; name -= 1) await publish([name - 1]);
  await publish([name - 1]);
  const mark = JSON.stringify({ name: name - 1 });
  await Promise.all(
    [...last].map(async ([receive, first]) => {
      for (let data = await first; data !== mark; data = await receive());
    }),
  );
}
