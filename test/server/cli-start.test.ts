import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { trigger } from '../support/api-client.ts';
import { APP } from '../support/broker.ts';
import { freePort } from '../support/free-port.ts';
import { type BrokerProcess, CommandProcess, run, startProcess, temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { StreamReader } from '../support/stream-reader.ts';
import { signTarget } from './http/raw-http.ts';

const JSON_LINES = /^(\{.*\}\n)*$/;

/** The text for people, complete: it is written after the log line. */
async function startMessage(process: CommandProcess): Promise<string> {
  await process.logged('listening');
  await process.printed(/^ {2}\}\);$/);
  return process.stdout;
}

async function end(process: CommandProcess): Promise<void> {
  process.signal('SIGTERM');
  expect(await process.exited).toEqual({ code: 0, signal: null });
}

describe('what a person reads after kulkul start', () => {
  test('is where it listens, which app, and blocks for Laravel and Echo that fit each other', async () => {
    const apps = [{ ...APP, name: 'dashboard' }];
    const broker = await startProcess({ apps, settings: { 'log.format': 'auto', pathPrefix: '/drum' } });
    const text = await startMessage(broker);
    expect(text).toContain(`WebSocket  ws://127.0.0.1:${broker.port}/drum/app/${APP.key}\n`);
    expect(text).toContain(`HTTP API   http://127.0.0.1:${broker.port}/drum/apps/${APP.id}\n`);
    expect(text).toContain(`app        ${APP.id} dashboard (key ${APP.key})\n`);
    expect(text).toMatch(/kulkul config --config \S+kulkul\.json shows them all\n/);
    for (const line of [
      `PUSHER_APP_ID=${APP.id}`,
      `PUSHER_APP_KEY=${APP.key}`,
      `PUSHER_APP_SECRET=${APP.secret}`,
      'PUSHER_HOST=127.0.0.1',
      `PUSHER_PORT=${broker.port}`,
      'PUSHER_SCHEME=http',
      `key: '${APP.key}',`,
      "wsHost: '127.0.0.1',",
      `wsPort: ${broker.port},`,
      "wsPath: '/drum',",
      'forceTLS: false,',
    ]) {
      expect(text).toContain(`  ${line}\n`);
    }
    // Cause: the PHP SDK resolves paths against this one (RFC 3986). Symptom: with '/drum' it asked for /apps/…, and Laravel got 404.
    const [, path = ''] = /options of pusher: {2}'path' => '(.*)',\n/.exec(text) ?? [];
    const events = new URL(`apps/${APP.id}/events`, `http://127.0.0.1:${broker.port}${path}`).pathname;
    expect(events).toBe(`/drum/apps/${APP.id}/events`);
    const signed = signTarget({ method: 'POST', path: events, signedPath: `/apps/${APP.id}/events`, body: '{}' });
    const answer = await fetch(`http://127.0.0.1:${broker.port}${signed}`, { method: 'POST', body: '{}' });
    expect([answer.status, answer.headers.get('x-kulkul-error')]).toEqual([400, 'invalid-event-name']);
    await end(broker);
  });

  test('leaves the secret of a configured app out when other machines can connect', async () => {
    const broker = await startProcess({ settings: { 'log.format': 'auto', host: '0.0.0.0' } });
    const text = await startMessage(broker);
    expect(text).toContain(`PUSHER_APP_SECRET="(the secret of app ${APP.id} in your configuration)"`);
    expect(text).not.toContain(APP.secret);
    await end(broker);
  });

  test('has working credentials made for this run when no app is configured', async () => {
    const process = new CommandProcess(['start', '--host', '127.0.0.1', '--port', '0']);
    const text = await startMessage(process);
    expect(text).toContain('made for this run as none is configured');
    const value = (name: string): string => new RegExp(`^ {2}${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
    const app = { id: value('PUSHER_APP_ID'), key: value('PUSHER_APP_KEY'), secret: value('PUSHER_APP_SECRET') };
    const port = value('PUSHER_PORT');
    const client = await RawClient.connect(`ws://127.0.0.1:${port}`, { key: app.key });
    await client.subscribed('scada');
    const answer = await trigger(
      `http://127.0.0.1:${port}`,
      { name: 'scada.data.received', channel: 'scada', data: '{}' },
      { app },
    );
    expect(answer.text).toBe('{}');
    expect((await client.next()).event).toBe('scada.data.received');

    const other = new CommandProcess(['start', '--host', '127.0.0.1', '--port', '0']);
    expect(await startMessage(other)).not.toContain(app.secret);
    await Promise.all([end(process), end(other)]);
  });
});

describe('log.format json', () => {
  test('prints JSON lines only, none with a secret', async () => {
    const broker = await startProcess({ apps: [APP], args: ['--debug'] });
    await converse(broker);
    await end(broker);
    expect(broker.log.map(({ msg }) => msg)).toContain('stopped');
    expect(broker.stdout).toMatch(JSON_LINES);
    expect(broker.stdout).not.toContain(APP.secret);
    expect(broker.stderr).toBe('');
  });

  test('warns, and names no secret, when an app was made for this run', async () => {
    const broker = await startProcess({ apps: [] });
    expect(await broker.logged('no app is configured')).toMatchObject({
      level: 40,
      app: expect.stringMatching(/^\d+$/),
    });
    await end(broker);
    expect(broker.stdout).toMatch(JSON_LINES);
    expect(broker.stdout).not.toMatch(/[0-9a-f]{32}/);
  });
});

describe('--debug', () => {
  test('shows each message in and out, without the signatures', async () => {
    const broker = await startProcess({ apps: [APP], args: ['--debug'] });
    const { signature, socketId } = await converse(broker);
    await end(broker);
    const frames = (message: string): unknown[] =>
      broker.log.filter(({ msg }) => msg === message).map(({ frame }) => frame);
    expect(frames('message in')).toEqual([
      `{"event":"pusher:subscribe","data":{"channel":"private-scada","auth":"${APP.key}:•••"}}`,
      '{"event":"pusher:subscribe","data":{"channel":"private-scada-2","auth":"•••"}}',
      '{"event":"pusher:ping"}',
    ]);
    expect(frames('message out').slice(0, 2)).toEqual([
      `{"event":"pusher:connection_established","data":"{\\"socket_id\\":\\"${socketId}\\",\\"activity_timeout\\":50}"}`,
      '{"event":"pusher_internal:subscription_succeeded","channel":"private-scada","data":"{}"}',
    ]);
    expect(frames('message out').at(-1)).toBe('{"event":"pusher:pong","data":"{}"}');
    expect(frames('message out to subscribers')).toContain(
      '{"event":"scada.data.received","channel":"private-scada","data":"{\\"level\\":4}"}',
    );
    expect(broker.stdout).not.toContain(signature);
    expect(broker.stdout).not.toContain('bearer-token');
  });

  test('shows who connects, from where', async () => {
    const feeds = [{ path: '/feed', channel: 'news' }];
    const broker = await startProcess({ apps: [{ ...APP, feeds }], args: ['--debug'] });
    const headers = { 'X-Forwarded-For': '192.0.2.7, 10.0.0.1', 'User-Agent': 'till/2.1' };
    const origin = 'https://shop.example';
    const client = await RawClient.connect(broker.wsUrl, { headers, origin });
    const arrival = { app: APP.id, ip: '127.0.0.1', forwardedFor: '192.0.2.7, 10.0.0.1', userAgent: 'till/2.1' };
    expect(await broker.logged('connection opened')).toMatchObject({ ...arrival, origin, socketId: client.socketId });
    const reader = await StreamReader.open(`${broker.url}/feed`, { ...headers, Origin: origin });
    expect(await broker.logged('connection opened', 2)).toMatchObject({ ...arrival, origin });
    new RawClient(`${broker.wsUrl}/app/wrong`, { headers });
    const { app: _unknown, ...facts } = arrival;
    expect(await broker.logged('connection refused')).toMatchObject({ ...facts, path: '/app/wrong' });
    reader.close();
    await end(broker);
  });

  test('is off by default', async () => {
    const broker = await startProcess({ apps: [APP] });
    await converse(broker);
    await end(broker);
    expect(broker.stdout).not.toContain('scada.data.received');
  });
});

describe('what makes a start fail', () => {
  test('says that the port is taken', async () => {
    // Port 0 would not do: uWebSockets.js shares only a port that was asked for.
    const first = await startProcess({ port: await freePort() });
    const second = await run(['start', '--host', '127.0.0.1', '--port', String(first.port)]);
    expect(second).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `kulkul: Can't listen on 127.0.0.1:${first.port}: another program has port ${first.port}: stop it, or choose another port with --port\n`,
    });
    await (await RawClient.connect(first.wsUrl)).close();
    await end(first);
  });

  test('says that an address is not of this machine', async () => {
    const { code, stderr } = await run(['start', '--host', '192.0.2.1', '--port', '0']);
    expect(code).toBe(1);
    expect(stderr).toContain('192.0.2.1 is not an address of this machine');
  });
});

