import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { APP } from '../support/broker.ts';
import { run, temporaryFolder } from '../support/process.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** A folder with one file of settings. */
function folderWith(name: string, text: string): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, name), text);
  return folder;
}

describe('help and version', () => {
  test('prints the version of the package', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('lists the commands', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: kulkul \[options\] \[command\]$/m);
    expect(stdout).toMatch(/^ {2}start \[options\] +start the broker$/m);
    expect(stdout).toMatch(/^ {2}config \[options\] +print the effective settings and where each comes from$/m);
  });

  test.each(['start', 'config'])('lists the flags of %s', async (command) => {
    const { code, stdout } = await run([command, '--help']);
    expect(code).toBe(0);
    for (const flag of ['--config <file>', '--port <number>', '--host <address>', '--workers <number>', '--debug']) {
      expect(stdout).toContain(flag);
    }
  });

  test('prints the help to standard error and fails when no command is given', async () => {
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: kulkul/);
  });
});

describe('mistakes in the call', () => {
  test.each([
    [
      'an unknown command',
      ['strat'],
      "kulkul: unknown command 'strat'\n(Did you mean start?)\n(kulkul --help says more)",
    ],
    [
      'an unknown option',
      ['start', '--prot', '1'],
      "kulkul: unknown option '--prot'\n(Did you mean --port?)\n(kulkul start --help says more)",
    ],
    [
      'a port out of range',
      ['start', '--port', '65536'],
      "argument '65536' is invalid. It must be a number from 0 to 65535.\n(kulkul start --help says more)",
    ],
    ['a port that is no number', ['start', '--port', '6oo1'], "argument '6oo1' is invalid. It must be a number"],
    ['a flag without its value', ['config', '--config'], 'argument missing\n(kulkul config --help says more)'],
    ['an argument too many', ['start', 'now'], "too many arguments for 'start'"],
  ])('exits with 2 and says what is wrong with %s', async (_, args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^kulkul: /);
  });
});

describe('mistakes in the configuration', () => {
  test('exits with 2 and names file, line, key and the nearest known key', async () => {
    const cwd = folderWith('kulkul.json', '{\n  "port": 0,\n  "hots": "127.0.0.1"\n}');
    expect(await run(['start', '--config', 'kulkul.json'], { cwd })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'kulkul: kulkul.json:3:3  hots: unknown setting. Did you mean host?\n',
    });
  });

  test('exits with 2 and names the place of a syntax error', async () => {
    const cwd = folderWith('kulkul.json', '{\n  "port": \n');
    const { code, stderr } = await run(['start', '--config', 'kulkul.json'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^kulkul: kulkul\.json:3:1 {2}syntax error: /);
  });

  test('exits with 2 and names a file that does not exist', async () => {
    const { code, stderr } = await run(['config', '--config', 'nowhere.json']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^kulkul: nowhere\.json {2}there is no such file/);
  });

  test('exits with 2 and names a variable with a wrong value', async () => {
    const { code, stderr } = await run(['start'], { env: { SOKETI_PORT: 'high' } });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^kulkul: SOKETI_PORT {2}port: /);
  });
});

describe('kulkul config', () => {
  test('prints each setting with its origin, from whatever folder, and no secret', async () => {
    const apps = [{ ...APP, keys: [{ key: 'next-key', secret: 'next-secret' }] }];
    const text = `{\n"port": 7001,\n"ssl.passphrase": "open-sesame",\n"appManager.array.apps": ${JSON.stringify(apps)}}`;
    const folder = folderWith('kulkul.json', text);
    const { code, stdout, stderr } = await run(
      ['config', '--config', join(folder, 'kulkul.json'), '--host', '127.0.0.1'],
      { env: { SOKETI_SHUTDOWN_GRACE_PERIOD: '5000' } },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const settings = new Map(
      [...stdout.matchAll(/^(\S+) += (.*?) +\((.*)\)$/gm)].map(([, name, value, origin]) => [name, [value, origin]]),
    );
    expect(settings.get('pongTimeoutSeconds')).toEqual(['30', 'default']);
    expect(settings.get('port')).toEqual(['7001', expect.stringMatching(/^file .*kulkul\.json:2$/)]);
    expect(settings.get('shutdownGracePeriod')).toEqual(['5000', 'variable SOKETI_SHUTDOWN_GRACE_PERIOD']);
    expect(settings.get('host')).toEqual(['"127.0.0.1"', 'flag --host']);
    expect(settings.get('apps.0.secret')?.[0]).toBe('•••');
    for (const secret of [APP.secret, 'next-secret', 'open-sesame']) expect(stdout).not.toContain(secret);
  });
});
