import { afterAll, beforeAll, expect, test } from 'vitest';
import { APP } from '../support/broker.ts';
import { freePort } from '../support/free-port.ts';
import { type Answer, type BrokerProcess, run, startProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';

let broker: BrokerProcess;
beforeAll(async () => {
  broker = await startProcess({
    env: { KULKUL_ADMIN_ENABLED: 'true' },
    settings: { 'admin.port': await freePort() },
  });
  await broker.logged('admin API');
});
afterAll(() => broker.kill());

const users = (...args: string[]): Promise<Answer> =>
  run(['users', ...args, '--config', broker.configFile], { env: { KULKUL_ADMIN_ENABLED: 'true' } });

async function signedIn(): Promise<RawClient> {
  const client = await RawClient.connect(broker.wsUrl);
  client.signIn('{"id":"ann/ü"}');
  await client.next('pusher:signin_success');
  return client;
}

test('shows on how many connections a user is signed in, sends them to reconnect, and ends them', async () => {
  const printed = (stdout: string): object => ({ stdout, stderr: '', code: 0 });
  expect(await users('show', 'ann/ü')).toMatchObject(printed('ann/ü is not signed in.\n'));
  const [first, second] = [await signedIn(), await signedIn()];
  expect(await users('show', 'ann/ü')).toMatchObject(printed('ann/ü is signed in on 2 connections.\n'));
  expect(JSON.parse((await users('show', 'ann/ü', '--json', '--app', APP.id)).stdout)).toEqual({
    id: 'ann/ü',
    online: true,
    connections: 2,
  });
  expect(await users('reconnect', 'ann/ü')).toMatchObject(printed('Sent to reconnect: 2 connections of ann/ü.\n'));
  for (const client of [first, second]) expect(await client.closed()).toMatchObject({ code: 4200 });
  const third = await signedIn();
  expect(await users('terminate', 'ann/ü')).toMatchObject(printed('Ended: 1 connection of ann/ü.\n'));
  expect(await third.closed()).toMatchObject({ code: 4009 });
});

test('says what is wrong: no such app, no user, an id that no user can have', async () => {
  expect(await users('show', 'ann', '--app', 'nobody')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is no app with the id "nobody"'),
  });
  expect(await users('show')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("missing required argument 'user'"),
  });
  expect(await users('terminate', 'u'.repeat(129))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("can't be a user id"),
  });
});
