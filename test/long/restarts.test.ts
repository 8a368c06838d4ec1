import { afterEach, describe, expect, test } from 'vitest';
import { SteadyPublisher } from '../cluster/steady.ts';
import { APP } from '../support/broker.ts';
import { freePort } from '../support/free-port.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';
import { until } from '../support/until.ts';
import { PUSHER_JS_VERSIONS, Visitor } from '../support/visitor.ts';
import { Crowd } from './crowd.ts';
import { report } from './report.ts';

const running: BrokerProcess[] = [];
afterEach(async () => {
  Visitor.leaveAll();
  for (const broker of running.splice(0)) await broker.kill();
});

describe.each([1, 2])('a lone broker with default settings and %i workers', (workers) => {
  test.each(['SIGTERM', 'SIGKILL'] as const)(
    'is back for stock clients after %s and the next start',
    async (signal) => {
      const settings = { workers };
      const away = new Map(PUSHER_JS_VERSIONS.map((version) => [version, [] as number[]]));
      for (let round = 1; round <= 4; round += 1) {
        const port = await freePort();
        const broker = await startProcess({ port, settings });
        // Fresh ones: two restarts within twice the activity time-out end old releases for good, whatever a broker does.
        const visitors = await Promise.all(
          PUSHER_JS_VERSIONS.flatMap((version) =>
            ['ann', 'bob'].map((name) => Visitor.arrive(version, `${name}-${version}`, { port })),
          ),
        );
        await until(() => visitors.every(({ members }) => members.length === visitors.length));
        const begin = performance.now();
        broker.signal(signal);
        await broker.exited;
        running.push(await startProcess({ port, settings }));
        const back = visitors.map(async (visitor) => {
          await until(() => visitor.isIn && visitor.socketIds.size === 2);
          away.get(visitor.version)?.push(performance.now() - begin);
        });
        await Promise.all(back);
        await until(() => visitors.every(({ members }) => members.length === visitors.length));
        if (signal === 'SIGTERM') for (const { errors } of visitors) expect(errors).toEqual([]);
        Visitor.leaveAll();
        await running.pop()?.kill();
      }
      for (const [version, times] of away) report(`${signal}, ${workers} workers, pusher-js ${version}`, times);
    },
  );
});

describe.each([1, 2])('takeovers with %i workers', (workers) => {
  test('move stock clients twenty times under steady publishing, each once and never out of reach', async () => {
    const broker = await startProcess({ port: await freePort(), settings: { workers }, args: ['--supervised'] });
    running.push(broker);
    const visitors = await Promise.all(
      Array.from({ length: 8 }, (_, index) => Visitor.arrive('8.6', `user-${index}`, broker)),
    );
    const publisher = new SteadyPublisher(broker.url, 'news', 'p');
    for (let round = 1; round <= 20; round += 1) {
      broker.signal('SIGUSR2');
      await broker.logged('takeover: the next broker listens', round);
      await broker.logged('takeover: the former broker has ended', round);
      await until(() => visitors.every(({ isIn, awayMs }) => isIn && awayMs.length === round));
      await publisher.goOn(5);
      for (const { socketIds, states } of visitors) {
        expect(socketIds.size).toBe(round + 1);
        expect(new Set(states)).toEqual(new Set(['connected', 'connecting']));
      }
    }
    await publisher.stop();
    expect(publisher.refused.filter((answer) => !answer.startsWith('0 '))).toEqual([]);
    report(
      `takeover, ${workers} workers`,
      visitors.flatMap(({ awayMs }) => awayMs),
    );
    process.stdout.write(
      `of ${publisher.accepted.length + publisher.refused.length} requests ${publisher.refused.length} failed with their connection\n`,
    );
  });

  test('move 10,000 clients', async () => {
    const broker = await startProcess({ port: await freePort(), settings: { workers }, args: ['--supervised'] });
    running.push(broker);
    const crowd = await Crowd.gather(10_000, broker.port, `/app/${APP.key}?protocol=7&client=crowd`);
    broker.signal('SIGUSR2');
    await broker.logged('takeover: the next broker listens');
    const begin = performance.now();
    await crowd.untilIn(2);
    report(
      `takeover of 10,000 clients, ${workers} workers`,
      crowd.members.map(({ sinceMs }) => sinceMs - begin),
    );
    const failures = crowd.members.reduce((sum, { failures: one }) => sum + one, 0);
    process.stdout.write(`${failures} attempts failed\n`);
    for (const { arrivals, closeCodes } of crowd.members) expect([arrivals, closeCodes]).toEqual([2, [4200]]);
    crowd.leave();
    await broker.logged('takeover: the former broker has ended');
  });
});
