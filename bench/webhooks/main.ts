import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { openSubscribers } from '../load/open-subscribers.ts';
import { cpuSeconds, settledCpu } from '../load/process-stats.ts';
import { kulkul } from '../servers/contender.ts';
import { nodesOnRedis } from '../servers/deployments.ts';

/**
 * What webhooks for `channel_occupied` and `channel_vacated` cost those who connect and subscribe: CPU time of the server, of its Redis too, with them and
 * without, in turns. `tsx bench/webhooks/main.ts [rounds]` after `npm run build`.
 */
const ROUNDS = Number(process.argv[2] ?? 5);
const CLIENTS = 3000;
/** Those that come before the measurement. */
const WARM_UP = 1000;
const AT_ONCE = 32;
const SHARED_CHANNELS = 100;

const ORDER = { cores: '0-1', nodeFlags: [], floorFlags: [], certificate: undefined, hasFeed: false };
const SCRIPT = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url));
const MODES = ['off', 'on', 'on, batching'] as const;
const CASES: Readonly<Record<string, (index: number) => string>> = {
  [`${SHARED_CHANNELS} channels`]: (index) => `news-${index % SHARED_CHANNELS}`,
  'a channel each': (index) => `own-${index}`,
};

let told = 0;
const target = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    told += 1;
    response.end();
  });
});
await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/`;

function fail(error: Error): never {
  throw error;
}

/** @returns CPU-µs of the node and of Redis for a client that connects and subscribes */
async function measure(mode: (typeof MODES)[number], channelOf: (index: number) => string, isOnRedis: boolean) {
  const webhooks = mode === 'off' ? [] : [{ url, event_types: ['channel_occupied', 'channel_vacated'] }];
  const batching = { 'webhooks.batching.enabled': mode === 'on, batching' };
  const maker = (name: string, settings: Readonly<Record<string, unknown>>) =>
    kulkul(name, SCRIPT, { ...batching, ...settings }, { webhooks });
  const contender = isOnRedis ? nodesOnRedis(mode, maker, 1) : maker(mode, {});
  const server = await contender.start(ORDER);
  const pid = (isOnRedis ? server.parts?.a?.pid : server.pid) ?? 0;
  const redisPid = server.parts?.redis?.pid;
  const open = (count: number, name: (index: number) => string) =>
    openSubscribers(server.address, { count, atOnce: AT_ONCE, channelOf: name, onFailure: fail });
  const early = await open(WARM_UP, (index) => `early-${channelOf(index)}`);
  await settledCpu(pid);
  const cpu = (): [number, number] => [cpuSeconds(pid), redisPid === undefined ? 0 : cpuSeconds(redisPid)];
  const [before, beforeRedis] = cpu();
  const late = await open(CLIENTS, channelOf);
  await settledCpu(pid);
  const [after, afterRedis] = cpu();
  for (const client of [...early, ...late]) client.drop();
  await server.stop();
  const micros = (seconds: number): number => (seconds * 1e6) / CLIENTS;
  return [micros(after - before), micros(afterRedis - beforeRedis)] as const;
}

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

for (const isOnRedis of [false, true]) {
  for (const [name, channelOf] of Object.entries(CASES)) {
    const figures = MODES.map((): (readonly [number, number])[] => []);
    for (let round = 0; round < ROUNDS; round += 1) {
      // Who begins has the cooler machine.
      const order = round % 2 === 0 ? [...MODES] : [...MODES].reverse();
      for (const mode of order) figures[MODES.indexOf(mode)]?.push(await measure(mode, channelOf, isOnRedis));
    }
    const base = middle((figures[0] ?? []).map(([node]) => node));
    MODES.forEach((mode, index) => {
      const node = (figures[index] ?? []).map(([micros]) => micros);
      const redis = (figures[index] ?? []).map(([, micros]) => micros);
      const all = node.map((value) => value.toFixed(0)).join(' ');
      process.stdout.write(
        `${isOnRedis ? 'Redis' : 'memory'}, ${name}, webhooks ${mode}: ${middle(node).toFixed(0)} µs (${all}), ` +
          `× ${(middle(node) / base).toFixed(2)}${isOnRedis ? `, Redis ${middle(redis).toFixed(0)} µs` : ''}\n`,
      );
    });
  }
}
process.stdout.write(`${told} requests reached the target\n`);
target.close();
