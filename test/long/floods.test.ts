import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ATTACKS, startAttack } from '../../bench/load/attack.ts';
import { read, trigger } from '../support/api-client.ts';
import { APP } from '../support/broker.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';

const SECONDS_EACH = 15;
const PER_SECOND = 10;
const MOST_GROWTH = 200_000_000;

interface Usage {
  readonly memory: { readonly used: number };
  readonly connections: number;
}

async function usageOf({ url }: BrokerProcess): Promise<Usage> {
  return (await (await fetch(`${url}/usage`)).json()) as Usage;
}

test('whatever strangers send for minutes, the others get every event once, and nothing stays of it', async () => {
  const settings = { activityTimeoutSeconds: 900 };
  const broker = await startProcess({ settings, apps: [{ ...APP, enableSubscriptionCountEvents: true }] });
  const address = { host: '127.0.0.1', port: broker.port, ca: undefined, app: APP };
  const innocent = await RawClient.connect(broker.wsUrl);
  await innocent.subscribed('news');
  await innocent.next('pusher_internal:subscription_count');
  const { memory: before } = await usageOf(broker);
  let published = 0;
  for (const attack of ATTACKS) {
    // Two strangers at once.
    const ends = [startAttack(address, attack), startAttack(address, attack)];
    for (let event = 0; event < SECONDS_EACH * PER_SECOND; event += 1) {
      const { status } = await trigger(broker.url, { name: 'e', channel: 'news', data: String(published) });
      expect(status).toBe(200);
      expect(await innocent.next()).toMatchObject({ event: 'e', data: String(published) });
      published += 1;
      await setTimeout(1000 / PER_SECOND);
    }
    for (const end of ends) await end();
    expect((await usageOf(broker)).memory.used - before.used, attack.title).toBeLessThan(MOST_GROWTH);
  }
  expect(await innocent.flush()).toEqual([]);
  expect(await read(broker.url, '/channels')).toEqual({ channels: { news: {} } });
  expect((await usageOf(broker)).connections).toBe(1);
  await innocent.close();
  await broker.kill();
});