test('reads .env of the folder it is started in', async () => {
  const cwd = temporaryFolder();
  writeFileSync(
    join(cwd, '.env'),
    'PUSHER_APP_ID=1\nPUSHER_APP_KEY=from-env\nPUSHER_APP_SECRET=hidden\nSOKETI_PORT=0\n',
  );
  const process = new CommandProcess(['start', '--host', '127.0.0.1'], { cwd });
  expect(await startMessage(process)).toContain('app        1 (key from-env)\n');
  await end(process);
});

test("serves a Laravel application as Reverb's installer leaves it: clients whisper, and the lines to paste are Reverb's", async () => {
  const cwd = temporaryFolder();
  const reverb = [
    `APP_ID=${APP.id}`,
    `APP_KEY=${APP.key}`,
    `APP_SECRET=${APP.secret}`,
    'HOST="localhost"',
    `PORT=${await freePort()}`,
  ];
  const lines = ['BROADCAST_CONNECTION=reverb', ...[...reverb, 'SCHEME=http'].map((line) => `REVERB_${line}`)];
  writeFileSync(join(cwd, '.env'), `${lines.join('\n')}\nVITE_REVERB_APP_KEY="\${REVERB_APP_KEY}"\n`);
  const broker = new CommandProcess(['start', '--host', '127.0.0.1'], { cwd });
  const text = await startMessage(broker);
  const [, port] = /^ {2}REVERB_PORT=(\d+)$/m.exec(text) ?? [];
  expect(`PORT=${port}`).toBe(reverb[4]);
  for (const line of [
    'BROADCAST_CONNECTION=reverb ',
    `REVERB_APP_ID=${APP.id}`,
    'REVERB_SCHEME=http',
    "broadcaster: 'reverb',",
  ]) {
    expect(text).toContain(`  ${line}`);
  }
  expect(text).not.toMatch(/PUSHER_|cluster/);
  const [ann, bob] = await Promise.all([1, 2].map(() => RawClient.connect(`ws://127.0.0.1:${port}`)));
  await Promise.all([ann?.subscribed('private-room'), bob?.subscribed('private-room')]);
  ann?.send({ event: 'client-typing', channel: 'private-room', data: '{}' });
  expect(await bob?.next('client-typing')).toMatchObject({ channel: 'private-room' });
  await end(broker);
});

/** A subscription that succeeds, one that does not, an event and a ping. */
async function converse(broker: BrokerProcess): Promise<{ signature: string; socketId: string }> {
  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed('private-scada');
  client.send({ event: 'pusher:subscribe', data: { channel: 'private-scada-2', auth: 'bearer-token' } });
  await client.next('pusher:error');
  await client.next('pusher:subscription_error');
  await trigger(broker.url, { name: 'scada.data.received', channel: 'private-scada', data: '{"level":4}' });
  await client.next('scada.data.received');
  await client.flush();
  const signature = client.channelAuth('private-scada').split(':')[1] ?? '';
  return { signature, socketId: client.socketId };
}
