import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { findInstalledPackage } from '../../../server/native/load-binary.ts';
import { binaryName, platformPackageName } from '../../../server/native/platform-packages.ts';
import { temporaryFolder } from '../../support/process.ts';

const BUILT = fileURLToPath(new URL('../../../dist', import.meta.url));
const HERE = { os: process.platform, cpu: process.arch };
const NAME = binaryName(HERE, process.versions.modules);

/** A project in which the package is installed and Kulkul is built, with the binary for this Node only. */
let project: string;
const inPackage = (name: string): string => join(project, 'node_modules/uWebSockets.js', name);
const written = (name: string): string => join(project, 'dist/native', name);

beforeEach(() => {
  project = temporaryFolder();
  const installed = findInstalledPackage()?.folder ?? '';
  mkdirSync(inPackage('.'), { recursive: true });
  for (const name of ['package.json', 'uws.js', NAME]) cpSync(join(installed, name), inPackage(name));
  for (const part of ['server/native', 'server/uws.js', 'chunks']) {
    cpSync(join(BUILT, part), join(project, 'dist', part), { recursive: true });
  }
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "version": "1.2.3" }');
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function node(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: project, env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

const write = (env?: NodeJS.ProcessEnv): Promise<Outcome> => node(['dist/server/native/write-binaries.js'], env);

const LOADING = `
  import('./dist/server/uws.js').then(
    (uws) => console.log(typeof uws.createApp),
    (error) => console.log(error.name + ': ' + error.message),
  );`;

/**
 * Loads uWebSockets.js as the broker does, and says what came of it.
 *
 * @param before - code that runs first
 */
const load = (before = ''): Promise<Outcome> => node(['--input-type=module', '-e', before + LOADING]);

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Another version of the package, as an override brings it. */
function override(): void {
  writeFileSync(inPackage('package.json'), '{ "name": "uWebSockets.js", "version": "20.99.0", "main": "uws.js" }');
}

/** Has a binary ask for a C library that no system has. */
function askForFuture(path: string, version: '2.36' | '2.38'): void {
  const binary = readFileSync(path);
  binary.write('GLIBC_9', binary.indexOf(`GLIBC_${version}\0`), 'latin1');
  writeFileSync(path, binary);
}

describe('writing the binaries', () => {
  test('takes those of this platform, and they load', async () => {
    expect(await write()).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readdirSync(written('.')).sort()).toEqual(['source.json', NAME].sort());
    rmSync(inPackage('.'), { recursive: true });
    expect((await load()).stdout).toBe('function\n');
  });

  test('refuses a file that is not what was published, and leaves what was there', async () => {
    await write();
    const before = hashOf(written(NAME));
    const binary = readFileSync(inPackage(NAME));
    binary[binary.length - 1] = (binary[binary.length - 1] ?? 0) ^ 1;
    writeFileSync(inPackage(NAME), binary);
    const { code, stderr } = await write();
    expect(code).toBe(1);
    expect(stderr).toContain(
      `${NAME} of @btc-vision/uwebsockets.js 20.57.0 has a different hash than the one that was published`,
    );
    expect(stderr).toContain('install again');
    expect(hashOf(written(NAME))).toBe(before);
  });

  test('takes a package that overrides the published one when its hash is given, and treats it alike', async () => {
    override();
    const refused = await write();
    expect(refused.stderr).toContain('of uWebSockets.js 20.99.0 has a hash that Kulkul does not know');
    const [, advice = ''] = /KULKUL_UWS_SHA256=([0-9a-f]{64})/.exec(refused.stderr) ?? [];
    expect(advice).toBe(hashOf(inPackage(NAME)));
    expect(existsSync(written(NAME))).toBe(false);

    expect((await write({ KULKUL_UWS_SHA256: `0000, ${advice.toUpperCase()}` })).code).toBe(0);
    expect(readFileSync(written('source.json'), 'utf8')).toBe('{"name":"uWebSockets.js","version":"20.99.0"}\n');
    expect((await load()).stdout).toBe('function\n');
  });

  test('refuses a trusted file that is no library', async () => {
    override();
    writeFileSync(inPackage(NAME), 'Not Found');
    const { code, stderr } = await write({ KULKUL_UWS_SHA256: hashOf(inPackage(NAME)) });
    expect(code).toBe(1);
    expect(stderr).toContain('is not what this version of Kulkul expects: it is no library for Linux on x64 or arm64');
  });

  test('says so when nothing is installed, or nothing for this platform', async () => {
    rmSync(inPackage(NAME));
    expect((await write()).stderr).toContain('has no binary for linux on');
    rmSync(inPackage('.'), { recursive: true });
    expect((await write()).stderr).toContain('uWebSockets.js is not installed: npm install');
  });
});

describe('loading the binary', () => {
  test('takes the one of a package that was overridden after the build', async () => {
    await write();
    override();
    askForFuture(inPackage(NAME), '2.38');
    const { stdout } = await load();
    expect(stdout).toMatch(
      /^NativePartError: The binary of uWebSockets\.js needs glibc 9\.38, and this system has \d\.\d+\. /,
    );
    expect(stdout).toContain(
      `To patch it for glibc 2.36 and newer: node ${join(project, 'dist/server/native/write-binaries.js')}`,
    );
  });

  test('says which systems it runs on where the C library is too old', async () => {
    await write();
    askForFuture(written(NAME), '2.36');
    expect((await load()).stdout).toMatch(
      /needs glibc 9\.36, and this system has .*glibc 2\.36 or newer \(Debian 12, /,
    );
  });

  test('takes the one in the package for this platform, and that of uWebSockets.js where there is no such package', async () => {
    const platformPackage = join(project, 'node_modules', platformPackageName(HERE));
    mkdirSync(platformPackage, { recursive: true });
    writeFileSync(join(platformPackage, 'package.json'), '{}');
    writeFileSync(join(platformPackage, NAME), 'of the platform');
    expect((await load()).stdout).toContain(join(platformPackage, NAME));
    rmSync(platformPackage, { recursive: true });
    writeFileSync(inPackage(NAME), 'of the user');
    expect((await load()).stdout).toContain(inPackage(NAME));
  });

  test('names the package for this platform, with the command that installs it, where there is no binary', async () => {
    rmSync(inPackage('.'), { recursive: true });
    const name = platformPackageName(HERE);
    expect((await load()).stdout).toMatch(
      new RegExp(
        `^NativePartError: The package ${name} is not installed\\. .*: run "npm install ${name}@1\\.2\\.3"\n$`,
      ),
    );
    writeFileSync(join(project, 'build.mjs'), '');
    expect((await load()).stdout).toContain(`run "npm run build" in ${project}`);
  });

  test.each([
    ['another version of Node', "Object.defineProperty(process.versions, 'modules', { value: '999' });"],
    ['another platform', "Object.defineProperty(process, 'arch', { value: 'mips' });"],
  ])('says what it runs on where there is no binary for %s', async (_what, change) => {
    const { stdout } = await load(change);
    expect(stdout).toMatch(/^NativePartError: uWebSockets\.js has no binary for Node v[\d.]+ on linux /);
    expect(stdout).toContain('Kulkul runs on Node 20, 22 and 24');
    expect(stdout).toContain('node:24-trixie-slim');
  });

  test('says that it needs glibc where the C library is another one', async () => {
    rmSync(inPackage('.'), { recursive: true });
    const { stdout } = await load('process.report.getReport = () => ({ header: {} });');
    expect(stdout).toMatch(/^NativePartError: uWebSockets\.js needs glibc, .*musl, as on Alpine.*node:24-trixie-slim/);
  });

  test('a file that is no library gets words, too', async () => {
    await write();
    writeFileSync(written(NAME), 'Not Found');
    expect((await load()).stdout).toMatch(/^NativePartError: The binary of uWebSockets\.js can't be loaded by Node/);
  });
});
