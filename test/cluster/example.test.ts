import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { trigger } from '../support/api-client.ts';
import { CommandProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';

const RUN = fileURLToPath(new URL('../../examples/cluster/run.mjs', import.meta.url));
/** As in examples/cluster/kulkul.json. */
const APP = { id: '12345', key: 'scada_dashboard_key_2024', secret: 'development-secret-do-not-deploy' };

test('examples/cluster runs by one command, delivers between its nodes and stops everything on Ctrl-C', async () => {
  const example = new CommandProcess([], { command: RUN, env: { PORT: '0' } });
  await example.printed(/Ctrl-C/);
  const [front = '', ...nodes] = example.stdout.match(/127\.0\.0\.1:\d+/g) ?? [];
  const clients = await Promise.all(
    [front, ...nodes].map((address) => RawClient.connect(`ws://${address}`, { key: APP.key })),
  );
  expect(clients).toHaveLength(3);
  for (const client of clients) await client.subscribed('rvm-status');
  const event = { name: 'rvm.status.updated', channel: 'rvm-status', data: 'x'.repeat(60_000) };
  expect((await trigger(`http://${front}`, event, { app: APP })).status).toBe(200);
  for (const client of clients) expect(await client.next()).toMatchObject({ event: event.name, data: event.data });
  example.signal('SIGINT');
  expect(await example.exited).toEqual({ code: 0, signal: null });
  for (const client of clients) await client.closed();
  for (const address of [front, ...nodes]) await expect(fetch(`http://${address}/`)).rejects.toThrow();
});

test('examples/cluster says what is missing', async () => {
  const example = new CommandProcess([], { command: RUN, env: { PORT: '0', PATH: '/nowhere' } });
  expect((await example.exited).code).toBe(1);
  expect(example.stderr).toContain(
    'redis-server is missing: put it on the PATH; on Debian: apt-get install redis-server',
  );
});
