import { generateKeyPairSync } from 'node:crypto';
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pino from 'pino';
import { expect, test } from 'vitest';
import { AppReload } from '../../../server/apps/app-reload.ts';
import { loadConfig, type Settings } from '../../../server/config/index.ts';
import { createFolder } from '../config/load.ts';

const app = (id: string) => ({ id, key: `key-${id}`, secret: 'very secret' });
const withApps = (...apps: object[]): string => JSON.stringify({ 'appManager.array.apps': apps });

interface LogLine {
  readonly msg: string;
  readonly level: number;
  readonly [field: string]: unknown;
}

/** What runs with a file, and takes it up again. */
class Running {
  readonly #folder = createFolder();
  readonly file = join(this.#folder, 'kulkul.json');
  readonly log: LogLine[] = [];
  /** Ids of the apps that were to take effect, each time. */
  readonly taken: string[][] = [];
  readonly reload: AppReload;

  constructor(content = withApps(app('1'))) {
    this.write(content);
    const sources = { flags: { config: this.file }, env: {}, cwd: this.#folder };
    this.reload = new AppReload({
      sources,
      running: loadConfig(sources),
      replaceApps: ({ appManager }: Settings) => void this.taken.push(appManager.array.apps.map(({ id }) => id)),
      refreshApps: () => {
        throw new Error('the apps are in the file');
      },
      log: pino({ base: null, timestamp: false }, { write: (line) => void this.log.push(JSON.parse(line)) }),
    });
  }

  write(content: string): void {
    writeFileSync(this.file, content);
  }

  look(times = 2): void {
    for (let time = 0; time < times; time += 1) this.reload.look();
  }

  get messages(): string[] {
    return this.log.map(({ msg }) => msg);
  }
}

test('a file that changed is taken up when it has been the same for two looks', () => {
  const running = new Running();
  running.look(5);
  expect(running.log).toEqual([]);
  running.write(withApps(app('1'), { ...app('2'), enabled: false }));
  running.look(1);
  running.write(withApps(app('2')));
  running.look(1);
  expect(running.taken).toEqual([]);
  running.look(1);
  expect(running.taken).toEqual([['2']]);
  expect(running.log).toEqual([
    { level: 30, msg: 'apps reloaded: 1 added, 0 changed, 1 removed', added: ['2'], changed: [], removed: ['1'] },
  ]);
  running.look(5);
  expect(running.log).toHaveLength(1);
});

test('a change between the start and the first look is seen', () => {
  const running = new Running();
  running.write(withApps(app('2')));
  running.look();
  expect(running.taken).toEqual([['2']]);
});

test('a file that was only touched is left alone', () => {
  const running = new Running();
  running.look();
  utimesSync(running.file, 1, 1);
  running.look(3);
  expect(running.log).toEqual([]);
});

test('a file that another took the place of, of the same size and time, is taken up', () => {
  const running = new Running();
  utimesSync(running.file, 1, 1);
  running.look(3);
  rmSync(running.file);
  running.write(withApps(app('2')));
  utimesSync(running.file, 1, 1);
  running.look();
  expect(running.taken).toEqual([['2']]);
});

test('a broken file keeps the apps and tells every problem with its place, and no secret; mended, it is taken up', () => {
  const running = new Running();
  running.write(
    '{\n  "prot": 1,\n  "appManager.array.apps": [\n    { "id": "1", "key": 5, "secret": "very secret", "enabled": "nah" }\n  ]\n}',
  );
  running.look();
  expect(running.taken).toEqual([]);
  expect(running.log).toEqual([
    {
      level: 50,
      msg: 'problem in the configuration',
      where: 'kulkul.json:2:3',
      problem: 'prot: unknown setting.',
      suggestion: 'port',
    },
    {
      level: 50,
      msg: 'problem in the configuration',
      where: 'kulkul.json:4:64',
      problem: 'appManager.array.apps[0].enabled: expected true or false, got "nah".',
    },
    { level: 50, msg: 'the configuration can not be used: the apps stay as they are', problems: 2 },
  ]);
  expect(JSON.stringify(running.log)).not.toContain('very secret');
  running.look(5);
  expect(running.log).toHaveLength(3);
  running.write(withApps(app('1')));
  running.look();
  expect(running.messages.at(-1)).toBe('apps reloaded: 0 added, 0 changed, 0 removed');
});

test('a file that is gone keeps the apps, and is taken up when it is back', () => {
  const running = new Running();
  running.look();
  rmSync(running.file);
  running.look(5);
  expect(running.log).toMatchObject([
    { where: 'kulkul.json', problem: expect.stringContaining('there is no such file') },
    { msg: 'the configuration can not be used: the apps stay as they are' },
  ]);
  running.write(withApps(app('1'), app('2')));
  running.look();
  expect(running.taken).toEqual([['1', '2']]);
});

test('a public key that is in a file of its own is taken up when that changes, also one that was not there', () => {
  const publicKey = () =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' });
  const withKey = { ...app('1'), auth: { jwt: { keys: [{ publicKeyFile: 'issuer.pem' }] } } };
  const running = new Running();
  running.write(withApps(withKey));
  running.look();
  expect(running.messages.at(-1)).toBe('the configuration can not be used: the apps stay as they are');
  const keyFile = join(dirname(running.file), 'issuer.pem');
  writeFileSync(keyFile, publicKey());
  running.look();
  writeFileSync(keyFile, publicKey());
  running.look();
  expect(running.messages.slice(-2)).toEqual([
    'apps reloaded: 0 added, 1 changed, 0 removed',
    'apps reloaded: 0 added, 1 changed, 0 removed',
  ]);
});

test('settings that only a start takes are named once for each reload', () => {
  const running = new Running();
  running.write(JSON.stringify({ port: 7001, host: '::1', 'appManager.array.apps': [app('1')] }));
  running.look(5);
  expect(running.log).toMatchObject([
    { msg: 'apps reloaded: 0 added, 0 changed, 0 removed' },
    { level: 40, settings: ['host', 'port'], msg: expect.stringContaining('wait for the next start') },
  ]);
});

test('warnings of the file are told when they are new', () => {
  const running = new Running(JSON.stringify({ 'cluster.port': 11002, 'appManager.array.apps': [app('1')] }));
  const more = { 'cluster.port': 11002, 'queue.driver': 'sync', 'appManager.array.apps': [app('1')] };
  running.write(JSON.stringify(more));
  running.look();
  running.reload.reload();
  expect(running.log.filter(({ level }) => level === 40).map(({ msg }) => msg)).toEqual([
    'Without effect in this version: cluster.port, queue.driver.',
  ]);
});

test('a reload that is asked for happens at once, whatever has changed', () => {
  const running = new Running();
  running.reload.reload();
  running.write(withApps(app('2')));
  running.reload.reload();
  expect(running.messages).toEqual([
    'apps reloaded: 0 added, 0 changed, 0 removed',
    'apps reloaded: 1 added, 0 changed, 1 removed',
  ]);
  running.look(3);
  expect(running.log).toHaveLength(2);
});
