import { afterAll, beforeAll, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { APP } from '../support/broker.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';

let broker: BrokerProcess;
let backend: Backend;
beforeAll(async () => {
  broker = await startProcess({ apps: [APP] });
  backend = await Backend.start(broker);
});
afterAll(() => backend.stop());

test('a hand-written client that knows nothing but /app/KEY connects, subscribes and receives', async () => {
  const client = new RawClient(`${broker.wsUrl}/app/${APP.key}`);
  const { data } = await client.next('pusher:connection_established');
  expect(JSON.parse(String(data))).toEqual({
    socket_id: expect.stringMatching(/^\d+\.\d+$/),
    activity_timeout: 50,
  });
  client.send('{"event":"pusher:subscribe","data":{"channel":"scada"}}');
  expect(await client.nextText()).toBe(
    '{"event":"pusher_internal:subscription_succeeded","channel":"scada","data":"{}"}',
  );
  await backend.sdk.trigger('scada', 'scada.data.received', { level: 4.2 });
  expect(await client.nextText()).toBe('{"event":"scada.data.received","channel":"scada","data":"{\\"level\\":4.2}"}');
  await client.close();
});
